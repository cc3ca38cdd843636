// What the chosen runs show: curves, the parameters in which they differ, failures, tables.

import { draw } from "./curves.js";
import { ask, make, title } from "./dom.js";

const VIEWS = { curves: "Curves", differences: "Differences", failures: "Failures", tables: "Tables" };
const MOST = 12; // runs in one picture

export class Panel {
  constructor(tabs, panel) {
    Object.assign(this, { tabs, panel, view: "curves", picked: [], runs: [], experiments: [], shown: "", page: null });
    for (const [name, text] of Object.entries(VIEWS)) {
      const press = () => this.choose(name);
      tabs.append(make("button", "", { type: "button", role: "tab", text, id: `tab-${name}`, "aria-controls": "panel", onclick: press }));
    }
    tabs.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const names = Object.keys(VIEWS);
      this.choose(names[(names.indexOf(this.view) + step + names.length) % names.length]);
      tabs.querySelector('[aria-selected="true"]').focus();
    });
    this.choose("curves");
  }

  choose(view) {
    this.view = view;
    this.shown = "";
    for (const tab of this.tabs.children) {
      const here = tab.id === `tab-${view}`;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `tab-${view}`);
    this.show(this.picked, this.runs);
  }

  show(picked, runs) {
    this.picked = picked;
    this.runs = runs;
    this[this.view]().catch((error) => this.put(`error ${error.message}`, hint(error.message)));
  }

  // what is there already stays, with its scroll, its focus and what is unfolded
  put(key, ...children) {
    if (this.shown === key) return;
    this.shown = key;
    this.panel.replaceChildren(...children);
  }

  async curves() {
    const running = this.runs.filter((run) => ["training", "testing"].includes(run.state));
    const runs = (this.picked.length ? this.picked : running).slice(0, MOST);
    if (!runs.length) return this.put("no curves", hint("Choose runs in the list to see their curves. Without a choice it is those that run."));
    const found = await ask("curves", { ids: runs.map((run) => run.id).join("\n") });
    if (this.view !== "curves") return undefined;
    const key = JSON.stringify([runs.map((run) => run.id), found]);
    const left = this.picked.length > MOST ? [hint(`The first ${MOST} of ${this.picked.length} chosen runs.`)] : [];
    return this.put(key, ...left, ...draw(runs, found));
  }

  async differences() {
    if (this.picked.length < 2) return this.put("no differences", hint("Choose two runs or more to see in which parameters they differ."));
    const runs = this.picked.filter((run) => run.state !== "waiting").slice(0, MOST);
    if (runs.length < 2) return this.put("no parameters", hint("Runs that wait have no parameters yet."));
    const found = await ask("differences", { ids: runs.map((run) => run.id).join("\n") });
    if (this.view !== "differences") return undefined;
    const names = Object.keys(found);
    const key = JSON.stringify([runs.map((run) => run.id), found]);
    if (!names.length) return this.put(key, hint("They have the same parameters, but perhaps the seed."));
    const head = make("tr", "", {}, make("th", "", { scope: "col", text: "parameter" }), ...runs.map((run) => make("th", "", { scope: "col", text: title(run) })));
    const body = names.map((name) =>
      make("tr", "", {}, make("th", "", { scope: "row", text: name }), ...found[name].map((value) => make("td", "", { text: value }))),
    );
    const table = make("table", "", {}, make("thead", "", {}, head), make("tbody", "", {}, ...body));
    return this.put(key, make("div", "values", { tabindex: "0", role: "region", "aria-label": "Parameters that differ" }, table));
  }

  async failures() {
    const failed = this.runs.filter((run) => run.state === "failed");
    const key = JSON.stringify(failed.map((run) => [run.id, run.what, run.updated]));
    if (!failed.length) return this.put(key, hint("No run has failed."));
    return this.put(key, ...failed.map((run) => failure(run)));
  }

  async tables() {
    const pages = this.experiments.flatMap((each) => each.tables.map((name) => ({ experiment: each.name, name })));
    const key = JSON.stringify(pages);
    if (!pages.length) return this.put(key, hint("There are no tables yet. A sweep writes them while runs end."));
    if (this.shown !== key) this.page = pages.find((page) => this.page && page.name === this.page.name && page.experiment === this.page.experiment) ?? pages[0];
    const { experiment, name } = this.page;
    const written = await ask("table", { experiment, name });
    if (this.view !== "tables") return undefined;
    const many = this.experiments.filter((each) => each.tables.length).length > 1;
    if (this.shown !== key) {
      const change = () => {
        this.page = pages[select.selectedIndex];
        this.written = null;
        this.show(this.picked, this.runs);
      };
      const options = pages.map((page) => make("option", "", { text: many ? `${page.experiment}: ${page.name}` : page.name }));
      const select = make("select", "", { "aria-label": "Table", onchange: change }, ...options);
      select.selectedIndex = pages.indexOf(this.page);
      this.since = make("span", "hint");
      this.frame = make("iframe", "", { title: "Table", sandbox: "allow-scripts", referrerpolicy: "no-referrer" });
      this.written = null;
      this.put(key, make("div", "", { id: "pages" }, select, this.since), this.frame);
    }
    if (this.written !== `${experiment} ${name} ${written.written}`) {
      this.written = `${experiment} ${name} ${written.written}`;
      this.since.textContent = `written at ${new Date(1000 * written.written).toLocaleTimeString()}`;
      this.frame.srcdoc = written.html;
    }
    return undefined;
  }
}

const hint = (text) => make("p", "hint", { text });

function failure(run) {
  const text = make("pre", "", { text: "…", tabindex: "0" });
  const first = (run.what ?? "").split("\n")[0];
  const element = make("details", "", {}, make("summary", "", { text: `${title(run)}: ${first}` }), text);
  element.addEventListener("toggle", async () => {
    if (element.open) text.textContent = (await ask("failure", { id: run.id })).details || "Nothing more is known.";
  });
  return element;
}
