// What lies below the dots of a flat view: where data lie on it, regions with their counts, axes and their names.

import { regionColours } from "./palettes.js";
import { azimuthEdges, elevationEdges, regionCount, shortNames } from "./sphere.js";

export const PLANES = { "valence × arousal": [0, 1], "dominance × arousal": [2, 1], "dominance × valence": [2, 0] };
const AXIS = ["valence", "arousal", "dominance"];
const MARGIN = { left: 52, right: 12, top: 10, bottom: 40 };

// where the data lie: a function of position each for x and y, and the ends of the axes
export function planeOf({ data, state: { plane }, table }, maps) {
  if (plane === "map") return { x: [0, 360], y: [-90, 90], at: (i) => sphereAngles(table.points, i) };
  if (maps[plane])
    return {
      x: limits(maps[plane], 0),
      y: limits(maps[plane], 1),
      at: (i) => [maps[plane][2 * i], maps[plane][2 * i + 1]],
    };
  const [first, second] = PLANES[plane];
  const [low, high] = data.scale;
  const rating = (value) => low + ((value + 1) / 2) * (high - low);
  const wide = [low - 0.03 * (high - low), high + 0.03 * (high - low)];
  return {
    x: wide,
    y: wide,
    at: (i) => [rating(table.points[3 * i + first]), rating(table.points[3 * i + second])],
    first,
    second,
  };
}

function sphereAngles(points, i) {
  const [v, a, d] = [points[3 * i], points[3 * i + 1], points[3 * i + 2]];
  const turn = (Math.atan2(v, a) * 180) / Math.PI;
  return [turn < 0 ? turn + 360 : turn, (Math.atan2(d, Math.hypot(v, a)) * 180) / Math.PI];
}

// between data and pixels
export function scalesOf({ x, y }, canvas) {
  const [width, height] = [
    canvas.clientWidth - MARGIN.left - MARGIN.right,
    canvas.clientHeight - MARGIN.top - MARGIN.bottom,
  ];
  return {
    toX: (value) => MARGIN.left + ((value - x[0]) / (x[1] - x[0])) * width,
    toY: (value) => MARGIN.top + (1 - (value - y[0]) / (y[1] - y[0])) * height,
    fromX: (pixel) => x[0] + ((pixel - MARGIN.left) / width) * (x[1] - x[0]),
    fromY: (pixel) => y[0] + (1 - (pixel - MARGIN.top) / height) * (y[1] - y[0]),
  };
}

export function drawRegions(host, context, { toX, toY }, theme) {
  const { grid, region } = host.state;
  const colours = host.derived.patches ?? regionColours(grid, host.data.palettes);
  eachCell(grid, (i, [left, right], [top, bottom]) => {
    const box = [toX(left), toY(top), toX(right) - toX(left), toY(bottom) - toY(top)];
    context.strokeStyle = i === region ? theme.ink : theme.line;
    context.lineWidth = i === region ? 3 : 1;
    context.strokeRect(...box);
    context.globalAlpha = host.derived.patches ? 0.5 : 0.16;
    context.fillStyle = colours[i];
    context.fillRect(...box);
    context.globalAlpha = 1;
  });
}

export function writeRegions(host, context, { toX, toY }, theme) {
  const { grid } = host.state;
  const [short, counts] = [shortNames(grid), new Int32Array(regionCount(grid))];
  host.derived.regions.forEach((region, i) => (counts[region] += host.derived.mask[i]));
  context.lineJoin = "round";
  [context.textAlign, context.textBaseline] = ["left", "top"];
  eachCell(grid, (i, [left, right], [top, bottom]) => {
    const [wide, high] = [toX(right) - toX(left), toY(bottom) - toY(top)];
    const lines = [
      short[i],
      counts[i].toLocaleString("en"),
      ...(host.weighted ? [`w ${host.derived.weights[i].toFixed(2)}`] : []),
    ].slice(0, Math.floor((high - 4) / 14));
    lines.forEach((line, row) => {
      context.font = row ? "12px sans-serif" : "600 13px sans-serif";
      if (context.measureText(line).width > wide - 6) return;
      [context.strokeStyle, context.lineWidth, context.fillStyle] = [theme.paper, 3, row ? theme.dim : theme.ink];
      context.strokeText(line, toX(left) + 4, toY(top) + 4 + 14 * row);
      context.fillText(line, toX(left) + 4, toY(top) + 4 + 14 * row);
    });
  });
  const signs = ["A+", "V+", "A−", "V−", "A+"];
  axes(
    context,
    theme,
    [0, 90, 180, 270, 360].map((v, i) => [toX(v), `${v}° ${signs[i]}`]),
    [-90, -45, 0, 45, 90].map((v) => [toY(v), `${v}°`]),
    "azimuth",
    "elevation, D− to D+",
  );
}

export function drawGround(host, context, { toX, toY }, theme, { x, y, first, second }) {
  const named = first !== undefined;
  const [low, high] = host.data.scale;
  const ticks = named ? Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4) : [];
  axes(
    context,
    theme,
    ticks.map((v) => [toX(v), Number(v.toFixed(2))]),
    ticks.map((v) => [toY(v), Number(v.toFixed(2))]),
    named ? AXIS[first] : `${host.state.plane}, first axis`,
    named ? AXIS[second] : "second axis",
  );
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(toX(x[0]), toY(y[1]), toX(x[1]) - toX(x[0]), toY(y[0]) - toY(y[1]));
  if (!named) return;
  const middle = (low + high) / 2;
  context.beginPath();
  (context.moveTo(toX(middle), toY(y[0])), context.lineTo(toX(middle), toY(y[1])));
  (context.moveTo(toX(x[0]), toY(middle)), context.lineTo(toX(x[1]), toY(middle)));
  context.stroke();
}

function axes(context, theme, xTicks, yTicks, xTitle, yTitle) {
  const { clientWidth: width, clientHeight: height } = context.canvas;
  [context.font, context.fillStyle] = ["12px sans-serif", theme.dim];
  context.textBaseline = "top";
  xTicks.forEach(([at, text], i) => {
    context.textAlign = i === xTicks.length - 1 ? "right" : i ? "center" : "left";
    context.fillText(text, Math.min(at, width - 2), height - MARGIN.bottom + 5);
  });
  context.textAlign = "center";
  context.fillText(xTitle, (MARGIN.left + width - MARGIN.right) / 2, height - 16);
  [context.textAlign, context.textBaseline] = ["right", "middle"];
  for (const [at, text] of yTicks) context.fillText(text, MARGIN.left - 5, Math.max(8, at));
  context.save();
  context.translate(9, (MARGIN.top + height - MARGIN.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(yTitle, 0, 0);
  context.restore();
}

function eachCell(grid, act) {
  const degrees = (angle) => (angle * 180) / Math.PI;
  const [across, down] = [azimuthEdges(grid).map(degrees), elevationEdges(grid).map(degrees)];
  for (let i = 0; i < regionCount(grid); i++) {
    const [band, sector] = [Math.floor(i / grid.azimuth), i % grid.azimuth];
    act(i, across.slice(sector, sector + 2), down.slice(band, band + 2));
  }
}

function limits(xy, from) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = from; i < xy.length; i += 2)
    if (!Number.isNaN(xy[i])) [low, high] = [Math.min(low, xy[i]), Math.max(high, xy[i])];
  const margin = 0.04 * (high - low) || 1;
  return [low - margin, high + margin];
}
