// The one state of an explorer. Parts read it and ask for changes; changes are gathered, worked out and drawn once a frame,
// and what Python also knows goes there and comes from there.

import { make } from "./dom.js";
import { looks } from "./palettes.js";
import { sharedPlotly } from "./plotly.js";
import { assignRegions, regionCount, regionNames, regionWeights } from "./sphere.js";
import { Table } from "./table.js";
import { Telling } from "./telling.js";

const SYNCED = [
  "grid",
  "colour",
  "filters",
  "selection",
  "focus",
  "region",
  "named",
  "marks",
  "now",
  "distances",
  "run",
];
const KEPT_SOUNDS = 40;
const GONE = "Python does not answer any more: run the cell again. Until then nothing is heard or saved.";

const asPositions = (value) =>
  value instanceof DataView
    ? new Int32Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength))
    : Int32Array.from(value);
const asBytes = (positions) => new DataView(Int32Array.from(positions).buffer);
const same = (a, b) => {
  if (ArrayBuffer.isView(a)) return a.length === b.length && a.every((value, i) => value === b[i]);
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
};

export class Host extends Telling {
  constructor(model, root) {
    super();
    Object.assign(this, {
      model,
      root,
      parts: [],
      changed: new Set(),
      sounds: new Map(),
      asked: new Map(),
      play: false,
      draws: 0,
    });
    this.data = model.get("_data");
    this.options = this.data.options ?? {};
    this.table = new Table(this.data.table);
    this.weighted = this.table.train.some(Boolean); // regions have weights where something is trained on
    this.state = {
      sort: { column: "", descending: false },
      tab: "map",
      plane: "map",
      tool: "lasso",
      onlySelected: true,
    };
    for (const name of SYNCED) this.state[name] = this.fromModel(name);
    this.derived = { selected: new Uint8Array(this.table.n) };
    this.live = make("div", "es-hidden", { role: "status", "aria-live": "polite" });
    this.tooltip = make("div", "es-tip", { role: "tooltip", hidden: true });
    root.append(this.live, this.tooltip);
    this.stops = SYNCED.map((name) => this.listen(`change:${name}`, () => this.fromPython(name)));
    this.stops.push(this.listen("msg:custom", (message, buffers) => this.receive(message, buffers)));
    this.derive(new Set(["grid", "region", "filters", "colour", "selection", "sort", "distances", "run"]));
  }

  listen(event, act) {
    this.model.on(event, act);
    return () => this.model.off(event, act);
  }

  fromModel(name) {
    const value = this.model.get(name);
    return name === "selection" ? asPositions(value) : value;
  }

  fromPython(name) {
    const value = this.fromModel(name);
    if (same(value, this.state[name])) return;
    this.set({ [name]: value }, { fromPython: true });
    this.picked ||= name === "selection";
  }

  // state

  set(changes, { play = false, fromPython = false } = {}) {
    if ("focus" in changes) this.playlist = []; // whoever takes another utterance ends "play all"
    for (const [name, value] of Object.entries(changes)) {
      if (name !== "focus" && same(this.state[name], value)) continue;
      this.state[name] = value;
      this.changed.add(name);
      if (SYNCED.includes(name) && !fromPython) this.model.set(name, name === "selection" ? asBytes(value) : value);
    }
    if (!fromPython) this.model.save_changes();
    this.play ||= play;
    this.schedule();
  }

