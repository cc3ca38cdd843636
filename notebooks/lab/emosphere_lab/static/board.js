// The class's page: asks this computer every two seconds, and changes only what has changed.
import { say } from "./dom.js";
import { isQuiet, showGrid, showStuck } from "./grid.js";
import { showPool } from "./pool.js";

const EVERY = 2000; // milliseconds
const part = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token");
let state = null;
let hidden = localStorage.getItem("hide names") === "yes";

async function ask(path, sent) {
  const options = sent && { method: "POST", body: JSON.stringify(sent) };
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(8000) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

async function look() {
  try {
    const found = await ask(`/state?known=${state?.version ?? ""}`);
    state = { ...state, ...found };
    show();
    part("trouble").hidden = true;
  } catch (error) {
    const away = error instanceof TypeError || error.name === "TimeoutError";
    say(part("trouble"), away ? "The board does not answer. Is it still running? This page goes on when it is." : error.message);
    part("trouble").hidden = false;
  }
}

function show() {
  const { students, exercises } = state;
  const quiet = students.filter((student) => isQuiet(student, state.now, exercises)).length;
  say(part("class"), state.class);
  document.title = state.class;
  say(part("summary"), `${students.length} student${students.length === 1 ? "" : "s"}${quiet ? ` · ${quiet} silent for over 10 min` : ""}`);
  for (const id of ["address", "large"]) say(part(id), state.address);
  part("nobody").hidden = students.length > 0;
  part("grid").hidden = document.querySelector("aside").hidden = students.length === 0;
  showGrid(part("grid"), state, state.now, hidden, remove);
  showStuck(part("stuck"), state);
  showPool(part("pool"), part("pool-none"), part("notes"), state.pool);
}

async function remove(student) {
  await ask("/change", { do: "remove", student });
  await look();
}

function hide(chosen) {
  hidden = chosen;
  localStorage.setItem("hide names", hidden ? "yes" : "no");
  part("names").setAttribute("aria-pressed", hidden);
  if (state) show();
}

const tabs = ["class", "pool"];
function open(chosen) {
  for (const name of tabs) {
    part(`tab-${name}`).setAttribute("aria-selected", name === chosen);
    part(`tab-${name}`).tabIndex = name === chosen ? 0 : -1;
    part(`view-${name}`).hidden = name !== chosen;
  }
}
for (const [place, name] of tabs.entries()) {
  part(`tab-${name}`).addEventListener("click", () => open(name));
  part(`tab-${name}`).addEventListener("keydown", ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const other = tabs[1 - place];
    open(other);
    part(`tab-${other}`).focus();
  });
}
part("names").addEventListener("click", () => hide(!hidden));
hide(hidden);
open("class");
for (;;) {
  await look();
  await new Promise((resolve) => setTimeout(resolve, EVERY));
}
