// The player bar at the foot of the explorer: an utterance heard, its waveform, spectrogram, F0 and intensity seen, and
// a stretch of it chosen and heard again, as in Praat. The sound starts first, pictures follow in later tasks.

import { make } from "./dom.js";
import { decodeSound, fundamental, intensity, spectrogram } from "./sound.js";
import { soundPainter, soundScale } from "./soundview.js";
import { numberLines, pictureLabel, playerFacts, soundSummary, wordsAt } from "./soundwords.js";
import { chooseByHand } from "./stretch.js";

const PLAYER_HINT = "Click a point, or press Space, to hear an utterance.";
const WAITING = "Python is busy; the sound comes when it has time.";
const PATIENCE = 2000; // ms until that is said
const PLAYER_ICONS = {
  previous: "M6 5h2v14H6zM20 5v14L9 12z",
  play: "M7 4v16l13-8z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  next: "M16 5h2v14h-2zM4 5v14l11-7z",
};
const MEDIA_TYPES = { R: "audio/wav", f: "audio/flac" }; // by the first letter of the file; else mp3

// An element with a class, its further attributes and its place
function playerMake(tag, parent, name, attributes) {
  const element = make(tag, name, attributes);
  parent?.append(element);
  return element;
}

function playerButton(parent, name, icon, label, press) {
  const button = playerMake("button", parent, `es-button ${name}`, { type: "button" });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  button.append(svg);
  const show = (icon, label) => {
    path.setAttribute("d", PLAYER_ICONS[icon]);
    button.title = label;
    button.setAttribute("aria-label", label);
  };
  show(icon, label);
  button.addEventListener("click", press);
  return { button, show };
}

// When the browser has nothing better to do, but soon
const idleMoment = () =>
  new Promise((resolve) => {
    if (window.requestIdleCallback) requestIdleCallback(resolve, { timeout: 200 });
    else setTimeout(resolve, 20); // Safari
  });

