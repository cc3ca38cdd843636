// A microphone, a file or a dropped file, decoded by the browser and sent to Python as 16 kHz mono; and a player of it.
//
// The browser's own decoder resamples and knows mp3 and m4a, so nothing beside it is needed. Sound goes to Python in
// pieces, since Jupyter's websocket refuses messages of more than 10 MB, and the next goes when the last has arrived.
// All text is set as text, so no file name can become markup.

const PIECE = 1 << 18; // samples of a message: 0.5 MB
const PATIENCE = 10000; // ms without an answer until we say so
const TICK = 100; // ms between two looks at level and clock
const STEP = 200; // ms between two reports of the player's time
const BITS = 128000; // a second of the recording: what a lower rate loses, a model may listen for

// what calls are made for, such as even loudness, would take away what tells emotions apart
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

const STYLE = `
.emosphere-recorder {border: 1px solid #8886; border-radius: 8px; padding: 12px 14px; line-height: 1.4;
  display: flex; flex-direction: column; gap: 10px}
.emosphere-recorder.over {outline: 3px dashed #0072B2; outline-offset: -3px}
.emosphere-recorder [hidden] {display: none !important}
.emosphere-recorder .row {display: flex; flex-wrap: wrap; align-items: center; gap: 8px 14px; min-height: 40px}
.emosphere-recorder button {font: inherit; cursor: pointer; border-radius: 20px; padding: 6px 16px; color: inherit;
  background: transparent; border: 1px solid #8889}
.emosphere-recorder button:hover:enabled {background: #8883}
.emosphere-recorder button:focus-visible {outline: 3px solid #0072B2; outline-offset: 2px}
.emosphere-recorder button:disabled {opacity: .45; cursor: default}
.emosphere-recorder .record {background: #B3261E; border-color: #B3261E; color: #fff; font-weight: bold;
  min-width: 112px; min-height: 38px; display: inline-flex; align-items: center; justify-content: center}
.emosphere-recorder .record:hover:enabled {background: #8C1D18}
.emosphere-recorder .record i {display: inline-block; width: 11px; height: 11px; background: #fff; border-radius: 50%;
  margin-right: 9px}
.emosphere-recorder .record[aria-pressed=true] i {border-radius: 2px}
.emosphere-recorder .level {width: 170px; height: 10px; border-radius: 5px; background: #8884; overflow: hidden}
.emosphere-recorder .level div {height: 100%; width: 0; background: linear-gradient(90deg, #009E73 0 130px,
  #E69F00 130px 155px, #D55E00 155px)}
.emosphere-recorder .clock {font-variant-numeric: tabular-nums; min-width: 3em; font-weight: bold}
.emosphere-recorder .hint {opacity: .75; font-size: .92em}
.emosphere-recorder .said:not(:empty) {padding: .5em .8em; border-left: 4px solid #0072B2}
.emosphere-recorder .said.bad:not(:empty) {border-color: #E69F00}
.emosphere-recorder progress {width: 170px; accent-color: #0072B2}
.emosphere-recorder .name {max-width: 300px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap}
.emosphere-recorder audio {flex: 1 1 320px; height: 40px; min-width: 0}
`;

function make(tag, parent, properties = {}, attributes = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

const two = (number) => String(number).padStart(2, "0");

function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`;
}

const shortened = (name) => (name.length > 80 ? `${name.slice(0, 79)}…` : name);

class Refusal extends Error {} // its message is a sentence for the person

const GONE = new Error("The view is closed."); // told to nobody

const noSound = (name) =>
  new Refusal(`${name} holds no sound that this browser can decode. Try wav, flac, mp3 or ogg.`);

function microphoneRefusal(error) {
  const instead = "or choose a sound file instead.";
  const reasons = {
    NotAllowedError: `This page may not use the microphone. Allow it (the symbol beside the page's address), then \
press Record again; ${instead}`,
    NotFoundError: `No microphone was found. Connect one and press Record again, ${instead}`,
    NotReadableError: `The microphone does not answer; another programme may be using it. Close that and press Record \
again, ${instead}`,
  };
  const other = `The microphone cannot be used (${error.message}). Try another browser, ${instead}`;
  return new Refusal(reasons[error.name] ?? other);
}

