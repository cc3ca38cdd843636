// Lets the mouse reach what lies inside the translucent sphere, and the sphere itself where nothing lies; and gives
// plots their width and lists their arrow keys.
//
// plotly's 3D picking stops at the nearest object, also at one that is translucent and skips hovering
// (plotly.js issue 6669), so the coloured patches would hide every utterance from the pointer. Here patches leave the
// picking, and a click that hit no point is followed along its ray to the unit sphere and sent to Python.

function solve(matrix, right) {
  // Gauss-Jordan with pivoting: 4 x 4 (column major, as WebGL keeps them), one right side
  const rows = [0, 1, 2, 3].map((r) => [matrix[r], matrix[4 + r], matrix[8 + r], matrix[12 + r], right[r]]);
  for (let c = 0; c < 4; c++) {
    const pivot = rows.slice(c).reduce((best, row) => (Math.abs(row[c]) > Math.abs(best[c]) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(c, 0, pivot);
    for (const row of rows) {
      const factor = row === pivot ? 0 : row[c] / pivot[c];
      if (factor) row.forEach((_, i) => (row[i] -= factor * pivot[i]));
    }
  }
  return rows.map((row, i) => row[4] / row[i]);
}

function unproject(scene, x, y, depth) {
  const { projection, view, model } = scene.glplot.cameraParams;
  const point = [projection, view, model].reduce((vector, matrix) => solve(matrix, vector), [x, y, depth, 1]);
  return [0, 1, 2].map((i) => point[i] / point[3] / scene.dataScale[i]);
}

function direction(scene, event) {
  // where the ray under the pointer enters the unit sphere, as [x, y, z]; null beside it
  const box = scene.container.getBoundingClientRect();
  const x = (2 * (event.clientX - box.x)) / box.width - 1;
  const y = 1 - (2 * (event.clientY - box.y)) / box.height;
  const [near, far] = [unproject(scene, x, y, -1), unproject(scene, x, y, 1)];
  const ray = far.map((value, i) => value - near[i]);
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const [a, b, c] = [dot(ray, ray), 2 * dot(near, ray), dot(near, near) - 1];
  const root = b * b - 4 * a * c;
  if (root < 0) return null;
  const step = (-b - Math.sqrt(root)) / (2 * a);
  return near.map((value, i) => value + step * ray[i]);
}

const BODIES = ["mesh", "surface", "linePlot", "scatterPlot", "textMarkers", "delaunayMesh", "errorBars"];

function touch(plot, send) {
  const scene = () => plot._fullLayout?.scene?._scene;
  const letThrough = () => {
    for (const trace of Object.values(scene()?.traces ?? {})) {
      // lines never: plotly throws while the pointer is at the end of one (gl-line3d gives no dataCoordinate there)
      const hidden = trace.data?.hoverinfo === "skip" ? BODIES : ["linePlot"];
      for (const body of hidden) if (trace[body]) trace[body].drawPick = () => {};
    }
    scene()?.glplot.update(); // draws the picking layer anew, now without them
  };
  let [down, far] = [null, false];
  const onDown = (event) => ([down, far] = [[event.clientX, event.clientY], false]);
  const onMove = (event) => (far ||= !down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 4);
  const onUp = (event) => {
    if (event.button || onMove(event)) return;
    if (!scene() || scene().glplot.selection.object) return; // plotly reports the point under the mouse
    const hit = direction(scene(), event);
    if (hit) send({ direction: hit });
  };
  letThrough();
  plot.on("plotly_afterplot", letThrough);
  plot.addEventListener("mousedown", onDown, true);
  plot.addEventListener("mousemove", onMove, true);
  plot.addEventListener("mouseup", onUp, true);
}

function keepKeys(root) {
  // JupyterLab would take the arrow keys of a list or slider for its own and walk through the cells
  root.addEventListener("focusin", ({ target }) => (target.dataset.lmSuppressShortcuts = "true"));
  // and after a click it moves the focus to the cell
  root.addEventListener("click", ({ target }) => {
    const control = target.closest("select, button, input");
    if (control) setTimeout(() => control.focus({ preventScroll: true }));
  });
}

export default {
  render({ model, el }) {
    el.style.display = "none";
    const seen = new WeakSet();
    // plotly looks at its width only when the window changes, but boxes of widgets change without that
    const widths = new ResizeObserver((changed) => {
      const off = ({ target }) => target.clientWidth && Math.abs(target.clientWidth - target._fullLayout.width) > 1;
      if (changed.some(off)) window.dispatchEvent(new Event("resize"));
    });
    const look = () => {
      const root = el.closest(".emosphere");
      if (!root) return;
      if (!seen.has(root)) keepKeys(root);
      seen.add(root);
      for (const plot of root.querySelectorAll(".js-plotly-plot")) {
        if (seen.has(plot) || !plot._fullLayout) continue;
        const scene = plot._fullLayout.scene;
        if (scene && !scene._scene?.glplot?.cameraParams) continue;
        seen.add(plot);
        widths.observe(plot);
        if (scene && plot.closest(`.${model.get("target")}`)) touch(plot, (message) => model.send(message));
      }
    };
    const timer = setInterval(look, 200);
    return () => {
      clearInterval(timer);
      widths.disconnect();
    };
  },
};
