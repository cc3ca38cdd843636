// The picture of a sound on a canvas: the waveform above, below it the spectrogram (grey, Hz on the right) with F0 (a
// line, Hz on the left, in octaves) and intensity (dashed, its upper 45 dB), as in Praat. All sizes are CSS pixels.

import { themeOf } from "./dom.js";

const SOUND_EDGES = { left: 48, right: 44, waveEnd: 33, top: 38, bottom: 102 }; // of both panels; below is time
const F0_AXIS = [60, 500]; // Hz
const SPECTRUM_RANGE = 55; // dB from white to black
const INTENSITY_RANGE = 45; // dB

// From seconds to pixels and back
export function soundScale(width, seconds) {
  const wide = Math.max(1, width - SOUND_EDGES.left - SOUND_EDGES.right);
  return {
    at: (time) => SOUND_EDGES.left + (time / seconds) * wide,
    time: (x) => Math.min(seconds, Math.max(0, ((x - SOUND_EDGES.left) / wide) * seconds)),
  };
}

function pixelOf(colour) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

// A pixel for each value, from paper to ink, high frequencies raised by 6 dB an octave as the ear and Praat do
function spectrumImage({ decibels, rows, columns, highest }, colours) {
  const raised = decibels.map((value, i) => value + 20 * Math.log10((((i % rows) + 0.5) / rows) * highest));
  const loudest = raised.reduce((most, value) => Math.max(most, value), -Infinity);
  const [paper, ink] = [pixelOf(colours.paper), pixelOf(colours.ink)];
  const image = new ImageData(columns, rows);
  raised.forEach((value, i) => {
    const share = Math.min(1, Math.max(0, 1 - (loudest - value) / SPECTRUM_RANGE)) ** 1.3;
    const at = 4 * ((rows - 1 - (i % rows)) * columns + Math.floor(i / rows));
    for (let c = 0; c < 3; c++) image.data[at + c] = paper[c] + share * (ink[c] - paper[c]);
    image.data[at + 3] = 255;
  });
  const canvas = new OffscreenCanvas(columns, rows);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function paintWave(context, samples, width) {
  const middle = SOUND_EDGES.waveEnd / 2;
  const loudest = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-4);
  const high = (middle - 2) / loudest;
  const [from, to] = [SOUND_EDGES.left, width - SOUND_EDGES.right];
  for (let x = from; x < to; x += 0.5) {
    const start = Math.floor(((x - from) / (to - from)) * samples.length);
    const end = Math.max(start + 1, Math.floor(((x + 0.5 - from) / (to - from)) * samples.length));
    let [least, most] = [Infinity, -Infinity];
    for (let i = start; i < end && i < samples.length; i++) {
      least = Math.min(least, samples[i]);
      most = Math.max(most, samples[i]);
    }
    context.fillRect(x, middle - most * high - 0.3, 0.5, (most - least) * high + 0.6);
  }
}

// A line with a halo through all points whose height is a number
function paintCurve(context, times, heights, at, colour, halo, width, dash) {
  context.beginPath();
  heights.forEach((y, i) => {
    if (Number.isNaN(y)) return;
    const alone = Number.isNaN(heights[i - 1] ?? NaN);
    if (alone) context.moveTo(at(times[i]) - 0.5, y);
    context.lineTo(at(times[i]), y);
  });
  const stroke = (style, width, pattern) => {
    Object.assign(context, { strokeStyle: style, lineWidth: width, lineJoin: "round", lineCap: "round" });
    context.setLineDash(pattern);
    context.stroke();
  };
  stroke(halo, width + 3, []);
  stroke(colour, width, dash);
  context.setLineDash([]);
}

function paintTimes(context, seconds, width) {
  const { at } = soundScale(width, seconds);
  const least = (64 / Math.max(1, width - SOUND_EDGES.left - SOUND_EDGES.right)) * seconds;
  const step = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300].find((each) => each >= least) ?? 600;
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  context.textAlign = "center";
  for (let time = 0; time <= seconds + 1e-9; time += step) {
    context.fillRect(at(time) - 0.5, SOUND_EDGES.bottom, 1, 3);
    context.fillText(`${time.toFixed(digits)} s`, at(time), SOUND_EDGES.bottom + 10);
  }
}