  touch(...names) {
    for (const name of names) this.changed.add(name);
    this.schedule();
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => this.update());
  }

  update() {
    this.frame = undefined;
    const changed = this.changed;
    this.changed = new Set();
    this.derive(changed);
    for (const part of this.parts) part.update(changed);
    this.play = false;
    this.draws += 1;
    this.root.dataset.draws = this.draws;
  }

  // what follows from the state; adds to `changed` the names of what did follow
  derive(changed) {
    const { state, table, derived } = this;
    const follows = (name, ...causes) => causes.some((cause) => changed.has(cause)) && changed.add(name);
    if (changed.has("distances")) table.fill("distance", state.distances ?? []);
    if (changed.has("grid")) {
      derived.regions = assignRegions(state.grid, table.points);
      derived.weights = regionWeights(state.grid, derived.regions, table.train);
      derived.names = regionNames(state.grid);
      if (!changed.has("region")) this.put(changed, "region", -1); // its number means another one now
    }
    // a selection that Python made is no region's any more, and no filter may replace it by the region's
    if (this.picked && state.region >= 0 && state.selection.some((i) => derived.regions[i] !== state.region)) {
      this.put(changed, "region", -1);
    }
    this.picked = false;
    if (follows("mask", "filters", "remarks", "distances")) {
      derived.mask = table.filter(state.filters);
      derived.shown = derived.mask.reduce((sum, value) => sum + value, 0);
      changed.add("shown");
    }
    if ((changed.has("region") || changed.has("mask")) && state.region >= 0 && this.options.kind !== "voice") {
      this.put(
        changed,
        "selection",
        this.positionsWhere((i) => derived.regions[i] === state.region),
      );
    }
    this.deriveMore?.(changed, follows);
    if (changed.has("selection")) {
      derived.selected.fill(0);
      for (const i of state.selection) derived.selected[i] = 1;
    }
    if (follows("looks", "colour", "grid", "mask", "run", "remarks")) derived.looks = looks(this);
    if (follows("order", "mask", "selection", "sort", "onlySelected", "remarks", "run")) {
      derived.among = state.onlySelected && state.selection.length > 1;
      const listed = this.positionsWhere((i) => !derived.among || derived.selected[i]);
      derived.order = this.rank?.(listed) ?? table.sorted(listed, state.sort);
    }
  }

  put(changed, name, value) {
    if (same(this.state[name], value)) return;
    this.state[name] = value;
    changed.add(name);
    this.model.set(name, name === "selection" ? asBytes(value) : value);
    this.model.save_changes();
  }

  // positions of what is shown and fits
  positionsWhere(fits) {
    const found = new Int32Array(this.table.n);
    let count = 0;
    for (let i = 0; i < found.length; i++) if (this.derived.mask[i] && fits(i)) found[count++] = i;
    return found.slice(0, count);
  }

  // choosing

  // a click on an utterance plays it; with shift it joins or leaves the selection
  choose(i, shift = false) {
    const { selection } = this.state;
    if (shift) {
      const without = selection.filter((other) => other !== i);
      return this.set({
        focus: i,
        region: -1,
        selection: without.length < selection.length ? without : Int32Array.from([...selection, i]),
      });
    }
    // a click does not throw away what somebody gathered
    if (selection.length > 1) return this.set({ focus: i }, { play: true });
    return this.set({ focus: i, region: -1, selection: Int32Array.of(i) }, { play: true });
  }

  select(positions, { add = false, region = -1 } = {}) {
    const all = add ? Int32Array.from(new Set([...this.state.selection, ...positions])) : Int32Array.from(positions);
    this.set({ selection: all.sort(), region });
    this.say(`${all.length} selected`);
  }

  chooseRegion(region, add = false) {
    if (region < 0 || region >= regionCount(this.state.grid)) return;
    if (add)
      this.select(
        this.positionsWhere((i) => this.derived.regions[i] === region),
        { add },
      );
    else {
      this.set({ region });
      this.say(`Region ${this.derived.names[region]}`);
    }
  }

  clear() {
    this.set({ selection: new Int32Array(0), region: -1 });
  }

  // lines and points beside the utterances: Python's, and those that follow from the state
  marks() {
    return [...this.state.marks, ...(this.derived.marks ?? []), ...(this.state.now ?? [])];
  }

  pressMark({ press, index }) {
    if (typeof press === "function") press(index);
    else this.send({ pressed: press, index });
  }

  // sound, from Python or from the page

  sound(position) {
    if (!this.sounds.has(position)) {
      const promise = this.model.sound ? this.model.sound(position) : this.askSound(position);
      promise.catch(() => this.sounds.delete(position)); // the next click asks again
      this.sounds.set(position, promise);
      if (this.sounds.size > KEPT_SOUNDS) this.sounds.delete(this.sounds.keys().next().value);
    }
    return this.sounds.get(position);
  }

  askSound(position) {
    return new Promise((resolve, reject) => {
      this.asked.set(position, { resolve, reject });
      if (!this.send({ sound: position })) reject(new Error(GONE));
    });
  }

  // a message to Python; false, and said, where its kernel is gone
  send(message) {
    try {
      this.model.send(message);
      return true;
    } catch {
      this.notify(GONE);
      return false;
    }
  }

  receive(message, buffers = []) {
    if ("sound" in message) {
      const { resolve, reject } = this.asked.get(message.sound) ?? {};
      this.asked.delete(message.sound);
      if (message.problem) return reject?.(new Error(message.problem));
      const { buffer, byteOffset, byteLength } = buffers[0];
      return resolve?.({ bytes: buffer.slice(byteOffset, byteOffset + byteLength), cut: message.cut });
    }
    if ("remarked" in message) {
      for (const name of ["tags", "note"]) this.table.put(name, message.remarked, message[name]);
      if (this.notice) this.notify(""); // that the last one could not be kept
      this.touch("remarks");
    }
    if (message.say) this.notify(message.say);
    return undefined;
  }

  plotly() {
    return this.model.plotly ? this.model.plotly() : sharedPlotly(this.model);
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    for (const stop of this.stops) stop();
    for (const part of this.parts) part.close?.();
  }
}
