// The utterances as a table of which only the rows in sight exist, sorted over all of them.

import { make } from "./dom.js";

const ROW = 28; // pixels; see explorer.css
const SPARE = 8; // rows above and below what is in sight
const WIDTHS = { utterance: 190, text: 260, note: 220, tags: 120, speaker: 80, category: 92 };

export function rowTable(host) {
  const { table } = host;
  const names = ["utterance", ...host.data.listed.filter((name) => table.column(name))];
  const isNumber = (name) => table.column(name)?.kind === "number";
  const cellClass = (name) => (isNumber(name) ? "es-cell es-number" : "es-cell");
  const wide = (name) => WIDTHS[name] ?? (isNumber(name) ? Math.max(74, 9 * name.length) : 96);
  const template = names.map((name) => `${wide(name)}px`).join(" ");
  const heads = names.map((name) => {
    const button = make("button", "es-link", { type: "button", text: name, onclick: () => sortBy(name) });
    return make("div", cellClass(name), { role: "columnheader" }, button);
  });
  const head = make(
    "div",
    "es-row es-row-head",
    { role: "row", "aria-rowindex": 1, style: `grid-template-columns:${template}` },
    ...heads,
  );
  const body = make("div", "es-rows-body", { role: "rowgroup" });
  const grid = make(
    "div",
    "es-rows",
    { role: "grid", "aria-label": "Utterances", tabindex: "0", "aria-colcount": names.length },
    make("div", "", { role: "rowgroup" }, head),
    body,
  );
  const only = make("input", "", { type: "checkbox", onchange: () => host.set({ onlySelected: only.checked }) });
  const title = make("span", "es-rows-title");
  const box = make("label", "es-check", {}, only, "only what is selected");
  const element = make("div", "es-flat", {}, make("div", "es-bar", {}, title, box), grid);
  let first = -1;

  function sortBy(column) {
    const { sort } = host.state;
    const number = isNumber(column);
    // numbers begin with the largest, texts with A; the third click is the corpus' own order
    if (sort.column !== column) host.set({ sort: { column, descending: number } });
    else if (sort.descending === number) host.set({ sort: { column, descending: !number } });
    else host.set({ sort: { column: "", descending: false } });
  }

  function draw() {
    const { order, selected } = host.derived;
    body.style.height = `${order.length * ROW}px`;
    const from = Math.max(0, Math.floor(grid.scrollTop / ROW) - SPARE);
    const to = Math.min(order.length, from + Math.ceil((grid.clientHeight || 400) / ROW) + 2 * SPARE);
    const lines = [];
    for (let at = from; at < to; at++) {
      const i = order[at];
      const cells = names.map((name) => {
        const text = table.cell(name, i);
        return make("div", cellClass(name), {
          role: "gridcell",
          text,
          title: text.length > 20 ? text : undefined,
        });
      });
      const line = make(
        "div",
        "es-row",
        {
          role: "row",
          id: `${host.id}-row-${i}`,
          "data-position": i,
          "aria-rowindex": at + 2,
          "aria-selected": Boolean(selected[i]),
          style: `grid-template-columns:${template}; top:${at * ROW}px`,
        },
        ...cells,
      );
      if (i === host.state.focus) line.classList.add("es-row-focus");
      lines.push(line);
    }
    body.replaceChildren(...lines);
    first = from;
    grid.setAttribute("aria-rowcount", order.length + 1);
    const active = body.querySelector(".es-row-focus");
    if (active) grid.setAttribute("aria-activedescendant", active.id);
    else grid.removeAttribute("aria-activedescendant");
  }

  function show(at) {
    const [top, height] = [at * ROW, grid.clientHeight - ROW];
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + ROW > grid.scrollTop + height) grid.scrollTop = top + ROW - height;
  }

  grid.addEventListener(
    "scroll",
    () => Math.abs(Math.floor(grid.scrollTop / ROW) - SPARE - first) > SPARE / 2 && draw(),
  );
  body.addEventListener("click", (event) => {
    const line = event.target.closest(".es-row");
    if (!line) return;
    const i = Number(line.dataset.position);
    if (event.shiftKey) host.choose(i, true);
    else host.set({ focus: i }, { play: true }); // a row is heard; what is selected stays
  });
  grid.addEventListener("keydown", (event) => {
    const { order } = host.derived;
    const at = order.indexOf(host.state.focus);
    const page = Math.max(1, Math.floor(grid.clientHeight / ROW) - 2);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: order.length - 1,
    }[event.key];
    if (event.target !== grid || !order.length) return;
    if (to !== undefined) host.set({ focus: order[Math.max(0, Math.min(order.length - 1, to))] });
    else if (event.key === "Enter" && host.state.focus >= 0) host.set({ focus: host.state.focus }, { play: true });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element,
    update(changed) {
      if (
        host.state.tab !== "table" ||
        !["order", "selection", "focus", "tab", "size", "remarks"].some((name) => changed.has(name))
      )
        return;
      const { sort, onlySelected } = host.state;
      heads.forEach((cell, i) =>
        cell.setAttribute(
          "aria-sort",
          sort.column !== names[i] ? "none" : sort.descending ? "descending" : "ascending",
        ),
      );
      only.checked = onlySelected;
      box.hidden = host.state.selection.length < 2;
      const what = host.derived.among ? "selected" : "shown";
      title.textContent = `${host.derived.order.length.toLocaleString("en")} ${what}${sort.column ? `, by ${sort.column}` : host.rankWords ? `, ${host.rankWords()}` : ""}`;
      if (changed.has("order") && !changed.has("focus")) grid.scrollTop = 0;
      const at = changed.has("focus") || changed.has("tab") ? host.derived.order.indexOf(host.state.focus) : -1;
      body.style.height = `${host.derived.order.length * ROW}px`;
      if (at >= 0) show(at);
      draw();
    },
  };
}
