// The region rule of emosphere/sphere/regions.py, and the shapes of regions on the unit sphere.
// Points are valence, arousal, dominance; x is arousal, y valence, z dominance. A grid is {azimuth, elevation, spacing}.

const SNAP = 1e-9; // within it of an axis or a border a point counts as on it
const PATCH = Math.PI / 24; // a patch is flat over this angle
const OCTANTS = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII"];
const SIGNS = ["+A +V", "-A +V", "-A -V", "+A -V"];

export const regionCount = (grid) => grid.azimuth * grid.elevation;
const isOctants = (grid) => grid.azimuth === 4 && grid.elevation === 2;

export function assignRegion(grid, valence, arousal, dominance) {
  const x = Math.abs(arousal) < SNAP ? 0 : arousal;
  const y = Math.abs(valence) < SNAP ? 0 : valence;
  let z = Math.abs(dominance) < SNAP ? 0 : dominance;
  if (Number.isNaN(x + y + z)) return -1;
  let across = Math.sqrt(x * x + y * y);
  if (across === 0 && z === 0) [across, z] = [Math.SQRT2, 1]; // the origin lies in the direction (1, 1, 1)
  let turn = Math.atan2(y, x) / (2 * Math.PI);
  if (x === 0 && y === 0) turn = 1 / 8;
  else if (turn < 0) turn += 1;
  const position = turn * grid.azimuth;
  // zero counts as positive: these two half-planes are approached from the interval before
  const fromBelow = (y === 0 && x < 0) || (x === 0 && y > 0);
  let sector = fromBelow ? Math.ceil(position - SNAP) - 1 : Math.floor(position + SNAP);
  if (sector === grid.azimuth) sector = 0;
  const share =
    grid.spacing === "area" ? (z / Math.sqrt(across * across + z * z) + 1) / 2 : Math.atan2(z, across) / Math.PI + 0.5;
  const height = Math.min(Math.floor(share * grid.elevation + SNAP), grid.elevation - 1);
  return (grid.elevation - 1 - height) * grid.azimuth + sector;
}

export function assignRegions(grid, points) {
  const regions = new Int32Array(points.length / 3);
  for (let i = 0; i < regions.length; i++) {
    regions[i] = assignRegion(grid, points[3 * i], points[3 * i + 1], points[3 * i + 2]);
  }
  return regions;
}

export const azimuthEdges = (grid) =>
  Array.from({ length: grid.azimuth + 1 }, (_, i) => (2 * Math.PI * i) / grid.azimuth);

export const elevationEdges = (grid) =>
  Array.from({ length: grid.elevation + 1 }, (_, i) => {
    const down = i / grid.elevation;
    return grid.spacing === "area" ? Math.asin(1 - 2 * down) : Math.PI / 2 - Math.PI * down;
  });

export const shortNames = (grid) =>
  isOctants(grid) ? OCTANTS : Array.from({ length: regionCount(grid) }, (_, i) => String(i));

const degrees = (radians) => `${Number(((radians * 180) / Math.PI).toPrecision(4)) + 0}°`;

export function regionNames(grid) {
  if (isOctants(grid)) return OCTANTS.map((name, i) => `${name} (${SIGNS[i % 4]} ${i < 4 ? "+" : "-"}D)`);
  const [across, down] = [
    azimuthEdges(grid).map(degrees),
    elevationEdges(grid).map((e) => degrees(Math.abs(e) < SNAP ? 0 : e)),
  ];
  return Array.from({ length: regionCount(grid) }, (_, i) => {
    const [band, sector] = [Math.floor(i / grid.azimuth), i % grid.azimuth];
    return `azimuth ${across[sector]} to ${across[sector + 1]}, elevation ${down[band + 1]} to ${down[band]}`;
  });
}

// names that begin with the short ones
export const regionLabels = (grid) =>
  isOctants(grid) ? regionNames(grid) : regionNames(grid).map((name, i) => `${i}: ${name}`);

