// The explorer in a file of its own: data, sound and plotly come out of the page, and nothing leaves it.

import { counted } from "./dom.js";
import { mountExplorer } from "./explorer.js";
import { importPlotly } from "./plotly.js";

const bytesOf = (id) =>
  Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));

async function unzip(id) {
  return new Response(new Blob([bytesOf(id)]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

// what an anywidget's model is to the explorer
class PageModel {
  constructor({ data, state, sounds }) {
    Object.assign(this, { state: { ...state, _data: data }, places: sounds, handlers: new Map() });
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    this.state[name] = value;
  }

  on() {}
  off() {}
  save_changes() {}
  send() {}

  plotly() {
    return (this.loading ??= unzip("plotly").then(importPlotly));
  }

  async sound(position) {
    const place = this.places[position];
    const [there, all] = [Object.keys(this.places).length, this.state._data.table.names.length];
    if (!place)
      throw new Error(
        there
          ? `This page holds the sound of ${there.toLocaleString("en")} of ${counted(all, "utterance")}; that of the others is in the notebook.`
          : "The sound is in the notebook; this page holds none.",
      );
    this.bytes ??= bytesOf("sounds");
    return { bytes: this.bytes.slice(...place).buffer, cut: null };
  }
}

export async function openPage() {
  mountExplorer(new PageModel(JSON.parse(await unzip("data"))), document.getElementById("explorer"));
}
