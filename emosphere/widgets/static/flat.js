// Flat views of the same points: the sphere laid flat with its regions, two dimensions against each other, the map of style
// vectors. Here a hand draws a lasso or a box around utterances.

import { choices, fitCanvas, make, pressable, themeOf } from "./dom.js";
import { PLANES, drawGround, drawRegions, planeOf, scalesOf, writeRegions } from "./ground.js";
import { symbolAt } from "./marks.js";
import { dotRadius, drawPoints, nearestSpot } from "./points.js";
import { assignRegion, direction } from "./sphere.js";
import { Splatter } from "./splat.js";
import { unpack } from "./table.js";

const WATCHED = [
  "grid",
  "mask",
  "looks",
  "selection",
  "focus",
  "region",
  "plane",
  "tab",
  "tool",
  "theme",
  "size",
  "patches",
];

export function flat(host) {
  const { table } = host;
  const maps = Object.fromEntries((host.data.maps ?? []).map(({ name, xy }) => [name, unpack(xy)]));
  const views = ["map", ...Object.keys(PLANES), ...Object.keys(maps)];
  const names = { map: "the sphere laid flat" };
  const view = choices(
    "what the map shows",
    views.map((name) => [name, names[name] ?? name]),
    (plane) => host.set({ plane }),
  );
  const tool = (name, sign) =>
    pressable(`${sign} ${name}`, `Draw a ${name} around utterances; with shift, add to the selection`, () =>
      host.set({ tool: name }),
    );
  const tools = { lasso: tool("lasso", "◌"), box: tool("box", "▢") };
  const canvas = make("canvas", "es-flat-canvas", { tabindex: "0", role: "img" });
  const bar = make("div", "es-bar", {}, view, tools.lasso, tools.box);
  const element = make("div", "es-flat", {}, bar, make("div", "es-flat-box", {}, canvas));
  const splatter = new Splatter();
  const [xs, ys] = [new Float64Array(table.n), new Float64Array(table.n)];
  let [hand, placed] = [null, ""];

  function place(shape, { toX, toY }) {
    const key = `${host.state.plane} ${canvas.clientWidth} ${canvas.clientHeight}`;
    if (placed === key) return;
    placed = key;
    for (let i = 0; i < table.n; i++) {
      const [x, y] = shape.at(i);
      [xs[i], ys[i]] = [toX(x), toY(y)];
    }
  }

  function draw() {
    if (!fitCanvas(canvas)) return;
    const [context, ratio, theme, shape] = [
      canvas.getContext("2d", { willReadFrequently: true }),
      canvas.width / canvas.clientWidth,
      themeOf(element),
      planeOf(host, maps),
    ];
    const scale = scalesOf(shape, canvas);
    place(shape, scale);
    drawPoints(host, splatter, canvas, {
      xs,
      ys,
      depths: null,
      radius: dotRadius(table.n) * Math.max(0.55, Math.min(0.85, canvas.clientHeight / 420)) * ratio,
      ratio,
      theme,
    });
    // putImageData replaces what is there, so the ground goes under it
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(splatter.image, 0, 0);
    context.globalCompositeOperation = "destination-over";
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (host.state.plane === "map") drawRegions(host, context, scale, theme);
    else drawGround(host, context, scale, theme, shape);
    context.globalCompositeOperation = "source-over";
    if (host.state.plane === "map") writeRegions(host, context, scale, theme);
    const { focus } = host.state;
    if (focus >= 0 && !Number.isNaN(xs[focus])) {
      symbolAt(context, "ring", { x: xs[focus], y: ys[focus] }, 8, theme.ink, theme);
    }
    if (hand?.path) drawHand(context, theme);
    canvas.setAttribute("aria-label", told());
  }

  function drawHand(context, theme) {
    [context.strokeStyle, context.lineWidth] = [theme.accent, 2];
    context.setLineDash([5, 3]);
    context.beginPath();
    hand.path.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x, y));
    context.closePath();
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 0.12;
    context.fillStyle = theme.accent;
    context.fill();
    context.globalAlpha = 1;
  }

  const told = () =>
    `${names[host.state.plane] ?? host.state.plane}: ${host.derived.shown} utterances, ${host.state.selection.length} selected. The tabs regions and table hold the same for the keyboard.`;

  // hands

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.x, event.clientY - box.y];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.focus({ preventScroll: true, focusVisible: false });
    canvas.setPointerCapture(event.pointerId);
    hand = { start: at(event), path: null };
    host.tip("");
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (!hand) {
      const i = nearestSpot(host, xs, ys, null, x, y, 7);
      canvas.style.cursor = i >= 0 ? "pointer" : "crosshair";
      const region = i < 0 && host.state.plane === "map" ? regionAt(x, y) : -1;
      return host.tip(i >= 0 ? host.describe(i) : region >= 0 ? host.describeRegion(region) : "", canvas, x, y);
    }
    if (!hand.path && Math.hypot(x - hand.start[0], y - hand.start[1]) < 6) return undefined;
    if (host.state.tool === "box") {
      const [left, top] = hand.start;
      hand.path = [
        [left, top],
        [x, top],
        [x, y],
        [left, y],
      ];
    } else (hand.path ??= [hand.start]).push([x, y]);
    return draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    const [held, [x, y]] = [hand, at(event)];
    hand = null;
    if (!held) return;
    if (held.path)
      host.select(
        host.positionsWhere((i) => within(held.path, xs[i], ys[i])),
        { add: event.shiftKey },
      );
    else {
      const i = nearestSpot(host, xs, ys, null, x, y, event.pointerType === "touch" ? 14 : 7);
      if (i >= 0) host.choose(i, event.shiftKey);
      else if (host.state.plane === "map") host.chooseRegion(regionAt(x, y), event.shiftKey);
    }
    draw();
  });
  canvas.addEventListener("pointercancel", () => ((hand = null), draw()));
  canvas.addEventListener("pointerleave", () => host.tip(""));

  function regionAt(x, y) {
    const { fromX, fromY } = scalesOf(planeOf(host, maps), canvas);
    const [azimuth, elevation] = [fromX(x), fromY(y)];
    if (azimuth < 0 || azimuth > 360 || Math.abs(elevation) > 90) return -1;
    return assignRegion(host.state.grid, ...direction((azimuth * Math.PI) / 180, (elevation * Math.PI) / 180));
  }

  return {
    element,
    spot: (i) => ({ x: xs[i], y: ys[i] }),
    update(changed) {
      if (host.state.tab !== "map" || !WATCHED.some((name) => changed.has(name))) return;
      view.value = host.state.plane;
      for (const [name, button] of Object.entries(tools)) button.setAttribute("aria-pressed", host.state.tool === name);
      draw();
    },
  };
}

// whether a point lies within a closed path: how often a ray to the right crosses it
export function within(path, x, y) {
  let odd = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [[ax, ay], [bx, by]] = [path[i], path[j]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}
