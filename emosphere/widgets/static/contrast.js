// Two sets of utterances beside each other, "compare": means and their differences, categories, speakers; numbers with
// 95 % intervals, and pictures of them. No tests of significance: an interval says how large a difference may be.

import { choices, counted, make, pressable, setChoices } from "./dom.js";
import { meansTable, sharesTable, speakersTable } from "./contrasted.js";
import { meanDifference } from "./differences.js";
import { regionLabels } from "./sphere.js";
import { decodeSound, fundamental, intensity } from "./sound.js";
import { soundSummary } from "./soundwords.js";

const MOST_MEASURED = 100; // sounds of each set
const FIRST_MEANS = ["valence", "arousal", "dominance", "radius", "duration"];
const NO_MEANS = ["azimuth", "raters"]; // of angles that go around, of counts
const UNITS = { duration: "s", elevation: "°", f0: "Hz", intensity: "dB" };
const CONTRASTED = ["selection", "named", "mask", "shown", "grid", "run", "remarks"]; // what changes the sets

export function contrast(host) {
  const { table } = host;
  const measured = new Map(); // position -> {f0, intensity}
  let stop = null; // ends the measuring
  const [first, second] = ["set A", "set B"].map((label) => choices(label, [], () => render()));
  const labelled = [
    ["A", first],
    ["B", second],
  ].map(([letter, menu]) => make("label", "es-check", {}, letter, menu));
  const bar = make("div", "es-bar", {}, ...labelled);
  const result = make("div", "es-contrast-result");
  const progress = make("span", "es-contrast-note", { role: "status" });
  const cancel = pressable("cancel", "Stop measuring", () => stop?.(), { hidden: true });
  const task = `measure F0 and intensity of both (up to ${MOST_MEASURED} each)`;
  const measure = pressable(task, task, () => measureBoth());
  const known = Boolean(table.column("f0") && table.column("intensity"));
  const sounds = make("div", "es-bar", { hidden: known }, measure, cancel, progress);
  const element = make("section", "es-contrast", { "aria-label": "compare two sets" }, bar, result, sounds);

  function options() {
    const { named = {}, grid } = host.state;
    const all = [
      ["selection", "current selection"],
      ["others", "all others shown"],
      ["shown", "all shown"],
    ];
    for (const name of Object.keys(named)) all.push([`named ${name}`, `kept: ${name}`]);
    regionLabels(grid).forEach((label, i) => all.push([`region ${i}`, `region ${label}`]));
    table.column("category")?.labels.forEach((label, code) => all.push([`category ${code}`, `category ${label}`]));
    return all;
  }

  // 1 for each member; regions, categories and others are of what is shown
  function members(choice, other) {
    const { mask, regions } = host.derived;
    const [kind, which] = [choice.split(" ", 1)[0], choice.slice(choice.indexOf(" ") + 1)];
    if (kind === "selection" || kind === "named") {
      const inside = new Uint8Array(table.n);
      const listed = kind === "named" ? host.state.named[which].map((name) => table.positions.get(name)) : host.state.selection;
      for (const i of listed) inside[i] = 1;
      return inside;
    }
    if (kind === "shown") return mask;
    if (kind === "others") return other ? mask.map((shown, i) => shown & !other[i]) : new Uint8Array(table.n);
    const codes = kind === "region" ? regions : table.column("category").values;
    return mask.map((shown, i) => shown & (codes[i] === Number(which)));
  }

  function sets() {
    const [a, b] = [first.value, second.value];
    const inA = a === "others" ? null : members(a);
    const inB = members(b, inA);
    return [inA ?? members(a, b === "others" ? null : inB), inB];
  }

  function quantities() {
    const found = table.columns.filter(({ kind, name }) => kind === "number" && !NO_MEANS.includes(name));
    const rank = ({ name }) => FIRST_MEANS.indexOf(name) + 1 || FIRST_MEANS.length + 1;
    found.sort((a, b) => rank(a) - rank(b));
    for (const name of measured.size ? ["f0", "intensity"] : []) {
      if (table.column(name)) continue;
      const values = new Float32Array(table.n).fill(NaN);
      for (const [i, sound] of measured) values[i] = sound[name];
      found.push({ name, values });
    }
    const titled = (name) => (name === "f0" ? "F0" : name) + (UNITS[name] ? `, ${UNITS[name]}` : "");
    return found.map(({ name, values }) => ({ name: titled(name), values }));
  }

  function render() {
    const [inA, inB] = sets();
    const sizes = [inA, inB].map((inside) => inside.reduce((sum, value) => sum + value, 0));
    const both = inA.reduce((sum, value, i) => sum + (value & inB[i]), 0);
    measure.disabled = !sizes[0] && !sizes[1];
    const counts = sizes.map((size, k) => `${"AB"[k]}: ${counted(size, "utterance")}.`);
    if (both) counts.push(`In both: ${both.toLocaleString("en")}.`);
    const parts = [make("p", "es-contrast-counts", { text: counts.join(" ") })];
    if (!sizes[0] || !sizes[1]) {
      const empty = sizes[0] ? "B is" : sizes[1] ? "A is" : "Both are";
      parts.push(make("p", "es-contrast-note", { text: `${empty} empty: select points, or choose other sets above.` }));
    } else {
      const [owners, method] = ownersOf(table, inA, inB, both);
      const rows = quantities().map(({ name, values }) => ({ name, ...meanDifference(values, inA, inB, owners) }));
      parts.push(
        meansTable(
          rows.filter(({ a, b }) => a.count || b.count),
          sizes,
        ),
      );
      const category = table.column("category");
      if (category) parts.push(sharesTable(category, inA, inB, owners));
      const speaker = table.column("speaker");
      if (speaker) parts.push(speakersTable(speaker, inA, inB));
      parts.push(make("p", "es-contrast-note", { text: method }));
    }
    result.replaceChildren(...parts);
  }

  async function measureBoth() {
    const wanted = [...new Set(sets().flatMap(someOf))].filter((i) => !measured.has(i));
    let [done, failed, problem, ended] = [0, 0, "", false];
    stop = () => (ended = true);
    [measure.hidden, cancel.hidden] = [true, false];
    cancel.focus();
    for (const i of wanted) {
      progress.textContent = `measured ${done} of ${wanted.length}`;
      try {
        const { samples, rate, seconds } = await decodeSound((await host.sound(i)).bytes);
        const [pitch, loudness] = [fundamental(samples, rate), intensity(samples, rate)];
        const { hertz, decibels } = soundSummary({ pitch, loudness, seconds });
        if (!ended) measured.set(i, { f0: hertz, intensity: decibels });
      } catch (error) {
        failed += 1;
        problem = error.message;
      }
      if (ended) break;
      done += 1;
      await new Promise((resolve) => setTimeout(resolve)); // keys and clicks come first
    }
    const without = failed ? ` ${counted(failed, "sound")} could not be had: ${problem}` : "";
    progress.textContent = `${ended ? "Stopped" : "Done"}: ${counted(measured.size, "sound")} measured.${without}`;
    const back = element.contains(document.activeElement);
    [measure.hidden, cancel.hidden] = [false, true];
    if (back) measure.focus();
    host.say(progress.textContent);
    render();
  }

  let listed = "";
  let stale = true;
  return {
    element,
    update(changed) {
      stale ||= CONTRASTED.some((name) => changed.has(name));
      if (!stale || (host.state.tab && host.state.tab !== "compare")) return;
      stale = false;
      const all = options();
      if (listed !== JSON.stringify(all)) {
        setChoices(first, all);
        setChoices(second, [all[1], all[0], ...all.slice(2)]);
        listed = JSON.stringify(all);
      }
      render();
    },
    close: () => stop?.(),
  };
}

