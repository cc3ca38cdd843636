// The data of an explorer: columns that Python packed once, and what filters and sorting make of them.

const TYPES = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };

// numbers as Python packed them: {dtype, bytes}, where bytes is a view of a message's buffer or base64 of a page
export function unpack({ dtype, bytes }) {
  if (typeof bytes === "string") bytes = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  const start = bytes.byteOffset ?? 0;
  return new TYPES[dtype]((bytes.buffer ?? bytes).slice(start, start + bytes.byteLength)); // a copy, since it may lie askew
}

export class Table {
  constructor({ names, points, predicted, train, columns, vectors }) {
    this.names = names;
    this.n = names.length;
    this.points = unpack(points); // (3 n) valence, arousal, dominance in the sphere
    this.predicted = predicted ? unpack(predicted) : null;
    this.train = unpack(train);
    this.vectors = vectors ? { width: vectors.width, values: unpack(vectors) } : null; // of style, for "sounds like this"
    this.columns = columns.map((column) => ({
      ...column,
      values: column.kind === "text" ? column.values : unpack(column.values),
    }));
    this.byName = new Map(this.columns.map((column) => [column.name, column]));
    this.positions = new Map(names.map((name, i) => [name, i]));
  }

  column(name) {
    return this.byName.get(name);
  }

  // a cell in words, "" where there is nothing
  cell(name, i, digits = 2) {
    if (name === "utterance") return this.names[i];
    const { kind, values, labels } = this.column(name);
    if (kind === "group") return values[i] < 0 ? "" : labels[values[i]];
    if (kind === "text") return values[i] ?? "";
    return Number.isNaN(values[i]) ? "" : values[i].toFixed(digits);
  }

  // positions of utterances, the nearest first: by style vectors or by ratings
  nearest(position, count, by, shown) {
    const [values, width] = by === "style" ? [this.vectors.values, this.vectors.width] : [this.points, 3];
    const distances = new Float64Array(this.n);
    for (let i = 0; i < this.n; i++) {
      for (let k = 0; k < width; k++) distances[i] += (values[width * i + k] - values[width * position + k]) ** 2;
      if (!shown[i] || Number.isNaN(distances[i])) distances[i] = Infinity; // no sound, no vector
    }
    return Int32Array.from(distances.keys())
      .filter((i) => distances[i] < Infinity)
      .sort((a, b) => distances[a] - distances[b] || a - b)
      .slice(0, count);
  }

  // which utterances pass: groups take a list of labels, numbers [low, high]; text is looked for word by word;
  // only and hidden are lists of names
  filter(filters) {
    const shown = new Uint8Array(this.n).fill(1);
    for (const [name, wanted] of Object.entries(filters)) {
      const column = this.column(name);
      if (!column || !wanted?.length) continue;
      if (column.kind === "group") {
        const taken = new Uint8Array(column.labels.length);
        for (const label of wanted) taken[column.labels.indexOf(label)] = 1;
        for (let i = 0; i < this.n; i++) shown[i] &= column.values[i] < 0 ? 0 : taken[column.values[i]];
      } else if (column.kind === "number") {
        const [low, high] = wanted.map(Math.fround); // as exact as the values are
        for (let i = 0; i < this.n; i++) shown[i] &= column.values[i] >= low && column.values[i] <= high;
      }
    }
    for (const word of (filters.text ?? "").toLowerCase().split(/\s+/).filter(Boolean)) {
      const words = this._words();
      for (let i = 0; i < this.n; i++) if (shown[i]) shown[i] = words[i].includes(word);
    }
    for (const name of filters.hidden ?? []) if (this.positions.has(name)) shown[this.positions.get(name)] = 0;
    if (filters.only?.length) {
      const kept = new Uint8Array(this.n);
      for (const name of filters.only) if (this.positions.has(name)) kept[this.positions.get(name)] = 1;
      for (let i = 0; i < this.n; i++) shown[i] &= kept[i];
    }
    return shown;
  }

  // names, speakers, categories, tags and all texts, in small letters, made when somebody searches
  _words() {
    const columns = this.columns.filter(
      ({ name, kind }) => kind === "text" || ["speaker", "category", "tags"].includes(name),
    );
    this.words ??= this.names.map((name, i) =>
      [name, ...columns.map((column) => this.cell(column.name, i))].join(" ").toLowerCase(),
    );
    return this.words;
  }

  // positions in the order of a column; absent values last, ties in the corpus' order
  sorted(positions, { column, descending }) {
    if (!column) return positions;
    const sign = descending ? -1 : 1;
    const keys = this._keys(column);
    return positions.sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return sign * (x - y) || a - b;
    });
  }

  // a number for each utterance that sorts as its column does
  _keys(name) {
    const column = name === "utterance" ? { kind: "text", values: this.names } : this.column(name);
    if (column.kind === "number") return column.values;
    const labels = column.kind === "group" ? column.labels : [...new Set(column.values)];
    const collator = new Intl.Collator(undefined, { numeric: true });
    const rank = new Map(
      labels
        .filter(Boolean)
        .sort(collator.compare)
        .map((label, i) => [label, i]),
    );
    const ranks = labels.map((label) => rank.get(label) ?? NaN);
    if (column.kind === "group") return Float64Array.from(column.values, (code) => (code < 0 ? NaN : ranks[code]));
    return Float64Array.from(column.values, (text) => rank.get(text) ?? NaN);
  }

  // other numbers of a column: [position, value] pairs, all others have none
  fill(name, pairs) {
    const column = this.column(name);
    column?.values.fill(NaN);
    for (const [i, value] of pairs) column.values[i] = value;
  }

  // other texts for one utterance, such as its tags
  put(name, i, text) {
    const column = this.column(name);
    if (column.kind !== "text") throw new Error(`${name} holds no texts`);
    column.values[i] = text;
    this.words = undefined;
  }
}
