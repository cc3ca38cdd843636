// A row a student, a cell an exercise; and what those who have not passed are told most often.
import { keyed, make, say } from "./dom.js";

const QUIET = 10; // minutes

export const called = ({ number, name }, hidden) => (hidden || !name ? `student ${number}` : `${number} · ${name}`);

export function isQuiet(student, now, exercises) {
  const passed = Object.values(student.cells).filter((cell) => cell.passed).length;
  return passed < exercises.length && now - student.seen > QUIET * 60;
}

export function showGrid(place, state, now, hidden, remove) {
  if (!place.firstChild) place.append(make("table", "", {}, make("thead", "", {}, make("tr")), make("tbody")));
  const [head, body] = [place.querySelector("thead tr"), place.querySelector("tbody")];
  const { students, exercises } = state;
  const first = ({ key }) => (key.endsWith("-1") ? "lab" : "");
  keyed(head, ["who", ...exercises.map(({ key }) => key), "points", "seen", "remove"], (key) =>
    make("th", "", { scope: "col" }, make("span", "key"), make("span", "bar"), make("span", "share")),
  ).forEach((cell, column, all) => {
    const [key, bar, share] = cell.children;
    const exercise = exercises[column - 1];
    bar.hidden = share.hidden = !exercise;
    if (!exercise) {
      say(key, column ? ["points", "silent", ""][column - all.length + 3] : "");
      return;
    }
    if (cell.className !== first(exercise)) cell.className = first(exercise);
    say(key, exercise.key.replace("-", "."));
    say(share, `${exercise.passed}/${students.length}`);
    bar.style.setProperty("--part", `${(100 * exercise.passed) / Math.max(1, students.length)}%`);
    cell.title = `${exercise.function}: ${exercise.passed} of ${students.length} have passed, ${exercise.tried} have begun`;
  });
  const rows = keyed(body, students.map(({ number }) => number), () => make("tr"));
  rows.forEach((row, position) => fill(row, students[position], exercises, now, hidden, first, remove));
}

function fill(row, student, exercises, now, hidden, first, remove) {
  const cells = keyed(row, ["who", ...exercises.map(({ key }) => key), "points", "seen", "remove"], (key) => {
    if (key === "who") return make("th", "", { scope: "row" });
    if (key === "remove") return make("td", "", {}, remover(student.number, remove));
    return make("td", key.includes("-") ? "" : "number", {}, ...(key.includes("-") ? [make("i")] : []));
  });
  say(cells[0], called(student, hidden));
  cells[0].title = called(student, hidden);
  exercises.forEach((exercise, column) => {
    const [kind, sign, told] = look(student.cells[exercise.key]);
    const cell = cells[column + 1];
    if (cell.className !== first(exercise)) cell.className = first(exercise);
    say(cell.firstChild, sign, `cell ${kind}`);
    cell.title = `${exercise.key} ${exercise.function}: ${told}`;
  });
  say(cells.at(-3), String(student.points));
  const minutes = Math.max(0, Math.floor((now - student.seen) / 60));
  const quiet = isQuiet(student, now, exercises);
  say(cells.at(-2), minutes ? `${quiet ? "! " : ""}${minutes} min` : "", quiet ? "number quiet" : "number");
}

function look(cell) {
  if (!cell) return ["empty", "·", "not yet"];
  const opened = cell.opened ? `, ${cell.opened} of 3 hints opened` : "";
  const tries = `${cell.tries} ${cell.tries === 1 ? "try" : "tries"}`;
  if (cell.passed) return ["passed", "✓", `passed after ${cell.tries} wrong${opened}`];
  if (cell.broken) return ["broken", `${Math.min(cell.tries, 99)}!`, `${tries}, the last one an error in the code${opened}`];
  if (cell.tries) return ["tried", String(Math.min(cell.tries, 99)), `${tries}${opened}. ${cell.hint}`];
  return ["hinted", "?", `still empty${opened}. ${cell.hint}`];
}

// two clicks, since it cannot be undone
function remover(number, remove) {
  const button = make("button", "remove", { "aria-label": `Remove student ${number}`, title: `Remove student ${number}` });
  button.textContent = "×";
  button.addEventListener("click", () => {
    if (button.classList.toggle("sure")) {
      button.textContent = "sure?";
      setTimeout(() => say(button, "×", "remove"), 4000);
    } else remove(number);
  });
  return button;
}

export function showStuck(place, { exercises, students }) {
  const stuck = exercises.filter(({ common }) => common).sort((a, b) => b.common_count - a.common_count);
  const entries = keyed(place, stuck.length ? stuck.map(({ key }) => key) : ["none"], () =>
    make("li", "", {}, make("b"), make("i"), make("span")),
  );
  if (!stuck.length) say(entries[0].lastChild, "Nobody has a hint open.");
  stuck.forEach(({ key, function: name, common, common_count }, place) => {
    const [title, count, hint] = entries[place].children;
    say(title, `${key.replace("-", ".")} ${name}`);
    say(count, `${common_count} of ${students.length}`);
    say(hint, common);
  });
}
