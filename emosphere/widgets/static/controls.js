// One row of controls (colour, grid, search) and a drawer with the rest (filters, divisions, spacing); the legend.

import { choices, counted, make, pressable } from "./dom.js";

const PRESETS = [90, 60, 45];
const MOST_REGIONS = 1000;
const MOST_CHIPS = 14; // labels of a group up to which each has a box to tick
const PAUSE = 150; // ms after the last letter of a search

export function controls(host) {
  const { table } = host;
  const colour = choices(
    "colour by",
    host.data.colourings.map((name) => [name, name]),
    (value) => host.set({ colour: value }),
  );
  const presets = PRESETS.map((angle) =>
    pressable(`${angle}°`, `${(360 / angle) * (180 / angle)} regions of ${angle}°`, () =>
      useGrid(360 / angle, 180 / angle),
    ),
  );
  const search = make("input", "es-input es-search", {
    type: "search",
    placeholder: "search",
    "aria-label": "search names, speakers, categories, words",
  });
  const drawer = make("div", "es-drawer", {
    hidden: true,
    id: `${host.id}-drawer`,
    role: "group",
    "aria-label": "filters and grid",
  });
  const open = pressable("filters", "Filters and grid", () => toggleDrawer(), {
    "aria-expanded": "false",
    "aria-controls": `${host.id}-drawer`,
  });
  const status = make("span", "es-status", { role: "status" });
  const all = pressable("show all", "Clear the filters", () => host.set({ filters: {} }));
  const help = pressable(
    "?",
    "Keys",
    () => ((keys.hidden = !keys.hidden), help.setAttribute("aria-expanded", !keys.hidden)),
    { "aria-expanded": "false" },
  );
  const keys = make("div", "es-keys", { hidden: true, role: "note", text: host.keys });
  const grids = make("div", "es-group", { role: "group", "aria-label": "grid" }, ...presets);
  const bar = make(
    "div",
    "es-bar es-top",
    {},
    make("label", "es-check", {}, "colour", colour),
    grids,
    ...(host.moreControls ?? []),
    search,
    open,
    all,
    status,
    help,
  );
  const element = make("div", "es-controls", {}, bar, make("div", "es-drawers", {}, keys, drawer));

  function useGrid(azimuth, elevation, spacing = host.state.grid.spacing) {
    host.set({ grid: { azimuth, elevation, spacing } });
  }

  function toggleDrawer() {
    drawer.hidden = !drawer.hidden;
    open.setAttribute("aria-expanded", !drawer.hidden);
    if (!drawer.childElementCount) drawer.append(...fields());
    host.touch("filters");
  }

  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => host.set({ filters: { ...host.state.filters, text: search.value } }), PAUSE);
  });
  search.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && search.value.trim()) host.select(host.positionsWhere(() => true)); // what was found
  });

  // the drawer

  const watchers = [];
  const setFilter = (name, value) => host.set({ filters: { ...host.state.filters, [name]: value } });

  function fields() {
    return [
      gridField(),
      ...table.columns
        .filter(({ name }) => host.data.filters.includes(name))
        .map((column) => (column.kind === "number" ? rangeField(column) : groupField(column))),
    ];
  }

  function gridField() {
    const number = (label, key) => {
      const input = make("input", "es-input es-short", {
        type: "number",
        min: 1,
        max: MOST_REGIONS,
        step: 1,
        "aria-label": label,
      });
      input.addEventListener("change", () => tryGrid({ ...host.state.grid, [key]: Number(input.value) }));
      watchers.push(() => document.activeElement !== input && (input.value = host.state.grid[key]));
      return make("label", "es-check", {}, label, input);
    };
    const refusal = make("div", "es-notice", { role: "alert", hidden: true });
    const tryGrid = (grid) => {
      const { azimuth, elevation } = grid;
      const whole = [azimuth, elevation].every((value) => Number.isInteger(value) && value >= 1);
      const count = azimuth * elevation;
      refusal.textContent = !whole
        ? `Divisions are whole numbers from 1; the grid is still ${host.state.grid.azimuth} × ${host.state.grid.elevation}.`
        : count > MOST_REGIONS
          ? `${azimuth} × ${elevation} make ${count} regions; at most ${MOST_REGIONS} are allowed.`
          : "";
      refusal.hidden = !refusal.textContent;
      if (refusal.hidden) host.set({ grid });
    };
    const spacing = choices(
      "bands of",
      [
        ["angle", "equal angles"],
        ["area", "equal areas"],
      ],
      (value) => tryGrid({ ...host.state.grid, spacing: value }),
    );
    watchers.push(() => (spacing.value = host.state.grid.spacing));
    return make(
      "fieldset",
      "es-field",
      {},
      make("legend", "", { text: "grid" }),
      number("azimuth ÷", "azimuth"),
      number("elevation ÷", "elevation"),
      spacing,
      refusal,
    );
  }

  function groupField({ name, labels }) {
    const chosen = () => host.state.filters[name] ?? [];
    const field = make("fieldset", "es-field", {}, make("legend", "", { text: name }));
    if (labels.length > MOST_CHIPS) {
      const menu = choices(name, [["", "any"], ...labels.map((label) => [label, label])], (value) =>
        setFilter(name, value ? [value] : []),
      );
      watchers.push(() => (menu.value = chosen()[0] ?? ""));
      field.append(menu);
      return field;
    }
    for (const label of labels) {
      const box = make("input", "", { type: "checkbox" });
      box.addEventListener("change", () =>
        setFilter(name, box.checked ? [...chosen(), label] : chosen().filter((other) => other !== label)),
      );
      watchers.push(() => (box.checked = chosen().includes(label)));
      field.append(make("label", "es-check", {}, box, label));
    }
    return field;
  }

  function rangeField({ name, values }) {
    let [least, most] = [Infinity, -Infinity];
    for (const value of values)
      if (!Number.isNaN(value)) [least, most] = [Math.min(least, value), Math.max(most, value)];
    const inputs = ["from", "to"].map((word, end) => {
      const input = make("input", "es-input es-short", {
        type: "number",
        step: "any",
        placeholder: (end ? most : least).toFixed(2),
        "aria-label": `${name} ${word}`,
      });
      input.addEventListener("change", () => {
        const [from, to] = inputs.map(({ value }) => value);
        setFilter(name, from || to ? [from === "" ? -3e38 : Number(from), to === "" ? 3e38 : Number(to)] : []);
      });
      watchers.push(() => {
        const value = host.state.filters[name]?.[end];
        if (document.activeElement !== input) input.value = value === undefined || Math.abs(value) > 1e38 ? "" : value;
      });
      return input;
    });
    return make("fieldset", "es-field", {}, make("legend", "", { text: name }), inputs[0], "to", inputs[1]);
  }

  return {
    element,
    find: () => search.focus(),
    update(changed) {
      const { grid, filters } = host.state;
      if (["grid", "colour", "shown", "filters"].every((name) => !changed.has(name))) return;
      colour.value = host.state.colour;
      presets.forEach((button, i) =>
        button.setAttribute("aria-pressed", grid.azimuth === 360 / PRESETS[i] && grid.elevation === 180 / PRESETS[i]),
      );
      const used = Object.entries(filters).filter(([name, value]) => name !== "text" && value?.length).length;
      open.textContent = used ? `filters · ${used}` : "filters";
      all.hidden = !used && !filters.text;
      if (document.activeElement !== search) search.value = filters.text ?? "";
      const { shown } = host.derived;
      status.textContent = shown
        ? `${shown.toLocaleString("en")} of ${counted(table.n, "utterance")}`
        : "No utterance passes these filters; widen one, or show all.";
      status.title = host.data.unrated
        ? `${counted(host.data.unrated, "utterance")} without all three ratings cannot be shown.`
        : "";
      if (!drawer.hidden) for (const watch of watchers) watch();
    },
  };
}

