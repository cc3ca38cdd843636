// The list of runs: asked for every few seconds; rows are changed in place, so that nothing jumps or is lost.

import { ask, duration, make, number, say, title } from "./dom.js";
import { Panel } from "./panel.js";

const EVERY = 3000; // milliseconds
const STATES = ["running", "waiting", "complete", "failed", "stopped"];
const RUNNING = ["preparing", "training", "testing"];
const SHAPES = {
  running: "M0 0L10 5L0 10Z",
  waiting: "M1 4H9V6H1Z",
  complete: "M0 5L2 3L4 5L8 0L10 2L4 9Z",
  failed: "M0 2L2 0L5 3L8 0L10 2L7 5L10 8L8 10L5 7L2 10L0 8L3 5Z",
  stopped: "M1 1H9V9H1Z",
};
const COLUMNS = [
  ["experiment", "experiment", (run) => run.experiment],
  ["variant", "variant", (run) => run.variant],
  ["seed", "seed", (run) => run.seed],
  ["state", "state", (run) => STATES.indexOf(kind(run))],
  ["epoch", "epoch", (run) => (run.state === "complete" ? Infinity : (run.epoch ?? -1))],
  ["left", "left", (run) => run.left ?? -1],
  ["loss", "loss", (run) => run.loss ?? -1],
  ...["valence", "arousal", "dominance", "mean"].map((name) => [
    `ccc_${name}`,
    name.length > 4 ? name[0].toUpperCase() : name,
    (run) => run.scores?.[`ccc_${name}`] ?? -2,
  ]),
];
const TEXTS = new Set(["experiment", "variant", "state"]);
const CCC = new Set(["ccc_valence", "ccc_arousal", "ccc_dominance", "ccc_mean"]);

const byId = (id) => document.getElementById(id);
const kind = (run) => (RUNNING.includes(run.state) ? "running" : run.state);
const rows = new Map(); // by run: the row and its cells
const chosen = new Set();
const shownStates = new Set(STATES);
let runs = [];
let sorted = { column: null, down: false };
let several = false; // experiments
const panel = new Panel(byId("tabs"), byId("panel"));

function heads() {
  const cells = COLUMNS.filter(([name]) => several || name !== "experiment").map(([name, text, value]) => {
    const here = sorted.column === name;
    const order = here ? (sorted.down ? "descending" : "ascending") : "none";
    const press = () => {
      const first = CCC.has(name); // the best are what one looks for
      sorted = { column: name, value, down: here ? !sorted.down : first };
      heads();
      draw();
      byId("heads").querySelector(`[data-column="${name}"]`).focus();
    };
    const label = text + (here ? (sorted.down ? " ↓" : " ↑") : "");
    const spoken = CCC.has(name) ? { "aria-label": `${text}, CCC`, title: `CCC on the test split: ${name.slice(4)}` } : {};
    const button = make("button", "", { type: "button", text: label, onclick: press, "data-column": name, ...spoken });
    return make("th", TEXTS.has(name) ? "text" : "", { scope: "col", "aria-sort": order }, button);
  });
  const first = make("th", "", { scope: "col" }, make("span", "unseen", { text: "chosen" }));
  byId("heads").replaceChildren(first, ...cells);
}

function row(run) {
  const box = make("input", "", { type: "checkbox", "aria-label": `choose ${title(run)}` });
  const cells = Object.fromEntries(
    COLUMNS.map(([name]) => [name, make("td", TEXTS.has(name) ? `text ${name}` : "")]),
  );
  const mark = make("svg", "", { viewBox: "0 0 10 10", "aria-hidden": "true" });
  mark.append(make("path", "", { fill: "currentColor" }));
  const words = make("span");
  const state = make("span", "state", {}, mark, words);
  cells.state.append(state);
  const bar = make("progress", "", { "aria-hidden": "true", hidden: true });
  const epoch = make("span");
  cells.epoch.append(bar, epoch);
  const element = make("tr", "", {}, make("td", "", {}, box), ...COLUMNS.map(([name]) => cells[name]));
  const choose = (on) => {
    box.checked = on;
    element.classList.toggle("chosen", on);
    if (on) chosen.add(run.id);
    else chosen.delete(run.id);
    byId("none").hidden = !chosen.size;
    tell();
  };
  box.addEventListener("change", () => choose(box.checked));
  element.addEventListener("click", (event) => {
    if (event.target !== box && !getSelection().toString()) choose(!box.checked);
  });
  return { element, cells, words, state, mark, bar, epoch, choose };
}

