// Curves over epochs as SVG: after six colours, which the style sheet gives for each theme, come dashes.

import { make, number, title } from "./dom.js";

const COLOURS = 6;
const DASHES = ["", "7 4", "2 3"];
const WIDTH = 560;
const HEIGHT = 190;
const EDGE = { left: 44, right: 10, top: 10, bottom: 32 };

export function draw(runs, found) {
  const told = runs.filter((run) => found[run.id]?.validation_loss?.length);
  if (!told.length) return [make("p", "hint", { text: "No epoch of these runs is over yet, or they have none." })];
  const style = (place) => ({ style: `stroke: var(--c${place % COLOURS})`, "stroke-dasharray": DASHES[Math.floor(place / COLOURS) % DASHES.length] });
  const legend = told.map((run, place) => {
    const mark = make("svg", "", { viewBox: "0 0 22 10", "aria-hidden": "true" });
    mark.append(make("line", "", { x1: 0, x2: 22, y1: 5, y2: 5, "stroke-width": 3, ...style(place) }));
    return make("li", "", {}, mark, title(run));
  });
  const pictures = [["validation_loss", "Validation loss"], ["ccc_mean", "Mean CCC on validation"]].map(([name, text]) =>
    make("section", "curves", {}, make("h2", "", { text }), picture(told, found, name, text, style)),
  );
  return [make("ul", "legend", {}, ...legend), ...pictures];
}

function picture(runs, found, name, text, style) {
  const lines = runs.map((run) => found[run.id][name] ?? []);
  const values = lines.flat().filter((value) => value !== null);
  const epochs = Math.max(...lines.map((line) => line.length), ...runs.map((run) => run.epochs ?? 0), 2);
  const ticks = nice(Math.min(...values), Math.max(...values));
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const x = (epoch) => EDGE.left + ((WIDTH - EDGE.left - EDGE.right) * epoch) / (epochs - 1);
  const y = (value) => HEIGHT - EDGE.bottom - ((HEIGHT - EDGE.top - EDGE.bottom) * (value - low)) / (high - low || 1);
  const last = runs.map((run, place) => `${title(run)} ${number(lines[place].at(-1), 2)}`).join(", ");
  const svg = make("svg", "", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${text} over epochs; last: ${last}` });
  for (const tick of ticks) {
    svg.append(make("line", "grid", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(tick), y2: y(tick) }));
    svg.append(make("text", "", { x: EDGE.left - 6, y: y(tick) + 4, "text-anchor": "end", text: number(tick, high - low < 0.5 ? 2 : 1) }));
  }
  const step = Math.max(1, Math.ceil(epochs / 12));
  for (let epoch = 0; epoch < epochs; epoch += step) {
    svg.append(make("text", "", { x: x(epoch), y: HEIGHT - EDGE.bottom + 16, "text-anchor": "middle", text: String(epoch) }));
  }
  svg.append(make("text", "", { x: (WIDTH + EDGE.left) / 2, y: HEIGHT - 2, "text-anchor": "middle", text: "epoch" }));
  lines.forEach((line, place) => {
    const points = line.map((value, epoch) => [epoch, value]).filter(([, value]) => value !== null);
    const way = points.map(([epoch, value], number) => `${number ? "L" : "M"}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    svg.append(make("path", "line", { d: way, ...style(place) }, make("title", "", { text: title(runs[place]) })));
    if (points.length === 1) svg.append(make("circle", "", { cx: x(points[0][0]), cy: y(points[0][1]), r: 2, ...style(place) }));
  });
  return svg;
}

// round numbers around the values
function nice(low, high) {
  const span = high - low || Math.abs(high) || 1;
  const raw = span / 3;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= raw);
  const ticks = [];
  for (let tick = Math.floor(low / step) * step; ticks.length < 8; tick += step) {
    ticks.push(Number(tick.toPrecision(6)));
    if (tick >= high) break;
  }
  return ticks;
}
