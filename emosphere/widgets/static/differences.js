// How much two sets of utterances differ in a mean, with a 95 % interval. Utterances of one speaker resemble each
// other, so that the interval comes from leaving out one speaker after another (the jackknife) where they are known.

const FEWEST = 3; // utterances of a set below which nothing is said of it

// The 97.5 % quantile of Student's t, from 1 degree of freedom. Between -t and t lies the share that
// cos(x) ** (freedom - 1) up to x = atan(t / sqrt(freedom)) has of that up to a right angle.
export function studentQuantile(freedom) {
  if (freedom > 200) {
    const z = 1.959963984540054; // Abramowitz and Stegun, 26.7.5
    return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
  }
  const width = Math.PI / 2 / 4000;
  const heights = Float64Array.from({ length: 4000 }, (_, i) => Math.cos((i + 0.5) * width) ** (freedom - 1));
  let rest = 0.95 * heights.reduce((sum, height) => sum + height, 0);
  let i = 0;
  while (rest > heights[i]) rest -= heights[i++];
  return Math.sqrt(freedom) * Math.tan((i + rest / heights[i]) * width);
}

// {a: {count, mean}, b: {count, mean}, spread (standard deviation of all), difference, low, high, why}. inA and inB
// mark the members; NaN does not count. With owners = {of (a number for each position), count} whoever owns values is
// left out as a whole, in turn; without, Welch's interval. Where there is none, why says it; low and high are NaN.
export function meanDifference(values, inA, inB, owners = null) {
  const [a, b, both] = [inA, inB, inA.map((inside, i) => inside | inB[i])].map((inside) => momentsOf(values, inside));
  const spread = Math.sqrt(both.squares / (both.count - 1));
  const found = { a, b, spread, difference: a.mean - b.mean, low: NaN, high: NaN };
  if (a.count < FEWEST || b.count < FEWEST) return { ...found, why: "too few" };
  const { half, why = "" } = owners ? jackknife(values, inA, inB, owners, a, b) : welch(a, b);
  return why ? { ...found, why } : { ...found, low: found.difference - half, high: found.difference + half, why };
}

function momentsOf(values, inside) {
  let [count, sum, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) if (inside[i] && !Number.isNaN(values[i])) ((count += 1), (sum += values[i]));
  const mean = sum / count;
  for (let i = 0; i < values.length; i++) {
    if (inside[i] && !Number.isNaN(values[i])) squares += (values[i] - mean) ** 2;
  }
  return { count, sum, mean, squares };
}

function welch(a, b) {
  const [first, second] = [a, b].map(({ squares, count }) => squares / (count - 1) / count);
  if (first + second === 0) return { half: 0 };
  const freedom = (first + second) ** 2 / (first ** 2 / (a.count - 1) + second ** 2 / (b.count - 1));
  return { half: studentQuantile(freedom) * Math.sqrt(first + second) };
}

// Its degrees of freedom are one less than the owners in the smaller set: three speakers beside fifty are still three
function jackknife(values, inA, inB, { of, count }, a, b) {
  const sumsOf = (inside) => {
    const [sums, counts] = [new Float64Array(count), new Int32Array(count)];
    for (let i = 0; i < values.length; i++) {
      if (!inside[i] || Number.isNaN(values[i])) continue;
      sums[of[i]] += values[i];
      counts[of[i]] += 1;
    }
    return [sums, counts];
  };
  const [[sumsA, countsA], [sumsB, countsB]] = [sumsOf(inA), sumsOf(inB)];
  const smaller = Math.min(...[countsA, countsB].map((counts) => counts.reduce((some, n) => some + (n > 0), 0)));
  if (smaller < 2) return { why: "one speaker" };
  const without = [];
  for (let j = 0; j < count; j++) {
    if (!countsA[j] && !countsB[j]) continue;
    without.push((a.sum - sumsA[j]) / (a.count - countsA[j]) - (b.sum - sumsB[j]) / (b.count - countsB[j]));
  }
  const middle = without.reduce((sum, value) => sum + value, 0) / without.length;
  const squares = without.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return { half: studentQuantile(smaller - 1) * Math.sqrt(((without.length - 1) / without.length) * squares) };
}