// what the colours mean; a click selects that group
export function colourLegend(host) {
  const element = make("div", "es-legend", { role: "group", "aria-label": "legend" });
  return {
    element,
    update(changed) {
      if (!changed.has("looks") && !changed.has("theme")) return;
      const { legend, scale, title } = host.derived.looks;
      const parts = legend.map((entry) => {
        const sign = make("span", "", {
          "aria-hidden": "true",
          text: SIGNS[entry.shape] ?? "●",
          style: `color:${entry.colour}`,
        });
        const press = (event) => host.select(entry.members(), { add: event.shiftKey });
        return make(
          "button",
          "es-link",
          { type: "button", onclick: press, title: `Select ${entry.label}` },
          sign,
          ` ${entry.short ?? entry.label} · ${entry.count.toLocaleString("en")}`,
        );
      });
      if (scale) {
        const ramp = make("span", "es-ramp", {
          style: `background:linear-gradient(90deg, ${scale.colours.join(", ")})`,
          "aria-hidden": "true",
        });
        parts.unshift(make("span", "", {}, `${title}: ${scale.low.toFixed(2)} `, ramp, ` ${scale.high.toFixed(2)}`));
      }
      element.replaceChildren(...parts);
    },
  };
}

const SIGNS = { circle: "●", square: "■", triangle: "▲", diamond: "◆", cross: "✚", ring: "○", star: "★" };
