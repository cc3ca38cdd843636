// What the player bar says of an utterance and its sound, in words and numbers.

export const signedText = (number, digits = 0) => number.toFixed(digits).replace("-", "−");

// The table's facts of one utterance in two lines: ratings, and whatever of category, speaker and duration is known
export function playerFacts(table, position) {
  const of = (name) => {
    const column = table.column(name);
    const value = column?.values[position];
    if (!column || value === "" || value === -1 || Number.isNaN(value)) return null;
    return column.kind === "group" ? column.labels[value] : value;
  };
  const told = (name, say) => (of(name) === null ? [] : [say(of(name))]);
  const rating = (name) => told(name, (value) => `${name[0].toUpperCase()} ${signedText(value, 2)}`);
  const others = [
    ...told("category", String),
    ...told("speaker", (value) => `speaker ${value}`),
    ...told("duration", (value) => `${value.toFixed(2)} s`),
  ];
  return [["valence", "arousal", "dominance"].flatMap(rating).join(" · "), others.join(" · ")];
}

// Of a stretch (seconds), or all: mean F0 and its 5th and 95th percentile in Hz, these apart in semitones, and mean
// intensity in dB. NaN or undefined where there is no voice.
export function soundSummary({ pitch, loudness, seconds }, [from, to] = [0, seconds]) {
  const within = (times) => (_, i) => times[i] >= from && times[i] <= to;
  const voiced = pitch.hertz
    .filter(within(pitch.times))
    .filter((hertz) => hertz > 0)
    .sort();
  const powers = loudness.decibels.filter(within(loudness.times)).map((value) => 10 ** (value / 10));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [low, high] = [0.05, 0.95].map((share) => voiced[Math.round(share * (voiced.length - 1))]);
  const semitones = 12 * Math.log2(high / low);
  return { hertz: mean(voiced), low, high, semitones, decibels: 10 * Math.log10(mean(powers)) };
}

// What a summary says, a line after another: [which curve it belongs to, label, value, explanation]
export function numberLines({ hertz, low, high, semitones, decibels }, stretch) {
  const voiced = hertz > 0;
  const f0 = voiced ? `${hertz.toFixed(0)} Hz` : "no voice";
  const lines = [["line", "F0 ", f0, "mean fundamental frequency where there is voice"]];
  if (voiced) {
    const range = `${low.toFixed(0)} to ${high.toFixed(0)} Hz, `;
    lines.push(["", range, `${semitones.toFixed(1)} st`, "range of F0 without its outer tenth, in Hz and semitones"]);
  }
  lines.push(["dashed", "intensity ", `${signedText(decibels)} dB`, "mean intensity; 0 dB is full scale"]);
  if (stretch) {
    const length = `${(stretch[1] - stretch[0]).toFixed(2)} s`;
    lines.push(["", "stretch ", length, "these numbers are of the stretch"]);
  }
  return lines;
}

// The picture in words, for who does not see it
export function pictureLabel(name, seconds, { hertz, low, high, decibels }) {
  const range = `from ${low?.toFixed(0)} to ${high?.toFixed(0)} hertz`;
  const f0 = hertz > 0 ? `mean F0 ${hertz.toFixed(0)} hertz, ${range}` : "no voice found";
  return `Waveform, spectrogram, F0 and intensity of ${name}: ${seconds.toFixed(2)} seconds, ${f0}, mean intensity \
${signedText(decibels)} decibels.`;
}

// Time, F0 and intensity at one moment, as far as they are measured yet
export function wordsAt({ pitch, loudness }, time) {
  const nearest = (times, values) => {
    const index = Math.round((time - times[0]) / (times[1] - times[0]));
    return values[Math.min(times.length - 1, Math.max(0, index || 0))];
  };
  const words = [`${time.toFixed(2)} s`];
  const hertz = pitch && nearest(pitch.times, pitch.hertz);
  if (pitch) words.push(hertz > 0 ? `F0 ${hertz.toFixed(0)} Hz` : "no voice");
  if (loudness) words.push(`${signedText(nearest(loudness.times, loudness.decibels))} dB`);
  return words.join(" · ");
}