export function playerBar(host) {
  const element = playerMake("section", null, "es-player", { "aria-label": "player" });
  const row = playerMake("div", element, "es-player-row");
  const controls = playerMake("div", row, "es-player-controls");
  const buttons = playerMake("div", controls, "es-player-buttons");
  playerButton(buttons, "es-player-previous", "previous", "Previous utterance", () => step(-1));
  const main = playerButton(buttons, "es-player-play", "play", "Play", () => toggle());
  playerButton(buttons, "es-player-next", "next", "Next utterance", () => step(1));
  const clock = playerMake("span", buttons, "es-player-clock");
  const name = playerMake("div", controls, "es-player-name");
  const facts = [0, 1, 2].map(() => playerMake("div", controls, "es-player-facts"));
  const picture = playerMake("div", row, "es-player-picture");
  const canvas = playerMake("canvas", picture, "es-player-canvas", { role: "img", "aria-label": PLAYER_HINT });
  const place = playerMake("div", picture, "es-player-place", {
    role: "slider",
    tabindex: 0,
    "aria-label": "place in the sound",
    "aria-valuemin": 0,
    "aria-valuemax": 0,
    "aria-valuenow": 0,
  });
  const hint = playerMake("div", picture, "es-player-hint");
  const hover = playerMake("div", picture, "es-player-hover", { hidden: "" });
  const numbers = playerMake("div", row, "es-player-numbers");
  const painter = soundPainter(canvas);
  const audio = playerMake("audio", element, "es-audio", { preload: "auto", hidden: "" });

  let position = -1;
  let turn = 0; // of the utterance in focus: what an earlier one still waits for is dropped
  let sound = null; // {samples, seconds, spectrum, pitch, loudness}, the later ones once they are measured
  let stretch = null; // [from, to] in seconds

  const say = (text) => {
    hint.textContent = text;
    if (!sound) canvas.setAttribute("aria-label", text);
  };
  const play = (from = audio.currentTime) => {
    if (from !== audio.currentTime) audio.currentTime = from;
    audio.play().catch(() => {}); // pages nobody has touched may not sound; the button still says "Play"
  };

  function measure() {
    numbers.replaceChildren();
    if (!sound?.loudness) return;
    const summary = soundSummary(sound, stretch ?? undefined);
    for (const [mark, label, value, title] of numberLines(summary, stretch)) {
      const line = playerMake("div", numbers, "", { title });
      if (mark) playerMake("i", line, `es-player-${mark}`, { "aria-hidden": "true" });
      line.append(label);
      playerMake("b", line, "").textContent = value;
    }
    canvas.setAttribute("aria-label", pictureLabel(host.table.names[position], sound.seconds, summary));
  }

  const paint = () => painter(sound, turn, stretch, audio.currentTime);

  // One look at the sound that plays: a stretch ends here, the cursor moves
  function look() {
    if (stretch && !audio.paused && audio.currentTime >= stretch[1]) {
      audio.pause();
      audio.currentTime = stretch[1];
    }
    const seconds = sound?.seconds ?? (audio.duration || 0);
    const now = Math.min(audio.currentTime, seconds);
    clock.textContent = position < 0 ? "" : `${now.toFixed(2)} / ${seconds.toFixed(2)} s`;
    if (audio.paused) {
      place.setAttribute("aria-valuemax", seconds.toFixed(2));
      place.setAttribute("aria-valuenow", now.toFixed(2));
      place.setAttribute("aria-valuetext", `${now.toFixed(2)} of ${seconds.toFixed(2)} seconds`);
    }
    paint();
  }
  let frame = 0;
  const follow = () => {
    cancelAnimationFrame(frame);
    look();
    if (!audio.paused) frame = requestAnimationFrame(follow);
  };

  function choose(next) {
    stretch = next;
    measure();
    look();
  }

  // Lets the sound go that was there, if any
  function release() {
    audio.pause();
    if (audio.src) URL.revokeObjectURL(audio.src);
    audio.removeAttribute("src");
    audio.load();
  }

  // Takes another utterance: heard first, then seen
  async function take(next, sounding) {
    const mine = ++turn;
    const current = () => mine === turn;
    release();
    [position, sound] = [next, null];
    choose(null);
    hover.hidden = true;
    name.textContent = name.title = next < 0 ? "" : host.table.names[next];
    [...(next < 0 ? ["", ""] : playerFacts(host.table, next)), ""].forEach((text, i) => (facts[i].textContent = text));
    say(next < 0 ? PLAYER_HINT : "…");
    if (next < 0) return;
    setTimeout(() => current() && !audio.src && hint.textContent === "…" && say(WAITING), PATIENCE);
    try {
      const { bytes, cut } = await host.sound(next);
      if (!current()) return;
      const type = MEDIA_TYPES[String.fromCharCode(new Uint8Array(bytes)[0])] ?? "audio/mpeg";
      audio.src = URL.createObjectURL(new Blob([bytes], { type }));
      facts[2].textContent = cut ? `the first ${+cut.toFixed(1)} seconds` : "";
      if (sounding) play();
      const decoded = await decodeSound(bytes).catch(() => {
        throw new Error("This browser cannot decode the sound.");
      });
      if (!current()) return;
      sound = decoded;
      say("");
      look();
      for (const [part, of] of [
        ["spectrum", spectrogram],
        ["pitch", fundamental],
        ["loudness", intensity],
      ]) {
        await idleMoment();
        if (!current()) return;
        sound[part] = of(sound.samples, sound.rate);
      }
      measure();
      paint();
    } catch (error) {
      if (!current()) return;
      say(error.message);
      host.say?.(error.message);
      if (sounding) host.playNext?.(); // "play all" goes on with what can be heard
    }
  }

  function step(by) {
    const { order } = host.derived;
    if (!order.length) return;
    const at = order.indexOf(host.state.focus);
    host.set({ focus: order[at < 0 ? 0 : (at + by + order.length) % order.length] }, { play: true });
  }

  function toggle() {
    if (position < 0) step(1);
    else if (!audio.src)
      take(position, true); // it failed, or is still on its way
    else if (!audio.paused) audio.pause();
    else if (audio.ended) play(stretch?.[0] ?? 0);
    else {
      const [from, to] = stretch ?? [0, Infinity];
      play(audio.currentTime < from || audio.currentTime > to - 0.01 ? from : audio.currentTime);
    }
  }

  function clear() {
    if (!stretch) return false;
    choose(null);
    return true;
  }

  const xOf = (event) => event.clientX - canvas.getBoundingClientRect().x;
  const timeAt = (event) => soundScale(picture.clientWidth, sound.seconds).time(xOf(event));
  chooseByHand(canvas, place, audio, { timeAt, length: () => sound?.seconds ?? 0, choose, play, toggle, clear });

  // What lies under the pointer, in words
  canvas.addEventListener("pointermove", (event) => {
    hover.hidden = !sound || event.pointerType === "touch";
    if (hover.hidden) return;
    hover.textContent = wordsAt(sound, timeAt(event));
    hover.style.left = `${Math.min(xOf(event) + 10, picture.clientWidth - hover.offsetWidth)}px`;
  });
  canvas.addEventListener("pointerleave", () => (hover.hidden = true));

  const playing = () => main.show(...(audio.paused ? ["play", "Play"] : ["pause", "Pause"]));
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, playing);
  for (const event of ["pause", "ended", "seeked", "timeupdate", "loadedmetadata"]) audio.addEventListener(event, look);
  audio.addEventListener("play", follow);
  const sizes = new ResizeObserver(look);
  sizes.observe(picture);
  const theme = matchMedia("(prefers-color-scheme: dark)");
  theme.addEventListener("change", look);
  say(PLAYER_HINT);

  return {
    element,
    toggle,
    step,
    clear, // the stretch; tells whether there was one
    get stretch() {
      return stretch;
    },
    update(changed) {
      if (changed.has("focus") && host.state.focus !== position) take(host.state.focus, host.play);
      else if (host.play && position >= 0) audio.src ? play(stretch?.[0] ?? 0) : take(position, true);
      if (changed.has("theme")) look();
    },
    close() {
      turn += 1;
      sizes.disconnect();
      theme.removeEventListener("change", look);
      release();
    },
  };
}