// up to MOST_MEASURED members, evenly through the corpus
function someOf(inside) {
  const all = [];
  inside.forEach((value, i) => value && all.push(i));
  const count = Math.min(all.length, MOST_MEASURED);
  return Array.from({ length: count }, (_, k) => all[Math.floor(((k + 0.5) * all.length) / count)]);
}

// Who is left out in turn (see meanDifference), and the same in words
function ownersOf(table, inA, inB, both) {
  const speaker = table.column("speaker");
  const unsaid = speaker?.labels.indexOf("unknown");
  const numbers = new Int32Array(speaker?.labels.length ?? 0).fill(-1); // of each speaker among those seen
  const [of, single] = [new Int32Array(table.n), new Int32Array(table.n)];
  let [count, known, unknown, members] = [0, 0, 0, 0];
  for (let i = 0; i < table.n; i++) {
    if (!inA[i] && !inB[i]) continue;
    single[i] = members++;
    const code = speaker && speaker.values[i] !== unsaid ? speaker.values[i] : -1;
    if (code < 0) unknown += 1;
    else if (numbers[code] < 0) [numbers[code], known] = [count, known + 1];
    else {
      of[i] = numbers[code];
      continue;
    }
    of[i] = count++; // an unknown speaker is taken for somebody else each time
  }
  if (known >= 3) {
    const alone = unknown ? ` ${counted(unknown, "utterance")} of unknown speakers count as of a speaker each.` : "";
    const method = `95 % intervals by leaving out one of ${known} speakers after another (jackknife, Student's t).`;
    return [{ of, count }, method + alone];
  }
  const few = "95 % intervals by utterances, since fewer than three speakers are known; other speakers may differ";
  if (!both) return [null, `${few} (Welch).`];
  return [{ of: single, count: members }, `${few} (jackknife, as A and B overlap).`];
}