function fill(run) {
  if (!rows.has(run.id)) rows.set(run.id, row(run));
  const { cells, words, state, mark, bar, epoch } = rows.get(run.id);
  cells.experiment.hidden = !several;
  say(cells.experiment, run.experiment);
  say(cells.variant, run.variant);
  cells.variant.title = run.variant;
  say(cells.seed, run.seed === null ? "" : String(run.seed));
  say(words, run.state);
  const name = `state ${run.state}`;
  if (state.getAttribute("class") !== name) {
    state.setAttribute("class", name);
    mark.firstChild.setAttribute("d", SHAPES[kind(run)] ?? SHAPES.waiting);
  }
  const long = ["failed", "preparing", "testing"].includes(run.state) ? (run.what ?? "") : "";
  if (cells.state.title !== long) cells.state.title = long;
  const counted = run.state !== "complete" && run.epoch !== null && run.epoch !== undefined;
  bar.hidden = !counted;
  if (counted) {
    bar.max = run.epochs;
    bar.value = run.epoch;
  }
  const fold = run.fold === null || run.fold === undefined ? "" : ` (fold ${run.fold})`;
  say(epoch, counted ? `${run.epoch} of ${run.epochs}${fold}` : "");
  say(cells.left, duration(run.left));
  say(cells.loss, kind(run) === "running" ? number(run.loss, 2) : "");
  for (const column of CCC) say(cells[column], number(run.scores?.[column]));
}

// the rows in their order; those that stay where they are are not touched
function draw() {
  const word = byId("search").value.toLowerCase();
  let shown = runs.filter((run) => shownStates.has(kind(run)) && `${run.experiment} ${run.variant}`.toLowerCase().includes(word));
  if (sorted.column) {
    const way = sorted.down ? -1 : 1;
    const compare = (a, b) => (a < b ? -way : a > b ? way : 0);
    shown = [...shown].sort((one, other) => compare(sorted.value(one), sorted.value(other)));
  }
  const body = byId("rows");
  shown.forEach((run, place) => {
    const { element } = rows.get(run.id);
    if (body.children[place] !== element) body.insertBefore(element, body.children[place] ?? null);
  });
  while (body.children.length > shown.length) body.lastChild.remove();
  byId("empty").hidden = shown.length > 0;
}

function tell() {
  const picked = runs.filter((run) => chosen.has(run.id));
  panel.show(picked, runs);
}

function summary(experiments) {
  const counts = Object.fromEntries(STATES.map((name) => [name, runs.filter((run) => kind(run) === name).length]));
  for (const button of byId("states").children) say(button, `${button.dataset.state} ${counts[button.dataset.state]}`);
  byId("progress").max = runs.length || 1;
  byId("progress").value = counts.complete;
  const rate = runs.filter((run) => run.state === "complete" && run.updated).map((run) => run.updated);
  const begun = Math.max(...experiments.map((each) => each.begun ?? 0), 0);
  const here = rate.filter((time) => time > begun).length;
  const rest = runs.length - counts.complete - counts.failed;
  const left = begun && here > 1 && counts.running ? ((Math.max(...rate) - begun) / here) * rest : null;
  const guess = left === null ? "" : `, about ${duration(left)} left`;
  say(byId("summary"), `${counts.complete} of ${runs.length} runs are complete${guess}`);
  document.title = `${counts.complete}/${runs.length} · Board of runs`;
}

async function poll() {
  try {
    const state = await ask("state");
    byId("trouble").hidden = true;
    say(byId("folder"), state.folder);
    runs = state.runs;
    const more = new Set(runs.map((run) => run.experiment)).size > 1;
    if (more !== several) {
      several = more;
      heads();
    }
    runs.forEach(fill);
    panel.experiments = state.experiments;
    summary(state.experiments);
    draw();
    tell();
  } catch (error) {
    say(byId("trouble"), `The board does not answer (${error.message}). It is asked again every few seconds.`);
    byId("trouble").hidden = false;
  }
  setTimeout(poll, document.hidden ? 5 * EVERY : EVERY);
}

for (const name of STATES) {
  const press = (event) => {
    const on = !shownStates.has(name);
    if (on) shownStates.add(name);
    else shownStates.delete(name);
    event.currentTarget.setAttribute("aria-pressed", String(on));
    draw();
  };
  byId("states").append(make("button", "", { type: "button", text: name, "aria-pressed": "true", "data-state": name, onclick: press }));
}
byId("search").addEventListener("input", draw);
byId("none").addEventListener("click", () => {
  for (const key of [...chosen]) rows.get(key).choose(false);
});
heads();
poll();
