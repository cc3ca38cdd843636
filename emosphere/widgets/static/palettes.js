// What colours and shapes say: regions, groups and numbers as a colour and a shape of each point, a legend, and words.
// The colours themselves come from emosphere/plots/palettes.py.

import { hexNumber } from "./dom.js";
import { assignRegions, regionLabels, shortNames } from "./sphere.js";

const SHADES = 256; // of a scale of colours
const PREDICTED_REGION = "predicted region"; // no column, since it depends on the grid

// OKLab lightness, chroma and hue as "#RRGGBB", bounded to what a screen shows
function oklchColour(lightness, chroma, hue) {
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
  ];
  const coded = linear.map((value) => {
    const bounded = Math.min(Math.max(value, 0), 1);
    return bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055;
  });
  return `#${coded
    .map((value) =>
      Math.floor(255 * value + 0.5)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`.toUpperCase();
}

// A colour for each region: region_colors of Python
export const regionColours = ({ azimuth, elevation }, { octants, regions }) => {
  if (azimuth === 4 && elevation === 2) return [...octants];
  return Array.from({ length: azimuth * elevation }, (_, region) => {
    const [band, sector] = [Math.floor(region / azimuth), region % azimuth];
    const height = elevation > 1 ? 1 - band / (elevation - 1) : 0.5;
    const up = sector % 2 ? regions.step : -regions.step;
    const lightness = regions.low + (regions.high - regions.low) * height + up;
    return oklchColour(lightness, regions.chroma, (2 * Math.PI * sector) / azimuth);
  });
};

// {title, rgb (n numbers 0xRRGGBB), shape (n numbers of palettes.shapes), absent (n, 1 where there is no value: to be
// drawn smaller), legend: [{label, short (if it has one), colour, shape (its name), count (of what is shown), group (its number, -1 for
// several or none), members() (their positions)}], scale: {low, high, colours, absent (how many)} or null,
// tell(position)}
export function looks(host) {
  const { colour, grid } = host.state;
  if (colour === PREDICTED_REGION) return regionLooks(host, colour, assignRegions(grid, host.table.predicted));
  const column = colour === "region" ? undefined : host.table.column(colour);
  if (!column) return regionLooks(host, "region", host.derived.regions); // also when a column went away with its run
  return column.kind === "number" ? numberLooks(host, column) : groupLooks(host, column);
}

function regionLooks(host, title, regions) {
  const { grid } = host.state;
  const [labels, short, colours] = [regionLabels(grid), shortNames(grid), regionColours(grid, host.data.palettes)];
  const entries = labels.map((label, group) => ({
    label,
    short: short[group],
    colour: colours[group],
    shape: "circle",
    group,
  }));
  return painted(host, title, regions, entries, entries, labels);
}

// Known categories have fixed colours; other groups, the largest first, a pair of colour and shape each while there are
// pairs, and the rest are grey together. Sizes are those of the whole table, so that filters change no colour.
function groupLooks(host, { name, values, labels }) {
  const { categories, category_shapes, groups, shapes, other, absent } = host.data.palettes;
  const sizes = new Int32Array(labels.length);
  for (let i = 0; i < values.length; i++) if (values[i] >= 0) sizes[values[i]] += 1;
  const all = labels.map((label, group) => ({ label, group }));
  const order = Object.keys(categories);
  const known = all.filter(({ label }) => Object.hasOwn(categories, label));
  known.sort((a, b) => order.indexOf(a.label) - order.indexOf(b.label));
  const rest = all.filter(({ label }) => !(Object.hasOwn(categories, label)) && label !== "unknown");
  rest.sort((a, b) => sizes[b.group] - sizes[a.group] || a.group - b.group);
  const first = known.length ? groups.length : 0; // their circles are taken
  const paired = rest.slice(0, groups.length * shapes.length - first);
  for (const entry of known) {
    Object.assign(entry, { colour: categories[entry.label], shape: category_shapes[entry.label] ?? "circle" });
  }
  paired.forEach((entry, i) => {
    const turn = first + i;
    Object.assign(entry, { colour: groups[turn % groups.length], shape: shapes[Math.floor(turn / groups.length)] });
  });
  const beyond = rest.length - paired.length;
  const others = { label: `other (${beyond} more)`, colour: other, shape: "ring", group: -1 };
  const nothing = { label: "unknown", colour: absent, shape: "ring", group: -1 };
  const entries = all.map((entry) => (entry.colour ? entry : entry.label === "unknown" ? nothing : others));
  return painted(host, name, values, entries, [...known, ...paired, others, nothing], labels, nothing);
}

