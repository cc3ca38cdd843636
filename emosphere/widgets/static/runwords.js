// Runs in words: a box for each run's lines with its look, and what each made of the utterance in the player.

import { fitCanvas, make, themeOf } from "./dom.js";
import { drawMark } from "./marks.js";
import { shortNames } from "./sphere.js";

const TIPS = { circle: "●", square: "■", diamond: "◆", cross: "✚", x: "✖" };
export const RUN_TIPS = Object.keys(TIPS);
export const THIN = 2;

// a box for each run's lines, how many have lines, and what all that means in words
export function linesBar(host, runs, most, menu) {
  const { state, derived } = host;
  const entries = runs.map((run) => {
    const box = make("input", "", { type: "checkbox", checked: true });
    box.addEventListener("change", () =>
      host.set({
        without: box.checked ? state.without.filter((name) => name !== run.name) : [...state.without, run.name],
      }),
    );
    const [swatch, mean] = [make("canvas", "es-run-swatch", { "aria-hidden": "true" }), make("span")];
    const name = make("span", "es-run-name", { text: run.name, title: run.name });
    return { run, box, swatch, mean, label: make("label", "es-check", {}, box, swatch, name, mean) };
  });
  const count = make("input", "es-runs-count", {
    type: "range",
    min: 0,
    max: most,
    step: 1,
    value: state.lines,
    "aria-label": "how many of the worst have lines",
  });
  count.addEventListener("input", () => host.set({ lines: Number(count.value) }));
  const shades = host.data.palettes.errors.join(", ");
  const ramp = make("span", "es-ramp", {
    style: `background:linear-gradient(90deg, ${shades})`,
    "aria-hidden": "true",
  });
  const [title, largest, words] = [make("span"), make("span"), make("span")];
  const caption = make("div", "es-runs-caption", {}, title, ramp, largest, make("br"), words);
  const bar = make(
    "div",
    "es-bar es-runs-bar",
    { role: "group", "aria-label": "lines from truth to prediction" },
    ...entries.map(({ label }) => label),
  );
  bar.append(make("label", "es-check", {}, "lines of the worst", count));
  return {
    element: make("div", "", {}, bar, caption),
    update(changed) {
      if (!["run", "worst", "lines", "without", "patches", "theme", "mask", "grid"].some((name) => changed.has(name)))
        return;
      menu.value = state.run;
      for (const { run, box, swatch, mean } of entries) {
        box.checked = !state.without.includes(run.name);
        mean.textContent = ` · mean error ${derived.shown ? run.mean.toFixed(2) : "–"}`;
        drawSwatch(swatch, run.look);
      }
      const [listed, drawn] = [derived.worst.length, Math.min(state.lines, derived.worst.length)];
      const which =
        drawn === listed
          ? `all ${listed.toLocaleString("en")}`
          : `the ${drawn.toLocaleString("en")} worst of the ${listed.toLocaleString("en")}`;
      const drawing = drawn && state.without.length < runs.length;
      title.textContent = `Mean error of ${state.run} by true region: 0 `;
      largest.textContent = ` ${derived.largest.toFixed(2)}${runs[0].means.some(Number.isNaN) ? "; grey: no true point" : ""}`;
      const leading = drawing
        ? `Lines lead from truth to prediction for ${which} listed`
        : "No line is shown from truth to prediction";
      words.textContent = `${leading}; their length in the sphere of radius 1 is the error. ${host.data.sizes}`;
    },
  };
}

function drawSwatch(canvas, look) {
  if (!fitCanvas(canvas)) return;
  const [context, ratio] = [canvas.getContext("2d"), canvas.width / canvas.clientWidth];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const flat = { spot: ([x, y]) => ({ x, y, depth: 1 }) }; // in place of a camera
  drawMark(
    context,
    flat,
    {
      kind: "line",
      points: [
        [1, 8],
        [38, 8],
      ],
      width: THIN,
      ...look,
    },
    themeOf(canvas),
  );
}

// what was rated and what each run made of the utterance in the player
export function predictionTable(host, runs, place) {
  const { state, derived, table } = host;
  const {
    scale: [low, high],
  } = host.data;
  const caption = make("caption");
  const [head, body] = [make("thead"), make("tbody")];
  const element = make("div", "es-scroll es-predictions", {}, make("table", "", {}, caption, head, body));
  const ratings = (points, i) => place(points, i).map((value) => (low + ((value + 1) / 2) * (high - low)).toFixed(2));

  function rows() {
    const i = state.focus;
    const names = shortNames(state.grid);
    const heads = runs.some(({ knows }) => knows);
    const blank = ["–", "–", "–", "–", "–"];
    const own = i < 0 ? blank : [...ratings(table.points, i), names[derived.regions[i]], ""];
    const lines = [[make("span", "", { text: "rated" }), [...own, ...(heads ? [""] : [])]]];
    for (const { name, look, predicted, given, errors, head: said, knows } of runs) {
      const sign = make("span", "", {
        "aria-hidden": "true",
        text: `${TIPS[look.tip]} `,
        style: `color:${look.colour}`,
      });
      const values = i < 0 ? blank : [...ratings(predicted, i), names[given[i]], errors[i].toFixed(2)];
      lines.push([
        make("span", "", {}, sign, name),
        [...values, ...(heads ? [knows && i >= 0 ? names[said[i]] : "–"] : [])],
      ]);
    }
    const titles = ["", "V", "A", "D", "region", "error", ...(heads ? ["head says"] : [])];
    head.replaceChildren(
      make("tr", "", {}, ...titles.map((text) => make(text ? "th" : "td", "", text ? { scope: "col", text } : {}))),
    );
    body.replaceChildren(
      ...lines.map(([name, cells]) =>
        make("tr", "", {}, make("th", "", { scope: "row" }, name), ...cells.map((text) => make("td", "", { text }))),
      ),
    );
    caption.classList.toggle("es-hint", i < 0);
    caption.textContent =
      i < 0 ? "Click a point, the tip of a line or a row: what each run made of it" : table.names[i];
  }

  return {
    element,
    update(changed) {
      if (["focus", "grid"].some((name) => changed.has(name))) rows();
    },
  };
}