// Paints all that is known so far: {samples, seconds} and, once they are measured, spectrum, pitch and loudness
function paintSound(context, sound, width, colours) {
  const { left, right, waveEnd, top, bottom } = SOUND_EDGES;
  const { at } = soundScale(width, sound.seconds);
  const panel = width - left - right;
  context.fillStyle = colours.paper;
  context.fillRect(left, 0, panel, waveEnd);
  context.fillRect(left, top, panel, bottom - top);
  context.fillStyle = colours.ink;
  paintWave(context, sound.samples, width);
  Object.assign(context, { font: "11px system-ui, sans-serif", textBaseline: "middle", fillStyle: colours.dim });
  paintTimes(context, sound.seconds, width);
  if (sound.spectrum) {
    const { columns, step, rows, highest } = sound.spectrum;
    const image = spectrumImage(sound.spectrum, colours);
    context.imageSmoothingQuality = "high";
    context.save();
    context.beginPath();
    context.rect(left, top, panel, bottom - top);
    context.clip();
    const half = step / 2;
    context.drawImage(image, 0, 0, columns, rows, at(-half), top, at(columns * step) - at(0), bottom - top);
    context.restore();
    context.textAlign = "left";
    for (const hertz of [1000, 3000, 5000]) {
      const y = bottom - (hertz / highest) * (bottom - top);
      if (hertz > highest) continue;
      context.fillRect(width - right, y - 0.5, 3, 1);
      context.fillText(`${hertz / 1000} kHz`, width - right + 6, y);
    }
  }
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.strokeRect(left - 0.5, 0.5, panel + 1, waveEnd - 1);
  context.strokeRect(left - 0.5, top - 0.5, panel + 1, bottom - top + 1);
  if (sound.loudness) {
    const { times, decibels } = sound.loudness;
    const most = decibels.reduce((so, value) => Math.max(so, value), -Infinity);
    const high = (value) =>
      most - value < INTENSITY_RANGE ? top + 3 + ((most - value) / INTENSITY_RANGE) * (bottom - top - 4) : NaN;
    paintCurve(context, times, decibels.map(high), at, colours.warn, colours.paper, 1.5, [4, 4]);
  }
  if (sound.pitch) {
    const [lowest, highest] = F0_AXIS;
    const high = (hertz) => bottom - (Math.log(hertz / lowest) / Math.log(highest / lowest)) * (bottom - top);
    paintCurve(context, sound.pitch.times, sound.pitch.hertz.map(high), at, colours.accent, colours.paper, 3, []);
    Object.assign(context, { fillStyle: colours.accent, textAlign: "right" });
    for (const hertz of [100, 200, 400]) {
      context.fillRect(left - 3, high(hertz) - 0.5, 3, 1);
      context.fillText(`${hertz} Hz`, left - 6, high(hertz));
    }
  }
}

// Over the picture: the stretch that was chosen and the cursor
function paintPlace(context, { seconds }, width, colours, stretch, time) {
  const { at } = soundScale(width, seconds);
  if (stretch) {
    const [from, to] = stretch.map(at);
    context.fillStyle = colours.accent;
    context.globalAlpha = 0.22;
    context.fillRect(from, 0, to - from, SOUND_EDGES.bottom);
    context.globalAlpha = 1;
    for (const x of [from, to]) context.fillRect(x - 0.75, 0, 1.5, SOUND_EDGES.bottom);
  }
  context.fillStyle = colours.paper;
  context.fillRect(at(time) - 2, 0, 4, SOUND_EDGES.bottom);
  context.fillStyle = colours.ink;
  context.fillRect(at(time) - 1, 0, 2, SOUND_EDGES.bottom);
}

// A function that paints a sound (or null) with a stretch and a cursor; what changes seldom is painted once and kept.
// Another sound has another number.
export function soundPainter(canvas) {
  const kept = new OffscreenCanvas(1, 1);
  let keptKey = "";
  const cleared = (target, width, height) => {
    const ratio = window.devicePixelRatio;
    const [wide, high] = [width, height].map((size) => Math.max(1, Math.round(size * ratio)));
    if (target.width !== wide || target.height !== high) Object.assign(target, { width: wide, height: high });
    const context = target.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  };
  return (sound, number, stretch, time) => {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const context = cleared(canvas, width, height);
    if (!sound || !width) return;
    const colours = themeOf(canvas);
    const parts = [width, height, window.devicePixelRatio, number, ...Object.keys(sound), ...Object.values(colours)];
    if (keptKey !== parts.join()) paintSound(cleared(kept, width, height), sound, width, colours);
    keptKey = parts.join();
    context.drawImage(kept, 0, 0, width, height);
    paintPlace(context, sound, width, colours, stretch, time);
  };
}
