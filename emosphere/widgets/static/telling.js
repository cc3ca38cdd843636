// What the explorer says: to screen readers, over the mouse, and to everybody where something did not work.

import { counted } from "./dom.js";

export class Telling {
  say(text) {
    this.live.textContent = text;
  }

  // a sentence that everybody is to see, such as what could not be saved
  notify(text) {
    this.say(text);
    this.touch("notice");
    this.notice = text;
  }

  describe(i) {
    const { table, derived, state } = this;
    const point = ["valence", "arousal", "dominance"].map((name) => `${name} ${table.cell(name, i)}`).join(", ");
    const told = derived.looks.tell(i);
    const region = state.colour === "region" ? [] : [`region ${derived.names[derived.regions[i]]}`];
    return [table.names[i], point, ...region, told].filter(Boolean).join("\n");
  }

  describeRegion(region) {
    const { derived } = this;
    let count = 0;
    for (let i = 0; i < this.table.n; i++) count += derived.mask[i] && derived.regions[i] === region;
    const share = ((100 * count) / Math.max(derived.shown, 1)).toFixed(1);
    const weight = this.weighted ? `, weight in the loss ${derived.weights[region].toFixed(3)}` : "";
    return `${derived.names[region]}\n${counted(count, "utterance")} (${share} %)${weight}`;
  }

  tip(text, over, x, y) {
    this.tooltip.hidden = !text;
    if (!text) return;
    this.tooltip.textContent = text;
    const [box, frame] = [over.getBoundingClientRect(), this.root.getBoundingClientRect()];
    const [left, top] = [box.x - frame.x + x + 14, box.y - frame.y + y + 14];
    const { offsetWidth, offsetHeight } = this.tooltip;
    this.tooltip.style.left = `${Math.max(4, Math.min(left, frame.width - offsetWidth - 4))}px`;
    this.tooltip.style.top = `${top + offsetHeight > frame.height ? top - offsetHeight - 24 : top}px`;
  }
}
