// The utterances as dots: how large, which are drawn how, and which one lies under the mouse. The same on the sphere and on maps.

import { hexNumber } from "./dom.js";

const MOST_RIMS = 150; // selected utterances that have a rim

export const dotRadius = (n) => (n <= 3000 ? 4.4 : n <= 20000 ? 2.8 : 1.7);

// the radius within which all but one utterance in two hundred lie: single ones must not make the sphere small
export function farthest({ n, points }) {
  const radii = new Float64Array(n);
  for (let i = 0; i < n; i++) radii[i] = Math.hypot(points[3 * i], points[3 * i + 1], points[3 * i + 2]);
  return radii.sort()[Math.floor(0.995 * (n - 1))] ?? 0;
}

// what is not selected lies behind a selection of many
const BEHIND = 10;
const isBehind = ({ derived, state }, i) => state.selection.length > 1 && !derived.selected[i];

// all points that are shown, those of the selection with a rim and the others fainter beside it
export function drawPoints(host, splatter, canvas, { xs, ys, depths, radius, ratio, theme }) {
  const { mask, looks, selected } = host.derived;
  const [paper, accent, many] = [hexNumber(theme.paper), hexNumber(theme.accent), host.state.selection.length];
  const rimmed = many > 1 && many <= MOST_RIMS; // the others are faint beside them anyway
  const rim = radius + 2 * ratio;
  splatter.begin(canvas.width, canvas.height);
  for (let i = 0; i < xs.length; i++) {
    if (!mask[i] || xs[i] !== xs[i]) continue;
    const behind = isBehind(host, i);
    const depth = (depths ? depths[i] : 1 - i * 1e-7) + (behind ? BEHIND : 0);
    const fog = depths ? Math.max(0, Math.min(0.5, (depths[i] - 0.75) * 0.9)) : 0;
    const [x, y] = [xs[i] * ratio, ys[i] * ratio];
    if (rimmed && selected[i]) splatter.point(x, y, depth + 1e-6, rim, 0, accent);
    splatter.point(
      x,
      y,
      depth,
      looks.absent[i] ? 0.7 * radius : radius,
      looks.shape[i],
      looks.rgb[i],
      behind ? 0.62 : fog,
      paper,
    );
  }
}

// position of the point under the mouse: of those it touches the one in front, else the nearest within reach; -1 for none
export function nearestSpot(host, xs, ys, depths, x, y, reach) {
  const { mask } = host.derived;
  let [best, score] = [-1, Infinity];
  for (let i = 0; i < xs.length; i++) {
    if (!mask[i]) continue;
    const [dx, dy] = [xs[i] - x, ys[i] - y];
    const square = dx * dx + dy * dy;
    if (!(square <= reach * reach)) continue;
    const front = (depths ? depths[i] : -i * 1e-9) + (isBehind(host, i) ? BEHIND : 0);
    const value = square <= 16 ? front : 100 + square;
    if (value < score) [best, score] = [i, value];
  }
  return best;
}
