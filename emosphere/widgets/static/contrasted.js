// The tables of "compare": each row has numbers, a difference with its 95 % interval, and a picture of it.

import { meanDifference } from "./differences.js";
import { make } from "./dom.js";
import { signedText } from "./soundwords.js";

const FEWEST_SHARED = 10; // utterances of a set below which the difference of a share says nothing
const MOST_SPEAKERS = 3; // named for each set

const percent = (share) => `${(100 * share).toFixed(0)}\u00a0%`;

function withSign(number, digits) {
  const rounded = Number(number.toFixed(digits));
  return (rounded > 0 ? "+" : "") + signedText(rounded || 0, digits);
}

// A table with a caption and heads; cells are texts or elements, the first of a row its head
function contrastTable(name, caption, heads, rows) {
  const head = make("tr", "", {}, ...heads.map((text) => make("th", "", { scope: "col", text })));
  const body = rows.map(([label, ...cells]) => {
    const row = make("tr", "", {}, make("th", "", { scope: "row" }, label));
    row.append(...cells.map((cell) => make("td", "", {}, cell)));
    return row;
  });
  const captioned = make("caption", "", { text: caption });
  const parts = [make("thead", "", {}, head), make("tbody", "", {}, ...body)];
  return make("table", `es-contrast-table ${name}`, {}, captioned, ...parts);
}

function drawing(width, height, label) {
  const add = (parent, tag, attributes) => {
    const part = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    return parent ? parent.appendChild(part) : part;
  };
  const named = { role: "img", "aria-label": label, class: "es-contrast-svg" };
  const svg = add(null, "svg", { viewBox: `0 0 ${width} ${height}`, width, height, ...named });
  return { svg, add: (tag, attributes) => add(svg, tag, attributes) };
}

const intervalText = ({ difference, low, high, why }, form) =>
  why || `${form(difference)} (${form(low)} to ${form(high)})`;

export function meansTable(rows, sizes) {
  const inSpreads = ({ low, high, spread }) => [low, high].map((value) => Math.abs(value / (spread || 1)));
  const limit = Math.max(0.1, ...rows.filter(({ why }) => !why).flatMap(inSpreads));
  const cells = rows.map((row) => {
    const digits = row.spread >= 20 ? 0 : row.spread >= 5 ? 1 : 2;
    const mean = ({ count, mean }, k) => {
      const some = count < sizes[k] ? [make("small", "", { text: `of ${count}` })] : [];
      return make("span", "", {}, count ? signedText(mean, digits) : "none", ...some);
    };
    const text = intervalText(row, (value) => withSign(value, digits));
    return [row.name, mean(row.a, 0), mean(row.b, 1), text, strip(row, limit, text)];
  });
  const caption = `Means; the picture has the differences in standard deviations, up to ${limit.toFixed(1)}`;
  const heads = ["mean", "A", "B", "A − B (95 %)", "lower in A | higher"];
  return contrastTable("es-contrast-means", caption, heads, cells);
}

function strip({ difference, low, high, spread, why, name }, limit, text) {
  const { svg, add } = drawing(112, 20, `${name}: ${text}`);
  const x = (value) => (56 + (52 * value) / (spread || 1) / limit).toFixed(2);
  add("line", { x1: 56, x2: 56, y1: 0, y2: 20, class: "es-contrast-zero" });
  if (why) return svg;
  add("line", { x1: x(low), x2: x(high), y1: 10, y2: 10, class: "es-contrast-interval" });
  add("circle", { cx: x(difference), cy: 10, r: 4.5, class: "es-contrast-dot" });
  return svg;
}

export function sharesTable({ labels, values }, inA, inB, owners) {
  const shares = new Float32Array(values.length);
  const rows = labels.map((label, code) => {
    for (let i = 0; i < values.length; i++) shares[i] = values[i] < 0 ? NaN : Number(values[i] === code);
    const found = meanDifference(shares, inA, inB, owners);
    return { label, ...found, why: Math.min(found.a.count, found.b.count) < FEWEST_SHARED ? "too few" : found.why };
  });
  const most = Math.max(0.01, ...rows.flatMap(({ a, b }) => [a.mean || 0, b.mean || 0]));
  const cells = rows
    .filter(({ a, b }) => a.mean || b.mean)
    .map((row) => {
      const { svg, add } = drawing(
        112,
        20,
        `${row.label}: A ${percent(row.a.mean || 0)}, B ${percent(row.b.mean || 0)}`,
      );
      [row.a, row.b].forEach(({ mean }, k) => {
        const shape = { x: 1, y: 1.5 + 9 * k, width: ((110 * (mean || 0)) / most).toFixed(2), height: 7 };
        add("rect", { ...shape, class: k ? "es-contrast-b" : "es-contrast-a" });
      });
      const text = intervalText(row, (value) => withSign(100 * value, 0));
      return [row.label, ...[row.a, row.b].map(({ count, mean }) => (count ? percent(mean) : "none")), text, svg];
    });
  const caption = "Shares of the categories; differences in percentage points";
  const heads = ["category", "A", "B", "A − B (95 %)", "A above, B below"];
  return contrastTable("es-contrast-shares", caption, heads, cells);
}

export function speakersTable({ labels, values }, inA, inB) {
  const counts = [inA, inB].map((inside) => {
    const found = new Int32Array(labels.length);
    inside.forEach((value, i) => value && values[i] >= 0 && (found[values[i]] += 1));
    return found;
  });
  const many = counts.map((found) => String(found.filter(Boolean).length));
  const most = counts.map((found) => {
    const order = Array.from(found.keys())
      .filter((code) => found[code])
      .sort((a, b) => found[b] - found[a] || a - b);
    const first = order.slice(0, MOST_SPEAKERS).map((code) => `${labels[code]} (${found[code].toLocaleString("en")})`);
    return first.join(", ") || "none";
  });
  const shared = counts[0].reduce((sum, count, code) => sum + (count && counts[1][code] ? 1 : 0), 0);
  const rows = [
    ["how many", ...many],
    ["most frequent", ...most],
  ];
  return contrastTable("es-contrast-speakers", `Speakers, ${shared} in both`, ["speakers", "A", "B"], rows);
}