// a direction as [valence, arousal, dominance] on the unit sphere
export const direction = (azimuth, elevation) => [
  Math.cos(elevation) * Math.sin(azimuth),
  Math.cos(elevation) * Math.cos(azimuth),
  Math.sin(elevation),
];

export function regionCentres(grid) {
  const [across, down] = [azimuthEdges(grid), elevationEdges(grid)];
  return Array.from({ length: regionCount(grid) }, (_, i) => {
    const [band, sector] = [Math.floor(i / grid.azimuth), i % grid.azimuth];
    return direction((across[sector] + across[sector + 1]) / 2, (down[band] + down[band + 1]) / 2);
  });
}

// w_i = n / (N n_i) from the regions of the training utterances; 0 for a region without any
export function regionWeights(grid, regions, train) {
  const counts = new Float64Array(regionCount(grid));
  let all = 0;
  regions.forEach((region, i) => {
    if (train[i]) all += ((counts[region] += 1), 1);
  });
  return counts.map((count) => (count ? all / (counts.length * count) : 0));
}

// edges so fine that a part spans at most PATCH, and the interval that each part belongs to
function finer(edges) {
  const [fine, owners] = [[], []];
  for (let i = 0; i + 1 < edges.length; i++) {
    const parts = Math.ceil(Math.abs(edges[i + 1] - edges[i]) / PATCH - SNAP);
    for (let k = 0; k < parts; k++) {
      fine.push(edges[i] + ((edges[i + 1] - edges[i]) * k) / parts);
      owners.push(i);
    }
  }
  return [[...fine, edges.at(-1)], owners];
}

// the sphere in triangles as plotly's mesh3d takes them, and the region of each
export function patches(grid) {
  const [[turns, sectors], [rises, bands]] = [finer(azimuthEdges(grid)), finer(elevationEdges(grid))];
  const mesh = { x: [], y: [], z: [], i: [], j: [], k: [], regions: [] };
  for (const rise of rises) {
    for (const turn of turns) {
      const [v, a, d] = direction(turn, rise);
      (mesh.x.push(a), mesh.y.push(v), mesh.z.push(d));
    }
  }
  bands.forEach((band, row) =>
    sectors.forEach((sector, column) => {
      const corner = row * turns.length + column;
      const [right, below] = [corner + 1, corner + turns.length];
      (mesh.i.push(corner, corner), mesh.j.push(right, below + 1), mesh.k.push(below + 1, below));
      mesh.regions.push(band * grid.azimuth + sector, band * grid.azimuth + sector);
    }),
  );
  return mesh;
}

// all borders as one line with gaps, for plotly
export function borderLines(grid) {
  const line = { x: [], y: [], z: [] };
  const add = (count, at) => {
    for (let i = 0; i <= count; i++) {
      const [v, a, d] = direction(...at(i / count));
      (line.x.push(a), line.y.push(v), line.z.push(d));
    }
    (line.x.push(null), line.y.push(null), line.z.push(null));
  };
  for (const turn of azimuthEdges(grid).slice(0, -1)) add(36, (t) => [turn, Math.PI * (t - 0.5)]);
  for (const rise of elevationEdges(grid).slice(1, -1)) add(72, (t) => [2 * Math.PI * t, rise]);
  return line;
}

// the border of one region as a closed line of directions
export function outline(grid, region) {
  const [band, sector] = [Math.floor(region / grid.azimuth), region % grid.azimuth];
  const [[left, right], [top, bottom]] = [
    azimuthEdges(grid).slice(sector, sector + 2),
    elevationEdges(grid).slice(band, band + 2),
  ];
  const corners = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
    [left, top],
  ];
  return corners.slice(1).flatMap(([turn, rise], side) => {
    const [fromTurn, fromRise] = corners[side];
    return Array.from({ length: 25 }, (_, i) =>
      direction(fromTurn + ((turn - fromTurn) * i) / 24, fromRise + ((rise - fromRise) * i) / 24),
    );
  });
}
