// What can be seen of a sound: its samples, spectrogram, fundamental frequency (F0) and intensity. Nothing here touches
// the page. Long sounds are measured in longer steps, so that a minute of speech takes no longer than some seconds.

const DECODED_RATES = [8000, 96000]; // the lowest and highest, in Hz, that every browser decodes to

// The rate in Hz that a wav or flac file names in its header; NaN for other files
function headerRate(bytes) {
  const view = new DataView(bytes);
  const word = (at) => (at + 4 <= view.byteLength ? String.fromCharCode(...new Uint8Array(bytes, at, 4)) : "");
  if (word(0) === "fLaC") return view.byteLength > 22 ? view.getUint32(18) >>> 12 : NaN; // 20 bits of STREAMINFO
  if (word(0) !== "RIFF") return NaN;
  for (let at = 12; at + 16 <= view.byteLength; at += 8 + view.getUint32(at + 4, true)) {
    if (word(at) === "fmt ") return view.getUint32(at + 12, true);
  }
  return NaN;
}

// {samples (mono: the mean of all channels), rate, seconds} of a sound file that the browser can decode
export async function decodeSound(bytes) {
  const [lowest, highest] = DECODED_RATES;
  const rate = Math.min(highest, Math.max(lowest, headerRate(bytes) || 48000));
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.slice(0)); // which takes its bytes away
  const samples = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((value, i) => (samples[i] += value / sound.numberOfChannels));
  }
  return { samples, rate, seconds: sound.duration };
}

const fftTables = new Map(); // length -> {cosine, sine, swapped}

function fftTable(length) {
  if (!fftTables.has(length)) {
    const turn = Float64Array.from({ length: length / 2 }, (_, i) => (2 * Math.PI * i) / length);
    const swapped = new Uint32Array(length);
    for (let i = 1; i < length; i++) swapped[i] = (swapped[i >> 1] >> 1) | (i & 1 ? length >> 1 : 0);
    fftTables.set(length, { cosine: turn.map(Math.cos), sine: turn.map(Math.sin), swapped });
  }
  return fftTables.get(length);
}

// The discrete Fourier transform of real + i imaginary (Float64Arrays as long as a power of two), in place
export function fft(real, imaginary) {
  const length = real.length;
  const { cosine, sine, swapped } = fftTable(length);
  for (let i = 0; i < length; i++) {
    const j = swapped[i];
    if (j <= i) continue;
    [real[i], real[j]] = [real[j], real[i]];
    [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
  }
  for (let half = 1; half < length; half *= 2) {
    const stride = length / (2 * half);
    for (let start = 0; start < length; start += 2 * half) {
      for (let k = 0, at = 0; k < half; k++, at += stride) {
        const top = start + k;
        const low = top + half;
        const a = real[low] * cosine[at] + imaginary[low] * sine[at];
        const b = imaginary[low] * cosine[at] - real[low] * sine[at];
        real[low] = real[top] - a;
        imaginary[low] = imaginary[top] - b;
        real[top] += a;
        imaginary[top] += b;
      }
    }
  }
}

const hann = (length) => Float64Array.from({ length }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / length) ** 2);

const powerOfTwo = (least) => 2 ** Math.ceil(Math.log2(least));

// Squared magnitudes of two real signals by one transform: one lies in `real`, the other in `imaginary`, and so do
// their powers afterwards, of all bins
function twoPowers(real, imaginary) {
  const length = real.length;
  fft(real, imaginary);
  for (let k = 0; k <= length / 2; k++) {
    const m = (length - k) % length;
    const first = ((real[k] + real[m]) ** 2 + (imaginary[k] - imaginary[m]) ** 2) / 4;
    const second = ((imaginary[k] + imaginary[m]) ** 2 + (real[k] - real[m]) ** 2) / 4;
    real[k] = real[m] = first;
    imaginary[k] = imaginary[m] = second;
  }
}

