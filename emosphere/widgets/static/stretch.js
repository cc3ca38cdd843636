// The hand on a sound's picture. Pointer: a click plays from there, a drag chooses a stretch that plays at once.
// Keys: arrows move the place, with Shift they choose a stretch; Home, End; Space plays, Escape clears the stretch.

const PLACE_NUDGE = 0.1; // seconds of an arrow key

// timeAt(event): seconds; length(): of the sound, 0 while there is none; choose(stretch or null) shows it
export function chooseByHand(canvas, place, audio, { timeAt, length, choose, play, toggle, clear }) {
  let down = null; // where the pointer went down, {x, time, far}
  let anchor = null; // where a stretch that keys choose began
  const between = (a, b) => [Math.min(a, b), Math.max(a, b)];

  canvas.addEventListener("mousedown", (event) => event.preventDefault()); // it would take the focus from the place
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !length()) return;
    canvas.setPointerCapture(event.pointerId);
    place.focus({ preventScroll: true, focusVisible: false });
    audio.pause();
    down = { x: event.clientX, time: timeAt(event), far: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down || !length()) return;
    down.far ||= Math.abs(event.clientX - down.x) > 4;
    if (down.far) choose(between(down.time, timeAt(event)));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!down || !length()) return;
    const { time, far } = down;
    down = anchor = null;
    if (!far) choose(null);
    play(far ? Math.min(time, timeAt(event)) : time);
  });
  canvas.addEventListener("pointercancel", () => (down = null));

  const move = (time, stretching) => {
    if (stretching) anchor ??= audio.currentTime;
    audio.currentTime = Math.min(length(), Math.max(0, time));
    if (stretching) choose(between(anchor, audio.currentTime));
  };
  place.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => move(audio.currentTime - PLACE_NUDGE, event.shiftKey),
      ArrowRight: () => move(audio.currentTime + PLACE_NUDGE, event.shiftKey),
      Home: () => move(0, event.shiftKey),
      End: () => move(length(), event.shiftKey),
      " ": toggle,
      Escape: () => {
        anchor = null;
        return clear();
      },
    };
    if (event.ctrlKey || event.altKey || event.metaKey || !length() || !keys[event.key]) return;
    if (keys[event.key]() === false) return; // there was nothing to clear: others may have use for the key
    event.preventDefault();
    event.stopPropagation();
  });
}
