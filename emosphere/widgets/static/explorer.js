// The explorer put together: sphere and legend to the left, tabs and tray to the right, the player below; keys for all of it.

import { ball } from "./ball.js";
import { contrast } from "./contrast.js";
import { colourLegend, controls } from "./controls.js";
import { keepKeys, make, watchTheme } from "./dom.js";
import { flat } from "./flat.js";
import { Host } from "./host.js";
import { playerBar } from "./player.js";
import { regionTable } from "./regions.js";
import { rowTable } from "./rows.js";
import { runParts } from "./runs.js";
import { tray } from "./tray.js";

const KEYS = [
  ["J, K", "next and previous, as the table has them"],
  ["Space", "play, pause"],
  ["1 to 9", "a tag for the utterance heard"],
  ["N", "a note on it"],
  ["/", "search"],
  ["Esc", "no stretch, then no selection"],
  ["Arrows, + and −, 0", "turn and zoom the sphere that has the focus"],
];

let explorers = 0;

export function mountExplorer(model, element) {
  const root = make("div", "es-root", { tabindex: "-1" });
  const host = new Host(model, root);
  host.id = `es-${(explorers += 1)}`;
  host.keys = KEYS.filter((_, i) => host.options.remarks || ![2, 3].includes(i))
    .map(([key, what]) => `${key}: ${what}`)
    .join(" · ");
  const { kind } = host.options;
  root.dataset.key = model.get("_key") ?? "";
  root.classList.add(`es-${kind}`, ...(host.options.page ? ["es-page"] : []));
  const sphere = ball(host);
  const runs = kind === "runs" ? runParts(host) : null;
  const parts = { sphere };
  if (kind === "plain") root.append(sphere.element);
  else if (kind === "voice") {
    Object.assign(parts, { near: neighbours(host), player: playerBar(host) });
    root.append(sphere.element, parts.near.element, parts.player.element);
  } else {
    Object.assign(parts, {
      controls: controls(host),
      legend: colourLegend(host),
      map: flat(host),
      regions: regionTable(host),
      table: rowTable(host),
      compare: contrast(host),
      ...runs?.parts,
    });
    const tabs = tabbed(host, {
      ...runs?.tabs,
      map: parts.map,
      regions: parts.regions,
      table: parts.table,
      compare: parts.compare,
    });
    Object.assign(parts, { tabs, tray: tray(host), player: playerBar(host) });
    const left = make(
      "div",
      "es-left",
      {},
      ...(runs?.above ?? []),
      sphere.element,
      parts.legend.element,
      ...(runs?.below ?? []),
    );
    const right = make("div", "es-right", {}, tabs.element, ...(runs?.beside ?? []), parts.tray.element);
    root.append(parts.controls.element, make("div", "es-body", {}, left, right), parts.player.element);
  }
  host.parts = Object.values(parts);
  element.append(root);
  listenToKeys(host, parts);
  const ended = () => host.playNext();
  root.addEventListener("ended", ended, true); // of the audio
  host.playNext = () => {
    const [next, ...rest] = host.playlist ?? [];
    if (next !== undefined) host.set({ focus: next }, { play: true });
    host.playlist = rest;
  };
  const stops = [watchSurroundings(host, root), keepKeys()];
  host.touch(
    "grid",
    "filters",
    "mask",
    "shown",
    "looks",
    "colour",
    "selection",
    "focus",
    "order",
    "named",
    "remarks",
    "tab",
    "region",
    "marks",
    "now",
    "run",
    "patches",
    "theme",
    "size",
  );
  root.emosphere = { host, parts }; // for tests and for whoever looks into the page
  return () => {
    for (const stop of stops) stop();
    host.destroy();
    root.remove();
  };
}

// the table of the utterances nearest to a voice, once there is one
function neighbours(host) {
  Object.assign(host.state, { tab: "table", onlySelected: false, sort: { column: "distance", descending: false } });
  const rows = rowTable(host);
  const element = make("div", "es-near", {}, make("div", "es-near-title", { text: host.data.title }), rows.element);
  return {
    element,
    update(changed) {
      if (changed.has("shown")) host.root.classList.toggle("es-voice-waits", !host.derived.shown);
      rows.update(changed);
    },
  };
}

function tabbed(host, panels) {
  const names = Object.keys(panels);
  host.state.tab = names[0];
  const buttons = names.map((name) =>
    make("button", "es-tab", {
      type: "button",
      role: "tab",
      id: `${host.id}-tab-${name}`,
      "aria-controls": `${host.id}-panel-${name}`,
      text: name,
      onclick: () => host.set({ tab: name }),
    }),
  );
  const list = make("div", "es-tabs", { role: "tablist", "aria-label": "views" }, ...buttons);
  const boxes = names.map((name) =>
    make(
      "div",
      "es-panel",
      { role: "tabpanel", id: `${host.id}-panel-${name}`, "aria-labelledby": `${host.id}-tab-${name}` },
      panels[name].element,
    ),
  );
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const to = (names.indexOf(host.state.tab) + by + names.length) % names.length;
    host.set({ tab: names[to] });
    buttons[to].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    element: make("div", "es-tabbed", {}, list, ...boxes),
    update(changed) {
      if (!changed.has("tab")) return;
      names.forEach((name, i) => {
        const chosen = name === host.state.tab;
        buttons[i].setAttribute("aria-selected", chosen);
        buttons[i].tabIndex = chosen ? 0 : -1;
        boxes[i].hidden = !chosen;
      });
      host.touch("size"); // what was hidden had none
    },
  };
}

function listenToKeys(host, { controls: top, tray: selected, player }) {
  const { root } = host;
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const own = event.target.closest("button") && [" ", "Enter"].includes(event.key);
    if (own) return;
    const key = event.key.toLowerCase();
    if (key === "j") player?.step(1);
    else if (key === "k") player?.step(-1);
    else if (key === " ") player?.toggle();
    else if (key === "n" && host.options.remarks) selected.writeNote();
    else if (key === "/" && top) top.find();
    else if (key === "escape") {
      host.playlist = [];
      if (!player?.clear()) host.clear(); // first the stretch, then the selection
    } else if (/^[1-9]$/.test(key) && host.options.remarks) selected.tagByKey(Number(key));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

// sizes and themes change without anybody telling the parts
function watchSurroundings(host, root) {
  const sizes = new ResizeObserver(() => host.touch("size"));
  sizes.observe(root);
  for (const part of root.querySelectorAll(".es-ball, .es-panel")) sizes.observe(part);
  const stop = watchTheme(() => host.touch("theme"));
  return () => {
    sizes.disconnect();
    stop();
  };
}