// {decibels (one spectrum after another), rows, columns, step (s), highest (Hz)}: column c is the time c x step, row r
// the frequency r / rows x highest, 0 dB a sine of amplitude 1
export function spectrogram(samples, rate, { window = 0.025, columns: most = 800, highest = 5500 } = {}) {
  const shape = hann(Math.round(window * rate));
  const size = powerOfTwo(shape.length);
  const step = Math.max(0.005, samples.length / rate / most);
  const columns = Math.max(1, Math.min(most, Math.floor(samples.length / rate / step)));
  const rows = Math.min(size / 2, Math.round((highest / rate) * size));
  const decibels = new Float32Array(rows * columns);
  const gain = (2 / shape.reduce((sum, value) => sum + value, 0)) ** 2;
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  const load = (into, column) => {
    into.fill(0);
    const start = Math.round(column * step * rate - shape.length / 2);
    for (let i = 0; i < shape.length; i++) into[i] = shape[i] * (samples[start + i] ?? 0);
  };
  for (let column = 0; column < columns; column += 2) {
    load(real, column);
    load(imaginary, column + 1);
    twoPowers(real, imaginary);
    for (let row = 0; row < rows; row++) {
      decibels[column * rows + row] = 10 * Math.log10(real[row] * gain + 1e-12);
      if (column + 1 < columns) decibels[(column + 1) * rows + row] = 10 * Math.log10(imaginary[row] * gain + 1e-12);
    }
  }
  return { decibels, rows, columns, step, highest: (rows / size) * rate };
}

// Seconds from one measurement to the next
const measureStep = (samples, rate) => Math.max(0.01, samples.length / rate / 1500);

// {times, decibels}: 20 log10 of the root mean square under a Hann window of 40 ms; 0 dB is full scale, -120 the least
export function intensity(samples, rate) {
  const step = measureStep(samples, rate);
  const shape = hann(Math.round(0.04 * rate));
  const count = Math.max(1, Math.floor(samples.length / rate / step));
  const times = Float64Array.from({ length: count }, (_, i) => (i + 0.5) * step);
  const decibels = Float32Array.from(times, (time) => {
    const start = Math.round(time * rate - shape.length / 2);
    let [sum, weights] = [0, 0];
    for (let i = Math.max(0, -start); i < shape.length && start + i < samples.length; i++) {
      sum += shape[i] * samples[start + i] ** 2;
      weights += shape[i];
    }
    return 10 * Math.log10(sum / weights + 1e-12);
  });
  return { times, decibels };
}

// The strengths of P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
// harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17; the values are Praat's
const PITCH = {
  lowest: 60,
  highest: 500,
  most: 8,
  silence: 0.03,
  voicing: 0.45,
  octave: 0.01,
  jump: 0.35,
  change: 0.14,
};

// What one frame may be, each as [Hz, strength]: without voice, 0 Hz, or the highest peaks of its autocorrelation
function pitchCandidates(correlation, windowed, rate, loudness) {
  const at = (lag) => correlation[lag] / windowed[lag];
  const quiet = Math.max(0, 2 - loudness / (PITCH.silence / (1 + PITCH.voicing)));
  const found = [];
  for (let lag = Math.floor(rate / PITCH.highest); lag <= rate / PITCH.lowest; lag++) {
    const [before, here, after] = [at(lag - 1), at(lag), at(lag + 1)];
    if (!(here >= PITCH.voicing / 2 && here > before && here >= after)) continue; // NaN in silence
    const bend = before - 2 * here + after;
    const period = lag + (before - after) / (2 * bend); // of the parabola through all three
    const peak = here - (before - after) ** 2 / (8 * bend);
    found.push([rate / period, peak - PITCH.octave * Math.log2((PITCH.lowest * period) / rate)]);
  }
  found.sort((a, b) => b[1] - a[1]);
  return [[0, PITCH.voicing + quiet], ...found.slice(0, PITCH.most)];
}

