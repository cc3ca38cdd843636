// The class's runs: a row a question, with its interval as a picture on an axis that all rows share.
import { drawn, keyed, make, say } from "./dom.js";

const COLUMNS = ["question", "students", "seeds", "difference", "95 % interval", "", "claim", "p (Holm)"];
const signed = (value) => (value === null ? "" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`);

export function showPool(table, none, notes, { rows, notes: said, settings }) {
  table.hidden = !(none.hidden = rows.length > 0);
  keyed(table.tHead.rows[0], COLUMNS.map((_, column) => column), (column) =>
    make("th", column === 5 ? "forest" : "", { scope: "col" }, COLUMNS[column]),
  );
  const ends = rows.flatMap(({ mean, low, high, seeds, differences }) =>
    seeds > 2 ? [mean, low, high] : [mean, ...differences],
  );
  const reach = 1.08 * Math.max(0.01, ...ends.map(Math.abs));
  const lines = keyed(table.tBodies[0], rows.map(({ variant }) => variant), () => make("tr"));
  lines.forEach((line, place) => fill(line, rows[place], reach));
  const all = rows.length
    ? [
        `Settings: ${settings}. Ticks: single seeds. Bar: 95 % interval of the mean over seeds, by Student's t, paired with full of the same seed.`,
        "More seeds narrow what chance in training does. The test speakers stay the same: nothing follows for others.",
        `Who picks the best of ${rows.length} questions must correct for their number: p is Holm's, the intervals are not.`,
      ]
    : [];
  keyed(notes, [...all, ...said], () => make("li")).forEach((item) => say(item, item.dataset.key));
}

function fill(line, row, reach) {
  const cells = keyed(line, COLUMNS.map((_, column) => column), (column) =>
    column ? make("td", column === 5 ? "forest" : "number") : make("th", "", { scope: "row" }),
  );
  const texts = [row.variant, row.students, row.seeds, signed(row.mean)];
  texts.push(row.low === null ? "two seeds at least" : `${signed(row.low)} to ${signed(row.high)}`);
  texts.forEach((text, column) => say(cells[column], String(text)));
  say(cells[6], row.claim ?? "", row.claim === null ? "" : row.claim.replace(" ", "-"));
  say(cells[7], row.p === null ? "" : row.p < 0.001 ? "< 0.001" : row.p.toFixed(3));
  const key = JSON.stringify([row, reach]);
  if (cells[5].dataset.drawn === key) return;
  cells[5].dataset.drawn = key;
  cells[5].replaceChildren(picture(row, reach));
}

function picture({ mean, low, high, claim, differences }, reach) {
  const [width, middle] = [400, 17];
  const x = (value) => width * (0.5 + Math.max(-0.5, Math.min(0.5, value / (2 * reach))));
  const label = low === null ? signed(mean) : `${signed(mean)}, ${signed(low)} to ${signed(high)}`;
  const svg = drawn("svg", { viewBox: `0 0 ${width} 34`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  const color = { better: "var(--better)", worse: "var(--worse)" }[claim] ?? "var(--dim)";
  const line = (from, to, top, bottom, stroke, strength) =>
    svg.append(drawn("line", { x1: x(from), x2: x(to), y1: top, y2: bottom, stroke, "stroke-width": strength, "vector-effect": "non-scaling-stroke" }));
  line(0, 0, 0, 34, "var(--ink)", 1.5);
  for (const value of differences) line(value, value, 24, 32, "var(--dim)", 1);
  if (low !== null) line(low, high, middle - 3, middle - 3, color, 4);
  line(mean, mean, middle - 13, middle + 7, color, 4);
  return svg;
}
