// What is selected, and what one does with it: play all, keep only, hide, name, save, copy; tags and a note for the utterance
// in focus. Tags are remembered by Python beside the corpus; a page without Python offers them as a file.

import { choices, counted, make, pressable, saveFile, setChoices } from "./dom.js";

const MOST_KEYS = 9;
const FORMULA = /^'*(\s*[=+\-@＝＋－＠]|[\t\r\n])/; // for a spreadsheet: gets a ' in front, as in all CSV files of the kit
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

export function tray(host) {
  const { table } = host;
  const count = make("span", "es-tray-count", { "aria-live": "polite" });
  const named = choices("selections by name", [], (name) => name && host.select(positionsOf(host.state.named[name])));
  const buttons = {
    play: pressable("▶ all", "Play all that is selected, one after the other", () => playAll()),
    only: pressable("keep only", "Show only what is selected", () => filter("only")),
    hide: pressable("hide", "Hide what is selected", () => filter("hidden")),
    name: pressable("name", "Keep this selection under a name", () => askName()),
    csv: pressable("CSV", "Save what is selected as a CSV file", () =>
      saveFile("selection.csv", csv(names(), ["utterance", ...host.data.listed]), "text/csv"),
    ),
    copy: pressable("copy", "Copy the names of what is selected", () => copyNames()),
    clear: pressable("✕", "Select nothing (Escape)", () => host.clear()),
  };
  const like = choices(
    "sounds like this",
    [
      ["", "similar…"],
      ["ratings", "20 nearest by ratings"],
      ...(table.vectors ? [["style", "20 nearest by style vector"]] : []),
    ],
    (by) => {
      like.value = "";
      if (!by || host.state.focus < 0) return;
      const near = table.nearest(host.state.focus, 21, by, host.derived.mask);
      if (near.length) host.select(near);
      else host.notify(`${table.names[host.state.focus]} has no style vector, since there is no sound of it.`);
    },
  );
  const name = make("input", "es-input", {
    type: "text",
    placeholder: "a name, then Enter",
    "aria-label": "name of this selection",
    hidden: true,
  });
  const tags = make("div", "es-tags", { role: "group", "aria-label": "tags of the utterance in focus" });
  const newTag = make("input", "es-input es-tag-input", {
    type: "text",
    placeholder: "+ tag",
    "aria-label": "a new tag, then Enter",
  });
  const note = make("input", "es-input es-note", {
    type: "text",
    placeholder: "note (N)",
    "aria-label": "note on the utterance in focus",
  });
  const save = pressable("tags.csv", "Save all tags and notes as a CSV file", () => {
    saveFile("emosphere_remarks.csv", csv(remarked(), ["utterance", "tags", "note"]), "text/csv");
    window.onbeforeunload = null;
  });
  const notice = make("div", "es-notice", { role: "status", hidden: true });
  const selected = make("div", "es-bar", {}, count, ...Object.values(buttons), name, named);
  const remarks = host.options.remarks ? [tags, newTag, note, ...(host.options.page ? [save] : [])] : [];
  const heard = make("div", "es-bar", {}, like, ...remarks); // of the utterance in focus
  const element = make("div", "es-tray", {}, notice, selected, heard);

  const names = () => Array.from(host.state.selection, (i) => i);
  const positionsOf = (list) => list.map((utterance) => table.positions.get(utterance)).filter((i) => i !== undefined);

  function filter(kind) {
    const chosen = names().map((i) => table.names[i]);
    const before = kind === "hidden" ? (host.state.filters.hidden ?? []) : [];
    host.set({
      filters: { ...host.state.filters, [kind]: [...new Set([...before, ...chosen])] },
      ...(kind === "hidden" ? { selection: new Int32Array(0), region: -1 } : {}),
    });
  }

  function askName() {
    name.hidden = false;
    name.focus();
  }

  let replaced = ""; // the name that a further Enter takes away from another selection
  name.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (!["Enter", "Escape"].includes(event.key)) return;
    const [wanted, { named: kept }] = [name.value.trim(), host.state];
    if (event.key === "Enter" && wanted) {
      if (Object.hasOwn(kept, wanted) && replaced !== wanted) {
        replaced = wanted;
        host.notify(`${wanted} is a selection of ${kept[wanted].length} already; Enter once more replaces it.`);
        return;
      }
      host.set({ named: { ...kept, [wanted]: names().map((i) => table.names[i]) } });
      host.notify("");
      host.say(`Kept as ${wanted}`);
    } else if (replaced) host.notify("");
    [name.value, name.hidden, replaced] = ["", true, ""];
  });

  async function copyNames() {
    const text = names()
      .map((i) => table.names[i])
      .join("\n");
    try {
      await navigator.clipboard.writeText(text);
      host.say(`${counted(names().length, "name")} copied`);
    } catch {
      host.notify("This browser does not let a page copy; save the CSV instead.");
    }
  }

  // each is heard to its end, in the order of the table
  async function playAll() {
    const chosen = host.derived.order.filter((i) => host.derived.selected[i]);
    if (!chosen.length) return host.notify("The filters hide all that is selected, so nothing of it is played.");
    host.playlist = [...chosen];
    return host.playNext();
  }

  function csv(positions, columns) {
    const quoted = (text) => (/[",\n\r;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const safe = (text) => quoted(FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text);
    const present = columns.filter((column) => column === "utterance" || table.column(column));
    return (
      [
        present.join(","),
        ...positions.map((i) => present.map((column) => safe(table.cell(column, i, 4))).join(",")),
      ].join("\n") + "\n"
    );
  }

  // tags and notes

  const tagsOf = (i) =>
    (table.column("tags")?.values[i] ?? "")
      .split(";")
      .map((tag) => tag.trim())
      .filter(Boolean);
  const remarked = () => Array.from(table.names.keys()).filter((i) => table.cell("tags", i) || table.cell("note", i));
  const known = () => {
    const all = new Set(host.tags); // in the order in which they came; a key keeps its tag when nobody has that any more
    for (let i = 0; i < table.n; i++) for (const tag of tagsOf(i)) all.add(tag);
    return (host.tags = [...all]);
  };

  // Python gets what changes, since another explorer may have written the rest meanwhile
  function remark(i, name, text, change) {
    table.put(name, i, text);
    host.send({ remark: i, ...change });
    if (host.options.page) window.onbeforeunload = (event) => event.preventDefault(); // they are in no file yet
    host.touch("remarks");
  }

  function toggleTag(tag, i = host.state.focus) {
    if (i < 0 || !tag) return;
    const own = tagsOf(i);
    const added = !own.includes(tag);
    const now = added ? [...own, tag] : own.filter((other) => other !== tag);
    remark(i, "tags", now.join("; "), { tag, added });
    host.say(`${tag} ${added ? "added" : "removed"}`);
  }

  // what is written is of the utterance that had the focus at the first letter, also when "play all" goes on meanwhile
  let about = -1;
  for (const input of [newTag, note]) input.addEventListener("focus", () => (about = host.state.focus));

  newTag.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const tag = newTag.value.trim().replaceAll(";", ",").replaceAll(/\s+/g, " ");
    if (event.key !== "Escape" && (event.key !== "Enter" || !tag)) return;
    if (event.key === "Enter") {
      host.tags = [...(host.tags ?? []), tag];
      if (!tagsOf(about).includes(tag)) toggleTag(tag, about);
    }
    newTag.value = "";
    host.root.focus();
  });
  note.addEventListener("change", () => about >= 0 && remark(about, "note", note.value, { note: note.value }));
  note.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (["Enter", "Escape"].includes(event.key)) host.root.focus(); // which saves it: change
  });

  function drawTags() {
    const { focus } = host.state;
    const own = focus >= 0 ? tagsOf(focus) : [];
    tags.replaceChildren(
      ...known().map((tag, number) => {
        const key = number < MOST_KEYS ? `${number + 1} ` : "";
        return pressable(`${key}${tag}`, `tag ${tag}`, () => toggleTag(tag), {
          "aria-pressed": String(own.includes(tag)),
          disabled: focus < 0,
        });
      }),
    );
    for (const input of [newTag, note]) input.disabled = focus < 0;
    if (document.activeElement !== note) note.value = focus >= 0 ? table.cell("note", focus) : "";
  }

  return {
    element,
    tagByKey: (number) => (known()[number - 1] ? toggleTag(known()[number - 1]) : newTag.focus()),
    writeNote: () => note.focus(),
    playAll,
    update(changed) {
      if (changed.has("notice")) {
        notice.textContent = host.notice;
        notice.hidden = !host.notice;
      }
      if (["selection", "focus", "mask", "named", "order"].some((what) => changed.has(what))) {
        const size = host.state.selection.length;
        const hidden = names().filter((i) => !host.derived.mask[i]).length;
        count.textContent = `${size.toLocaleString("en")} selected${hidden ? `, ${hidden.toLocaleString("en")} hidden` : ""}`;
        for (const button of Object.values(buttons)) button.disabled = !size;
        like.disabled = host.state.focus < 0;
        setChoices(named, [["", "by name…"], ...Object.keys(host.state.named).map((key) => [key, key])]);
        named.hidden = !Object.keys(host.state.named).length;
        named.value = "";
      }
      if (host.options.remarks && ["focus", "remarks"].some((what) => changed.has(what))) drawTags();
    },
  };
}
