// The run explorer's own parts: the run in focus colours the regions by its mean errors and fills the confusion matrix; lines
// lead from truth to prediction of the worst; a small table tells what each run made of the utterance in the player.

import { confusionMatrix } from "./confusion.js";
import { choices, make } from "./dom.js";
import { shadesOf } from "./palettes.js";
import { RUN_TIPS, THIN, linesBar, predictionTable } from "./runwords.js";
import { assignRegions, outline, regionCount } from "./sphere.js";
import { unpack } from "./table.js";

const DASHES = ["solid", "dash", "dot", "longdash", "dashdot"];
const MOST_LINES = 300; // utterances with lines; already these are hard to tell apart
const THICK = 4.5;

const cssColour = (number) => `#${number.toString(16).padStart(6, "0")}`;

// colour, dash and tip of a run: no two alike for up to 25 runs
function runLook(i, { runs: colours }) {
  const turn = (i + Math.floor(i / 5)) % 5;
  return { colour: colours[i % 5], dash: DASHES[turn], tip: RUN_TIPS[turn] };
}

export function runParts(host) {
  const { table, data, state, derived } = host;
  const runs = data.runs.map(({ name, predicted, regions, head }, i) => ({
    name,
    predicted: unpack(predicted),
    own: regions && unpack(regions), // the true regions on its own grid
    head: head && unpack(head),
    errors: table.column(`error ${name}`).values,
    look: runLook(i, data.palettes),
  }));
  const most = Math.min(table.n, MOST_LINES);
  Object.assign(state, {
    cell: null,
    headSays: false,
    without: [],
    lines: Math.min(most, 30, Math.max(5, Math.floor(90 / runs.length))),
  });
  const inFocus = () => runs.find(({ name }) => name === state.run) ?? runs[0];
  const place = (points, i) => Array.from(points.subarray(3 * i, 3 * i + 3));

  // what follows from grid, filters, selection and run

  host.deriveMore = (changed, follows) => {
    const run = inFocus();
    const anyOf = (...names) => names.some((name) => changed.has(name));
    if (changed.has("run") && !changed.has("colour") && runs.some(({ name }) => state.colour === `error ${name}`)) {
      host.put(changed, "colour", `error ${run.name}`);
    }
    if (changed.has("grid"))
      for (const each of runs)
        Object.assign(each, { given: assignRegions(state.grid, each.predicted), knows: headKnows(each) });
    if (follows("given", "grid", "run", "headSays")) {
      derived.headKnown = run.knows;
      derived.given = state.headSays && run.knows ? run.head : run.given;
    }
    if (changed.has("grid") || (changed.has("selection") && !changed.has("cell"))) state.cell = null;
    else if (state.cell && anyOf("given", "mask")) host.put(changed, "selection", host.members(state.cell));
    if (follows("confusion", "given", "mask")) derived.confusion = confusions();
    if (anyOf("grid", "mask")) for (const each of runs) Object.assign(each, meanErrors(each));
    if (anyOf("grid", "mask", "run")) paintRegions(run, changed);
    if (follows("worst", "selection", "mask", "run", "onlySelected")) {
      const among = state.onlySelected && state.selection.length > 1;
      const listed = among
        ? Int32Array.from(new Set(state.selection)).filter((i) => derived.mask[i])
        : host.positionsWhere(() => true);
      derived.worst = table.sorted(listed, { column: `error ${run.name}`, descending: true });
    }
    if (follows("marks", "worst", "lines", "without", "focus", "cell", "grid")) derived.marks = errorLines();
  };
  host.rank = () => (state.sort.column ? null : derived.worst);
  host.rankWords = () => `the worst of ${inFocus().name} first`;
  host.regionColumns = runs.map((run) => ({
    title: `error ${run.name.replace(/[_/]/g, "$&\u200b")}`,
    values: () => run.means,
  }));
  host.members = ([row, column]) =>
    host.positionsWhere((i) => (row < 0 || derived.regions[i] === row) && (column < 0 || derived.given[i] === column));
  const named = runs.map(({ name }) => [name, name]);
  const menu = choices("run in focus", named, (run) => host.set({ run }), { class: "es-select es-run" });
  host.moreControls = [make("label", "es-check", {}, "run", menu)];
  host.keys += " · Arrows, Enter in the confusion matrix: to a cell, its utterances";
  const describe = host.describe.bind(host);
  host.describe = (i) =>
    [
      describe(i),
      ...runs.map((run) => `${run.name}: error ${run.errors[i].toFixed(2)}, in ${derived.names[run.given[i]]}`),
    ].join("\n");

  // a run tells the true regions on its own grid: if they are these, its region head knows these
  function headKnows({ own, head }) {
    const count = regionCount(state.grid);
    return (
      Boolean(own && head) &&
      own.every((region, i) => region === derived.regions[i]) &&
      head.every((region) => region >= 0 && region < count)
    );
  }

  function confusions() {
    const count = regionCount(state.grid);
    const counts = new Int32Array(count * count);
    for (let i = 0; i < table.n; i++) if (derived.mask[i]) counts[derived.regions[i] * count + derived.given[i]] += 1;
    return counts;
  }

  // by true region, NaN where there is none, and of all that are shown
  function meanErrors({ errors }) {
    const count = regionCount(state.grid);
    const [sums, counts] = [new Float64Array(count), new Int32Array(count)];
    for (let i = 0; i < table.n; i++) {
      if (!derived.mask[i]) continue;
      sums[derived.regions[i]] += errors[i];
      counts[derived.regions[i]] += 1;
    }
    const mean = sums.reduce((a, b) => a + b, 0) / derived.shown;
    return { mean, means: sums.map((sum, region) => (counts[region] ? sum / counts[region] : NaN)) };
  }

  // one scale for all runs, so that another run in focus shows who is better
  function paintRegions({ means }, changed) {
    const all = runs.flatMap((each) => Array.from(each.means)).filter((value) => !Number.isNaN(value));
    derived.largest = all.reduce((a, b) => Math.max(a, b), 1e-9);
    const shades = shadesOf(data.palettes.errors);
    const colours = Array.from(means, (mean) =>
      Number.isNaN(mean) ? data.palettes.absent : cssColour(shades[Math.round((255 * mean) / derived.largest)]),
    );
    if (colours.join() === derived.patches?.join()) return;
    derived.patches = colours;
    changed.add("patches");
  }

  function errorLines() {
    const shown = runs.filter(({ name }) => !state.without.includes(name));
    const line = (run, i, width) => ({
      kind: "line",
      points: [place(table.points, i), place(run.predicted, i)],
      ...run.look,
      width,
      hover: `${table.names[i]}\npredicted by ${run.name}, error ${run.errors[i].toFixed(2)}`,
      press: () => host.choose(i),
    });
    const lined = Array.from(derived.worst.subarray(0, state.lines));
    const frames = (state.cell ?? []).map(
      (region, k) =>
        region >= 0 && { kind: "line", points: outline(state.grid, region), dash: k ? "dash" : "solid", width: 2.6 },
    );
    const thick = state.focus >= 0 ? shown.map((run) => line(run, state.focus, THICK)) : [];
    return [...frames.filter(Boolean), ...shown.flatMap((run) => lined.map((i) => line(run, i, THIN))), ...thick];
  }

  const confusion = confusionMatrix(host);
  const lines = linesBar(host, runs, most, menu);
  const predictions = predictionTable(host, runs, place);
  return {
    parts: { confusion, lines, predictions },
    tabs: { confusion },
    below: [lines.element],
    beside: [predictions.element],
  };
}