async function openMicrophone() {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
    throw new Refusal(
      "Browsers give the microphone only to pages opened by localhost or https. Open this one by \
http://localhost or https, or choose a sound file instead.",
    );
  }
  if (!window.MediaRecorder) throw new Refusal("This browser cannot record. Take another one, or choose a sound file.");
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
  } catch (error) {
    throw microphoneRefusal(error);
  }
}

// An element that plays the blob, once its length is known; what a browser records itself may not say how long it is
// until the player has been sent to its end.
async function playerOf(blob, name) {
  const audio = Object.assign(document.createElement("audio"), { controls: true, preload: "metadata" });
  audio.setAttribute("aria-label", "the recording");
  const heard = (event) => new Promise((resolve) => audio.addEventListener(event, resolve, { once: true }));
  const failed = heard("error").then(() => Promise.reject(noSound(name)));
  failed.catch(() => {});
  audio.src = URL.createObjectURL(blob);
  try {
    await Promise.race([heard("loadedmetadata"), failed]);
    if (!Number.isFinite(audio.duration)) {
      audio.currentTime = 1e9;
      const enough = new Promise((resolve) => setTimeout(resolve, 3000));
      await Promise.race([heard("durationchange"), heard("ended"), failed, enough]);
      audio.currentTime = 0;
    }
  } catch (error) {
    URL.revokeObjectURL(audio.src);
    throw error;
  }
  return audio;
}

// The blob as 16 kHz mono; a Refusal if it cannot be decoded
async function decode(blob, name, rate) {
  let sound;
  try {
    sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await blob.arrayBuffer());
  } catch {
    throw noSound(name);
  }
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  const whole = new Int16Array(sound.length);
  for (let i = 0; i < whole.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    if (!Number.isFinite(sum)) throw new Refusal(`Some samples of ${name} are NaN or infinite; export it again.`);
    whole[i] = Math.max(-32768, Math.min(32767, Math.round((sum / channels.length) * 32768)));
  }
  return whole;
}

// One take's way to Python: messages out, answers in, in turn
function conversation(model) {
  const [take, answers] = [String(Math.random()), []];
  let wake = () => {};
  const hear = (message) => {
    if (message.take !== take) return;
    answers.push(message);
    wake();
  };
  model.on("msg:custom", hear);
  return {
    say: (content, buffers = []) => model.send({ take, ...content }, undefined, buffers),
    async answer() {
      while (!answers.length) await new Promise((resolve) => (wake = resolve));
      return answers.shift();
    },
    close: () => model.off("msg:custom", hear),
  };
}

// Sends the samples; resolves when Python has made something of them. A Refusal if it cannot.
async function send(model, samples, name, recorded, show, stay) {
  const talk = conversation(model);
  const asked = async (content, buffers) => {
    stay();
    const late = setTimeout(
      () => show("Python does not answer yet. Does another cell run, or has the kernel stopped?"),
      PATIENCE,
    );
    talk.say(content, buffers);
    try {
      return await talk.answer();
    } finally {
      clearTimeout(late);
    }
  };
  try {
    await asked({ begin: samples.length, name, recorded });
    for (let at = 0; at < samples.length; at += PIECE) {
      show("Sending the sound to Python …", at / samples.length);
      await asked({ at }, [samples.slice(at, at + PIECE).buffer]);
    }
    show("The model listens …", null);
    await asked({ end: true });
    show("The model listens …", null);
    const { refused } = await talk.answer();
    if (refused) throw new Refusal(refused);
  } finally {
    talk.close();
  }
}