// Groups painted: entries has one for each code, legend each of them once
function painted(host, title, codes, entries, legend, labels, nothing = null) {
  const { palettes } = host.data;
  const { mask } = host.derived;
  const none = nothing ?? { label: "none", colour: palettes.absent, shape: "ring", group: -1 };
  const listed = legend.includes(none) ? legend : [...legend, none];
  const places = new Map(listed.map((entry, place) => [entry, place]));
  const last = entries.length; // what has no code stands after all codes
  const placeOf = Int32Array.from([...entries, none], (entry) => places.get(entry));
  const colourOf = Uint32Array.from([...entries, none], ({ colour }) => hexNumber(colour));
  const shapeOf = Uint8Array.from([...entries, none], ({ shape }) => palettes.shapes.indexOf(shape));
  const counts = new Int32Array(listed.length);
  const [rgb, shape, absent] = emptyLooks(codes.length);
  const nowhere = places.get(none);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] < 0 ? last : codes[i];
    const place = placeOf[code];
    rgb[i] = colourOf[code];
    shape[i] = shapeOf[code];
    if (place === nowhere) absent[i] = 1;
    if (mask[i]) counts[place] += 1;
  }
  const shown = listed.map((entry, place) => {
    const members = () => positionsIf(mask, (i) => placeOf[codes[i] < 0 ? last : codes[i]] === place);
    return { ...entry, count: counts[place], members };
  });
  const tell = (i) => `${title} ${codes[i] < 0 ? none.label : labels[codes[i]]}`;
  return { title, rgb, shape, absent, legend: shown.filter(({ count }) => count > 0), scale: null, tell };
}

// Dark for low and bright for high; from 0, so that what differs little looks alike
function numberLooks(host, { name, values }) {
  const { sequential, absent: grey, shapes } = host.data.palettes;
  const { mask } = host.derived;
  let [low, high] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    else if (values[i] > high) high = values[i];
  }
  if (high <= low) high = low + 1;
  const shades = shadesOf(sequential);
  const step = (SHADES - 1) / (high - low);
  const [ring, none] = [shapes.indexOf("ring"), hexNumber(grey)];
  const [rgb, shape, absent] = emptyLooks(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== values[i]) {
      rgb[i] = none;
      shape[i] = ring;
      absent[i] = 1;
      if (mask[i]) count += 1;
    } else rgb[i] = shades[Math.round((values[i] - low) * step)];
  }
  const members = () => positionsIf(mask, (i) => absent[i]);
  const legend = count ? [{ label: "none", colour: grey, shape: "ring", count, group: -1, members }] : [];
  const tell = (i) => `${name} ${absent[i] ? "unknown" : values[i].toFixed(2)}`;
  return { title: name, rgb, shape, absent, legend, scale: { low, high, colours: sequential, absent: count }, tell };
}

const emptyLooks = (n) => [new Uint32Array(n), new Uint8Array(n), new Uint8Array(n)];

export function shadesOf(colours) {
  const stops = colours.map(hexNumber);
  return Uint32Array.from({ length: SHADES }, (_, i) => {
    const at = (i / (SHADES - 1)) * (stops.length - 1);
    const from = Math.min(Math.floor(at), stops.length - 2);
    const mixed = (bits) => {
      const [a, b] = [(stops[from] >> bits) & 255, (stops[from + 1] >> bits) & 255];
      return Math.round(a + (b - a) * (at - from)) << bits;
    };
    return mixed(16) | mixed(8) | mixed(0);
  });
}

function positionsIf(mask, fits) {
  const found = [];
  for (let i = 0; i < mask.length; i++) if (mask[i] && fits(i)) found.push(i);
  return Int32Array.from(found);
}