// The path of most strength and least change through all frames' candidates (Viterbi), as Hz or NaN
function pitchPath(frames, step) {
  const pace = 0.01 / step;
  const cost = (a, b) => (!a && !b ? 0 : !a || !b ? PITCH.change : PITCH.jump * Math.abs(Math.log2(a / b))) * pace;
  let totals = [0];
  let last = [[0, 0]];
  const back = frames.map((frame) => {
    const from = [];
    totals = frame.map(([hertz, strength], i) => {
      const sums = last.map(([other], j) => totals[j] - cost(other, hertz));
      from[i] = sums.indexOf(Math.max(...sums));
      return sums[from[i]] + strength;
    });
    last = frame;
    return from;
  });
  const path = new Float32Array(frames.length);
  let at = totals.indexOf(Math.max(...totals));
  for (let i = frames.length - 1; i >= 0; i--) {
    path[i] = frames[i][at][0] || NaN;
    at = back[i][at];
  }
  return path;
}

// Every factor-th sample of what a low-pass, whose zero is at the new half rate, leaves of the samples
function thinned(samples, factor) {
  const shape = hann(4 * factor).map((value) => value / (2 * factor));
  return Float64Array.from({ length: Math.floor(samples.length / factor) }, (_, i) => {
    const start = (i - 2) * factor;
    const end = Math.min(shape.length, samples.length - start);
    let sum = 0;
    for (let j = Math.max(0, -start); j < end; j++) sum += shape[j] * samples[start + j];
    return sum;
  });
}

// {times, hertz (NaN where there is no voice)}: the fundamental frequency between 60 and 500 Hz, by the autocorrelation
// of frames of three longest periods, divided by that of their Hann window (Boersma, 1993). The upper half of the
// spectrum (at 16 kHz what is above 4 kHz) is left out, so that peaks are smooth enough for a parabola.
export function fundamental(samples, rate) {
  const step = measureStep(samples, rate);
  const thin = Math.max(1, Math.floor(rate / 16000));
  const low = thin > 1 ? thinned(samples, thin) : samples;
  const slow = rate / thin;
  const shape = hann(Math.round((3 / PITCH.lowest) * slow));
  const size = powerOfTwo(shape.length + slow / PITCH.lowest + 2);
  const keep = Float64Array.from({ length: size }, (_, k) => {
    const high = Math.min(1, Math.max(0, (Math.min(k, size - k) / size - 0.1) / 0.15));
    return 0.5 + 0.5 * Math.cos(Math.PI * high);
  });
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  // both become autocorrelations; the power spectrum of a real signal is even, so one transform serves two again
  const correlate = () => {
    twoPowers(real, imaginary);
    for (let k = 0; k < size; k++) {
      real[k] *= keep[k];
      imaginary[k] *= keep[k];
    }
    fft(real, imaginary);
  };
  const scaled = (values) => values.slice(0, Math.ceil(slow / PITCH.lowest) + 2).map((value) => value / values[0]);
  real.set(shape);
  correlate();
  const windowed = scaled(real);
  const loudest = low.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const count = Math.max(0, Math.floor((low.length - shape.length) / slow / step) + 1);
  const times = Float64Array.from({ length: count }, (_, i) => shape.length / slow / 2 + i * step);
  const load = (into, frame) => {
    into.fill(0);
    const part = low.subarray(Math.round(frame * step * slow), Math.round(frame * step * slow) + shape.length);
    let [mean, peak] = [0, 0];
    for (const value of part) mean += value / part.length;
    for (let i = 0; i < part.length; i++) {
      peak = Math.max(peak, Math.abs(part[i] - mean));
      into[i] = shape[i] * (part[i] - mean);
    }
    return peak / loudest || 0;
  };
  const frames = [];
  for (let frame = 0; frame < count; frame += 2) {
    const loudness = [load(real, frame), load(imaginary, frame + 1)];
    correlate();
    frames.push(pitchCandidates(scaled(real), windowed, slow, loudness[0]));
    if (frame + 1 < count) frames.push(pitchCandidates(scaled(imaginary), windowed, slow, loudness[1]));
  }
  return { times, hertz: pitchPath(frames, step) };
}
