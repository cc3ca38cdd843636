// Which regions the run in focus takes for which: true regions down, predicted ones across, colour is the share of the row.
// A cell, or a name beside the cells, selects its utterances; arrows go through them, Enter selects.

import { counted, fitCanvas, hexNumber, make, themeOf } from "./dom.js";
import { regionCount, shortNames } from "./sphere.js";

const [WIDEST, HIGHEST] = [92, 44]; // pixels of a cell
const EDGE = { left: 66, top: 44, right: 4, bottom: 4 };
const WATCHED = ["confusion", "selection", "region", "cell", "tab", "theme", "size"];

export function confusionMatrix(host) {
  const title = make("span", "es-runs-title");
  const says = make("input", "", { type: "checkbox", onchange: () => host.set({ headSays: says.checked }) });
  const label = make("label", "es-check", {}, says, "as the region head says");
  const canvas = make("canvas", "es-confusion-canvas", {
    tabindex: "0",
    role: "application",
    "aria-roledescription": "confusion matrix",
    "aria-label":
      "True regions down, predicted ones across. Arrow keys go from cell to cell and to the regions' names, Enter selects.",
  });
  const box = make("div", "es-flat-box", {}, canvas);
  const element = make("div", "es-flat", {}, make("div", "es-bar", {}, title, label), box);
  let at = [0, 0]; // row and column of the keyboard; -1 for the names

  const size = () => regionCount(host.state.grid);
  const countOf = (row, column) => host.derived.confusion[row * size() + column];
  const sum = (row) => Array.from({ length: size() }, (_, k) => countOf(row, k)).reduce((a, b) => a + b, 0);

  function measures() {
    const n = size();
    const wide = Math.min(WIDEST, (canvas.clientWidth - EDGE.left - EDGE.right) / n);
    const high = Math.min(HIGHEST, (canvas.clientHeight - EDGE.top - EDGE.bottom) / n);
    return { n, wide, high };
  }

  function draw() {
    if (!fitCanvas(canvas)) return;
    const [context, ratio, theme] = [canvas.getContext("2d"), canvas.width / canvas.clientWidth, themeOf(element)];
    const { n, wide, high } = measures();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    [context.textAlign, context.textBaseline] = ["center", "middle"];
    const gap = Math.min(wide, high) > 8 ? 1 : 0;
    const written = high >= 14 && wide >= 26;
    for (let row = 0; row < n; row++) {
      const all = Math.max(sum(row), 1);
      for (let column = 0; column < n; column++) {
        const count = countOf(row, column);
        const [x, y] = [EDGE.left + column * wide, EDGE.top + row * high];
        context.fillStyle = theme.panel;
        context.fillRect(x, y, wide - gap, high - gap);
        context.globalAlpha = count / all;
        context.fillStyle = theme.accent;
        context.fillRect(x, y, wide - gap, high - gap);
        context.globalAlpha = 1;
        if (!written || !count) continue; // a matrix full of zeros is hard to read
        context.font = `${row === column ? 600 : 400} 13px sans-serif`;
        context.fillStyle = readable(count / all, theme);
        context.fillText(count.toLocaleString("en"), x + (wide - gap) / 2, y + (high - gap) / 2);
      }
    }
    drawNames(context, theme);
    const { cell, region } = host.state;
    if (cell) frame(context, cell, theme.ink);
    else if (region >= 0) frame(context, [region, -1], theme.ink);
    if (canvas.matches(":focus-visible")) frame(context, at, theme.warn, [4, 3]);
  }

  function drawNames(context, theme) {
    const { n, wide, high } = measures();
    const names = shortNames(host.state.grid);
    context.font = "13px sans-serif";
    context.fillStyle = theme.ink;
    const [rows, columns] = [Math.ceil(14 / high), Math.ceil((context.measureText(names.at(-1)).width + 5) / wide)];
    for (let i = 0; i < n; i += columns) context.fillText(names[i], EDGE.left + (i + 0.5) * wide, EDGE.top - 12);
    context.textAlign = "right";
    for (let i = 0; i < n; i += rows) context.fillText(names[i], EDGE.left - 8, EDGE.top + (i + 0.5) * high);
    context.font = "12px sans-serif";
    context.fillStyle = theme.dim;
    context.textAlign = "left";
    context.fillText("predicted region →", EDGE.left, 9);
    context.save();
    context.translate(9, EDGE.top + n * high);
    context.rotate(-Math.PI / 2);
    context.fillText("← true region", Math.max(0, n * high - 90), 0);
    context.restore();
  }

  function frame(context, [row, column], colour, dash = []) {
    const { n, wide, high } = measures();
    const [x, y] = [column < 0 ? 14 : EDGE.left + column * wide, row < 0 ? 18 : EDGE.top + row * high];
    const right = column < 0 ? (dash.length ? EDGE.left : EDGE.left + n * wide) : x + wide;
    const bottom = row < 0 ? (dash.length ? EDGE.top : EDGE.top + n * high) : y + high;
    context.save();
    context.setLineDash(dash);
    [context.strokeStyle, context.lineWidth] = [colour, dash.length ? 2 : 2.5];
    context.strokeRect(x - 0.5, y - 0.5, right - x, bottom - y);
    context.restore();
  }

  function words([row, column]) {
    const { names } = host.derived;
    if (row < 0) return `predicted in ${names[column]}`;
    if (column < 0) return `truly in ${names[row]}`;
    const [count, all] = [countOf(row, column), sum(row)];
    const share = all ? `, ${Math.round((100 * count) / all)} % of those truly in there` : "";
    return `truly in ${names[row]},\npredicted in ${names[column]}:\n${counted(count, "utterance")}${share}`;
  }

  function choose([row, column], add) {
    if (column < 0) return host.chooseRegion(row, add);
    const positions = host.members([row, column]);
    if (!positions.length) return host.say("no utterance");
    if (add) return host.select(positions, { add });
    host.set({ cell: [row, column] });
    return host.select(positions);
  }

  // hands and keys

  function under({ offsetX, offsetY }) {
    const { n, wide, high } = measures();
    const [row, column] = [Math.floor((offsetY - EDGE.top) / high), Math.floor((offsetX - EDGE.left) / wide)];
    if (row >= n || column >= n || (row < 0 && column < 0)) return null;
    return [Math.max(row, -1), Math.max(column, -1)];
  }

  canvas.addEventListener("pointermove", (event) => {
    const found = event.pointerType === "touch" ? null : under(event);
    canvas.style.cursor = found ? "pointer" : "";
    host.tip(found ? words(found) : "", canvas, event.offsetX, event.offsetY);
  });
  canvas.addEventListener("pointerleave", () => host.tip("", canvas));
  canvas.addEventListener("click", (event) => {
    const found = under(event);
    if (!found) return;
    at = found;
    choose(found, event.shiftKey);
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (by) {
      const to = at.map((place, k) => Math.max(-1, Math.min(size() - 1, place + by[k])));
      if (to.some((place) => place >= 0)) at = to;
      host.say(words(at));
      draw();
    } else if (["Enter", " "].includes(event.key)) choose(at, event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, draw);

  return {
    element,
    // where a cell is on the canvas
    spot: ([row, column]) => ({
      x: EDGE.left + (column + 0.5) * measures().wide,
      y: EDGE.top + (row + 0.5) * measures().high,
    }),
    update(changed) {
      if (host.state.tab !== "confusion" || !WATCHED.some((name) => changed.has(name))) return;
      const { derived, state } = host;
      at = at.map((place) => Math.min(place, size() - 1));
      let right = 0;
      for (let i = 0; i < size(); i++) right += countOf(i, i);
      title.textContent = `${state.run}: ${Math.round((100 * right) / Math.max(derived.shown, 1))} % in the true region (diagonal)`;
      says.checked = state.headSays && derived.headKnown;
      says.disabled = !derived.headKnown;
      label.title = derived.headKnown ? "" : `${state.run} has no region head for these regions.`;
      draw();
    },
  };
}

// the colour of a text on a cell: of ink and paper the lighter one where it is dark
function readable(share, { accent, panel, ink, paper }) {
  const light = (colour) =>
    [16, 8, 0].reduce((sum, bits, k) => sum + ((hexNumber(colour) >> bits) & 255) * [0.3, 0.59, 0.11][k], 0) / 255;
  const [dark, bright] = light(ink) < light(paper) ? [ink, paper] : [paper, ink];
  return share * light(accent) + (1 - share) * light(panel) < 0.46 ? bright : dark;
}