function render({ model, el }) {
  const limits = model.get("limits");
  const { rate, longest_file: longestFile, largest_file: largestFile } = limits;
  const quietest = 20 * Math.log10(limits.silence); // the left end of the level
  make("style", el, { textContent: STYLE });
  const root = make("div", el, { className: "emosphere-recorder" }, { role: "group", "aria-label": "your voice" });
  const row = make("div", root, { className: "row" });
  const record = make("button", row, { type: "button", className: "record" }, { "aria-pressed": "false" });
  make("i", record, {}, { "aria-hidden": "true" });
  const word = make("span", record, { textContent: "Record" });
  const level = make(
    "div",
    row,
    { className: "level", hidden: true },
    { role: "meter", "aria-label": "level in decibels", "aria-valuemin": quietest, "aria-valuemax": 0 },
  );
  const bar = make("div", level);
  const time = make("span", row, { className: "clock", hidden: true, textContent: "0:00" });
  const choose = make("button", row, { type: "button", textContent: "Choose a sound file" });
  const hint = make("span", row, { className: "hint" });
  const idleHint = `or drop one here · up to ${longestFile / 60} minutes`;
  hint.textContent = idleHint;
  const input = make(
    "input",
    row,
    { type: "file", hidden: true, accept: "audio/*,video/mp4,video/webm" },
    { "aria-label": "sound file" },
  );
  const progress = make("progress", row, { max: 1, hidden: true }, { "aria-label": "sent" });
  const said = make("div", root, { className: "said" }, { role: "status", "aria-live": "polite" });
  const shelf = make("div", root, { className: "row", hidden: true });
  const title = make("span", shelf, { className: "name" });

  let player = null;
  let stopRecording = null;
  let idle = true;
  let gone = false; // once the view is closed, nothing is recorded or sent any more, whatever was under way

  const stay = () => {
    if (gone) throw GONE;
  };
  const say = (text, bad = false) => {
    said.classList.toggle("bad", bad);
    if (said.textContent !== text) said.textContent = text;
  };
  const show = (text, share) => {
    say(text);
    progress.hidden = share === undefined;
    if (typeof share === "number") progress.value = share;
    else progress.removeAttribute("value");
  };
  const report = () => {
    if (!player || model.get("time") === player.currentTime) return;
    model.set("time", player.currentTime);
    model.save_changes(); // ipywidgets keeps only the latest while Python is busy
  };
  const reports = setInterval(() => player && !player.paused && report(), STEP);

  function keep(audio, name) {
    if (player) {
      player.pause();
      URL.revokeObjectURL(player.src);
      player.remove();
    }
    player = audio;
    for (const event of ["seeked", "pause", "ended"]) audio.addEventListener(event, report);
    shelf.append(audio);
    title.textContent = title.title = name;
    shelf.hidden = false;
  }

  // whatever goes wrong in here becomes a sentence, and what was there before stays
  async function busy(work) {
    if (!idle) return;
    idle = false;
    choose.disabled = record.disabled = true;
    say("");
    try {
      await work();
      say("");
    } catch (error) {
      if (error === GONE) return;
      say(error instanceof Refusal ? error.message : `This did not work: ${error.message}`, true);
    } finally {
      idle = true;
      choose.disabled = record.disabled = false;
      progress.hidden = true;
    }
  }

  async function take(blob, name, recorded) {
    let audio = null;
    try {
      show(recorded ? "Preparing the recording …" : `Reading ${name} …`, null);
      let samples = new Int16Array(0);
      try {
        audio = await playerOf(blob, name);
        if (!recorded && audio.duration > longestFile) throw tooLong(audio.duration);
        samples = await decode(blob, name, rate);
        if (samples.length > longestFile * rate) throw tooLong(samples.length / rate);
      } catch (error) {
        if (!recorded) throw error; // a recording of a moment holds nothing to decode: Python says that it is too short
      }
      await send(model, samples, name, recorded, show, stay);
      stay();
      if (audio) keep(audio, name);
    } catch (error) {
      if (audio) URL.revokeObjectURL(audio.src);
      throw error;
    }
  }

  const long = "For longer recordings run in a terminal: python -m emosphere predict FILE --windows 3 1";
  const tooLong = (seconds) =>
    new Refusal(`This file lasts ${clock(seconds)}; at most ${longestFile / 60} minutes are taken here. ${long}`);

  const takeFile = (file) =>
    busy(async () => {
      const name = shortened(file.name);
      if (!file.size) throw new Refusal(`${name} is empty (0 bytes).`);
      if (file.size > largestFile) {
        const [has, most] = [Math.round(file.size / 1e6), largestFile / 1e6];
        throw new Refusal(`${name} has ${has} MB; at most ${most} MB are taken here. ${long}`);
      }
      await take(file, name, false);
    });

  const takeVoice = () =>
    busy(async () => {
      say("The browser asks whether this page may use the microphone.");
      const stream = await openMicrophone();
      let blob;
      try {
        stay();
        blob = await recording(stream);
      } finally {
        stream.getTracks().forEach((track) => track.stop());
      }
      await take(blob, "your recording", true);
    });

  // Records until the button is pressed again, the time is over, or the microphone goes away.
  async function recording(stream) {
    const context = new AudioContext();
    const [recorder, chunks] = [new MediaRecorder(stream, { audioBitsPerSecond: BITS }), []];
    const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    recorder.addEventListener("dataavailable", (event) => chunks.push(event.data));
    const analyser = context.createAnalyser();
    const block = new Float32Array(analyser.fftSize);
    context.createMediaStreamSource(stream).connect(analyser);
    const started = performance.now();
    stopRecording = () => recorder.state !== "inactive" && recorder.stop();
    const timer = setInterval(() => {
      const seconds = (performance.now() - started) / 1000;
      analyser.getFloatTimeDomainData(block);
      const peak = block.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
      const decibels = Math.max(quietest, Math.min(0, 20 * Math.log10(peak)));
      bar.style.width = `${100 * (1 - decibels / quietest)}%`;
      level.setAttribute("aria-valuenow", Math.round(decibels));
      time.textContent = clock(seconds);
      if (seconds >= limits.longest_recording) stopRecording();
    }, TICK);
    const during = (on) => {
      level.hidden = time.hidden = !on;
      choose.hidden = on;
      record.disabled = !on;
      record.setAttribute("aria-pressed", on);
      word.textContent = on ? "Stop" : "Record";
      hint.textContent = on ? `stops by itself after ${clock(limits.longest_recording)}` : idleHint;
    };
    try {
      recorder.start();
      say("Recording: speak now.");
      during(true);
      await stopped;
    } finally {
      during(false);
      stopRecording = null;
      clearInterval(timer);
      context.close();
    }
    return new Blob(chunks, { type: recorder.mimeType });
  }

  record.addEventListener("click", () => (stopRecording ? stopRecording() : takeVoice()));
  choose.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files.length) takeFile(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  root.addEventListener("dragover", (event) => {
    event.preventDefault();
    root.classList.add("over");
  });
  root.addEventListener("dragleave", (event) => root.contains(event.relatedTarget) || root.classList.remove("over"));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    root.classList.remove("over");
    const { files } = event.dataTransfer;
    if (files.length === 1) takeFile(files[0]);
    else if (idle) say(files.length ? "One sound file at a time, please." : "What was dropped is no file.", true);
  });
  const seek = ({ seek }) => {
    if (player && seek !== undefined) player.currentTime = seek;
  };
  model.on("msg:custom", seek);

  return () => {
    gone = true;
    stopRecording?.();
    clearInterval(reports);
    model.off("msg:custom", seek);
    if (player) URL.revokeObjectURL(player.src);
  };
}

export default { render };
