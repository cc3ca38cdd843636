// A plotly figure that Python changes: drawn in place, as wide as its box; a click on a point is told to Python.

import { keepKeys, make, watchTheme } from "./dom.js";
import { sharedPlotly } from "./plotly.js";

const CLEAR = "rgba(0,0,0,0)";

// the colours of the page around it
function dress(layout) {
  const dark = document.body.dataset.jpThemeLight === "false";
  const [color, bgcolor] = dark ? ["#e8eaed", "#17191d"] : ["#1f2328", "#ffffff"]; // as explorer.css has them
  const [font, hoverlabel] = [
    { ...layout.font, color },
    { bgcolor, font: { color } },
  ];
  Object.assign(layout, { paper_bgcolor: CLEAR, plot_bgcolor: CLEAR, font, hoverlabel });
  for (const axis of ["xaxis", "yaxis"]) layout[axis] = { ...layout[axis], gridcolor: "#8884", zerolinecolor: "#8884" };
}

export function mountPlot(model, element) {
  const plot = make("div", "emosphere-plot");
  let [plotly, drawing, gone] = [null, Promise.resolve(), false];
  element.append(plot);

  // Python's, and a line across where the cursor is
  let own = [];
  function shapes() {
    const x = model.get("cursor");
    const line = { type: "line", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color: "#D81B60", width: 2 } };
    return x === null ? own : [...own, line];
  }

  async function draw() {
    plotly ??= await sharedPlotly(model);
    if (gone || !plot.clientWidth) return;
    const { data, layout } = JSON.parse(model.get("_figure"));
    own = layout.shapes ?? [];
    if (model.get("themed")) dress(layout);
    layout.width ??= plot.clientWidth;
    layout.shapes = shapes();
    layout.scene = { ...layout.scene, uirevision: "kept" }; // a hand's camera stays when something else changes
    const first = !plot.dataset.drawn;
    await plotly.react(plot, data, layout, { displayModeBar: false });
    if (first)
      plot.on("plotly_click", ({ points: [point] }) => model.send({ clicked: [point.curveNumber, point.pointNumber] }));
    plot.dataset.drawn = Number(plot.dataset.drawn ?? 0) + 1;
  }

  // one after the other; what comes meanwhile is drawn once
  let waiting = false;
  function soon() {
    if (waiting) return;
    waiting = true;
    drawing = drawing.then(() => {
      waiting = false;
      return draw();
    });
    drawing = drawing.catch((error) => {
      if (!plot.dataset.drawn) plot.textContent = `This picture cannot be drawn: ${error.message}`;
      console.error(error);
    });
  }

  const move = () => plot.dataset.drawn && plotly.relayout(plot, { shapes: shapes() });
  let width = 0;
  const sizes = new ResizeObserver(() => {
    if (plot.clientWidth !== width) soon();
    width = plot.clientWidth;
  });
  sizes.observe(plot);
  model.on("change:_figure", soon);
  model.on("change:cursor", move);
  const stops = [keepKeys(), watchTheme(() => model.get("themed") && soon())];
  return () => {
    gone = true;
    for (const stop of stops) stop();
    sizes.disconnect();
    model.off("change:_figure", soon);
    model.off("change:cursor", move);
    plotly?.purge(plot);
  };
}
