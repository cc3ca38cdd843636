// The sphere: plotly draws regions, borders and axes; points, labels and lines lie over it on a canvas with the same perspective.
// So colours, filters and selections change without plotly, and a hand reaches points through the translucent regions.

import { Camera, REACH } from "./camera.js";
import { fitCanvas, make, themeOf } from "./dom.js";
import { drawMark } from "./marks.js";
import { regionColours } from "./palettes.js";
import { dotRadius, drawPoints, farthest, nearestSpot } from "./points.js";
import { Hands } from "./hands.js";
import { borderLines, outline, patches, regionCentres, regionCount, shortNames, assignRegion } from "./sphere.js";
import { Splatter } from "./splat.js";

const AXES = ["valence", "arousal", "dominance"];
const MOST_LABELS = 32; // regions that are named on the sphere
const WATCHED = ["grid", "mask", "looks", "selection", "focus", "region", "marks", "now", "patches", "theme", "size"];

export function ball(host) {
  const { table } = host;
  const plot = make("div", "es-ball-plot", { "aria-hidden": "true" });
  const canvas = make("canvas", "es-ball-canvas", {
    tabindex: "0",
    role: "application",
    "aria-roledescription": "sphere",
    "aria-label":
      "Sphere of utterances. Arrow keys turn it, plus and minus zoom, 0 resets. The table lists the same utterances for the keyboard.",
  });
  const element = make("div", "es-ball", {}, plot, canvas);
  const camera = new Camera(Math.max(1.18, farthest(table)));
  const splatter = new Splatter();
  const [xs, ys, depths] = [0, 1, 2].map(() => new Float64Array(table.n));
  let [plotly, drawn, waiting, measured] = [null, null, false, ""];

  // plotly: regions, borders, axes

  function traces(theme) {
    const { grid } = host.state;
    const { regions, ...mesh } = patches(grid);
    const colours = host.derived.patches ?? regionColours(grid, host.data.palettes);
    const flat = { ambient: 1, diffuse: 0, specular: 0, roughness: 1, fresnel: 0 };
    const still = { hoverinfo: "skip", showlegend: false };
    const ends = AXES.flatMap((name, i) =>
      [1, -1, null].map((sign) => [0, 1, 2].map((k) => (sign === null ? null : k === i ? 1.12 * sign : 0))),
    );
    const axis = (k) => ends.map((end) => end[k]);
    return [
      {
        type: "mesh3d",
        ...mesh,
        facecolor: regions.map((region) => colours[region]),
        flatshading: true,
        lighting: flat,
        opacity: host.derived.patches ? 0.34 : 0.13,
        showscale: false,
        ...still,
      },
      {
        type: "scatter3d",
        mode: "lines",
        ...borderLines(grid),
        line: { color: theme.dim, width: 2 },
        opacity: 0.55,
        ...still,
      },
      {
        type: "scatter3d",
        mode: "lines",
        x: axis(1),
        y: axis(0),
        z: axis(2),
        line: { color: theme.dim, width: 2 },
        ...still,
      },
    ];
  }

  const layout = () => {
    const axis = { visible: false, range: [-REACH, REACH] };
    const scene = {
      xaxis: axis,
      yaxis: axis,
      zaxis: axis,
      aspectmode: "cube",
      dragmode: false,
      hovermode: false,
      camera: camera.plotly,
    };
    const [width, height] = [element.clientWidth, element.clientHeight];
    return {
      scene,
      width,
      height,
      margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: "rgba(0,0,0,0)",
      showlegend: false,
    };
  };

  async function drawSphere() {
    plotly ??= await host.plotly();
    if (!element.clientWidth || !plot.isConnected) return;
    camera.fit(element.clientWidth, element.clientHeight);
    await plotly.react(plot, traces(themeOf(element)), layout(), {
      displayModeBar: false,
      responsive: false,
      scrollZoom: false,
    });
    element.dataset.drawn = "true";
  }

  // the canvas over it

  function draw() {
    waiting = false;
    if (!fitCanvas(canvas)) return;
    const [context, ratio, theme] = [
      canvas.getContext("2d", { willReadFrequently: true }),
      canvas.width / canvas.clientWidth,
      themeOf(element),
    ];
    camera.fit(canvas.clientWidth, canvas.clientHeight).project(table.points, xs, ys, depths);
    const scale = Math.max(0.7, Math.min(1.25, Math.min(canvas.clientWidth, canvas.clientHeight) / 480));
    drawPoints(host, splatter, canvas, { xs, ys, depths, radius: dotRadius(table.n) * scale * ratio, ratio, theme });
    context.putImageData(splatter.image, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawLabels(context, theme);
    const { grid, region, focus } = host.state;
    if (region >= 0 && region < regionCount(grid))
      drawMark(context, camera, { kind: "line", points: outline(grid, region), colour: theme.ink, width: 2.6 }, theme);
    for (const mark of host.marks()) drawMark(context, camera, mark, theme);
    if (focus >= 0) drawFocus(context, focus, theme);
  }

  function drawLabels(context, theme) {
    const { grid } = host.state;
    const write = (text, point, font, colour) => {
      const { x, y, depth } = camera.spot(point);
      context.font = font;
      const half = context.measureText(text).width / 2 + 3;
      context.globalAlpha = depth > 1.02 ? 0.5 : 1;
      context.lineWidth = 3;
      [context.strokeStyle, context.fillStyle] = [theme.paper, colour];
      const [left, top] = [
        Math.max(half, Math.min(camera.width - half, x)),
        Math.max(9, Math.min(camera.height - 9, y)),
      ];
      context.strokeText(text, left, top);
      context.fillText(text, left, top);
      context.globalAlpha = 1;
    };
    [context.textAlign, context.textBaseline, context.lineJoin] = ["center", "middle", "round"];
    AXES.forEach((name, i) => {
      for (const sign of [1, -1])
        write(
          `${name} ${sign > 0 ? "+" : "−"}`,
          [0, 1, 2].map((k) => (k === i ? 1.2 * sign : 0)),
          "12px sans-serif",
          theme.ink,
        );
    });
    const names = shortNames(grid);
    const centres = names.length <= MOST_LABELS && !host.options.plain ? regionCentres(grid) : [];
    centres.forEach((centre, i) =>
      write(
        names[i],
        centre.map((value) => 1.04 * value),
        `600 ${names.length > 18 ? 12 : 15}px sans-serif`,
        theme.dim,
      ),
    );
  }

  function drawFocus(context, focus, theme) {
    const at = Array.from(table.points.subarray(3 * focus, 3 * focus + 3));
    if (at.some(Number.isNaN)) return;
    const predicted = table.predicted ? Array.from(table.predicted.subarray(3 * focus, 3 * focus + 3)) : [NaN];
    if (!predicted.some(Number.isNaN)) {
      drawMark(
        context,
        camera,
        { kind: "line", points: [at, predicted], colour: theme.ink, width: 3, tip: "circle" },
        theme,
      );
    }
    drawMark(
      context,
      camera,
      { kind: "point", points: [at], colour: theme.ink, symbol: "ring", size: dotRadius(table.n) + 4 },
      theme,
    );
  }

  // hands

  const near = (x, y, reach) => nearestSpot(host, xs, ys, depths, x, y, reach);
  const redraw = () => {
    if (element.dataset.drawn) {
      plotly.relayout(plot, { "scene.camera": camera.fit(canvas.clientWidth, canvas.clientHeight).plotly });
    }
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  new Hands(canvas, {
    turn: (dx, dy) => (camera.turnBy(-dx * 0.009, dy * 0.009), redraw()),
    zoom: (factor) => (camera.zoomBy(factor), redraw()),
    reset: () => (camera.reset(), redraw()),
    hover: (x, y) => {
      const i = x === null ? -1 : near(x, y, 8);
      canvas.style.cursor = i >= 0 ? "pointer" : "";
      const mark = i < 0 && x !== null ? nearestMark(host.marks(), camera, x, y) : null;
      host.tip(i >= 0 ? host.describe(i) : mark?.hover ? mark.hover : "", canvas, x, y);
    },
    click: (x, y, { shift, touch }) => {
      const i = near(x, y, touch ? 16 : 8);
      if (i >= 0) return host.choose(i, shift);
      const mark = nearestMark(host.marks(), camera, x, y);
      if (mark?.press !== undefined) return host.pressMark(mark);
      const entered = camera.enter(x, y);
      return host.chooseRegion(entered ? assignRegion(host.state.grid, ...entered) : -1, shift);
    },
  });

  return {
    element,
    camera,
    spot: (i) => ({ x: xs[i], y: ys[i] }),
    update(changed) {
      if (!WATCHED.some((name) => changed.has(name))) return;
      const size = `${element.clientWidth} ${element.clientHeight}`;
      const resized = size !== measured;
      if (changed.has("size") && changed.size === 1 && !resized) return;
      measured = size;
      if (["grid", "patches", "theme"].some((name) => changed.has(name)) || resized || !drawn) {
        drawn = drawSphere();
        drawn.catch((error) => host.say(`The sphere's regions cannot be drawn: ${error.message}`));
      }
      draw();
    },
    close: () => plotly?.purge(plot),
  };
}

function nearestMark(marks, camera, x, y) {
  let [best, least] = [null, 9];
  for (const mark of marks) {
    const points = mark.kind === "line" ? mark.points.slice(-1) : mark.points;
    points.forEach((point, index) => {
      const spot = camera.spot(point);
      const distance = Math.hypot(spot.x - x, spot.y - y);
      if ((mark.press ?? mark.hover) !== undefined && distance < least) {
        [best, least] = [
          { ...mark, index, hover: Array.isArray(mark.hover) ? mark.hover[index] : mark.hover },
          distance,
        ];
      }
    });
  }
  return best;
}
