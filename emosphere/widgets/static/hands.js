// Mouse, fingers and keys on a picture that turns: turning, zooming, hovering and clicking told apart.

const STILL = 5; // pixels that a hand may move within a click

export class Hands {
  // handlers: turn(dx, dy), zoom(factor), reset(), hover(x, y) or hover(null), click(x, y, {shift, touch})
  constructor(canvas, handlers) {
    Object.assign(this, { canvas, handlers, down: new Map(), far: false, spread: 0 });
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.lift(event));
    canvas.addEventListener("pointercancel", (event) => this.down.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => handlers.hover(null, null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.x, event.clientY - box.y];
  }

  press(event) {
    if (event.button) return;
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    this.canvas.setPointerCapture(event.pointerId);
    if (!this.down.size) this.far = false;
    this.down.set(event.pointerId, { start: this.at(event), last: this.at(event) });
    this.spread = 0;
    this.handlers.hover(null, null);
  }

  move(event) {
    const hand = this.down.get(event.pointerId);
    const [x, y] = this.at(event);
    if (!hand) return event.pointerType === "touch" || this.handlers.hover(x, y);
    this.far ||= Math.hypot(x - hand.start[0], y - hand.start[1]) > STILL;
    const [dx, dy] = [x - hand.last[0], y - hand.last[1]];
    hand.last = [x, y];
    if (!this.far) return;
    if (this.down.size === 1) this.handlers.turn(dx, dy);
    else {
      const [one, two] = [...this.down.values()].map(({ last }) => last);
      const spread = Math.hypot(one[0] - two[0], one[1] - two[1]);
      if (this.spread) this.handlers.zoom(this.spread / spread);
      this.spread = spread;
    }
  }

  lift(event) {
    const last = this.down.size === 1 && this.down.has(event.pointerId);
    this.down.delete(event.pointerId);
    if (last && !this.far)
      this.handlers.click(...this.at(event), { shift: event.shiftKey, touch: event.pointerType === "touch" });
  }

  // a page scrolls over a sphere that nobody has touched yet
  wheel(event) {
    if (
      document.activeElement !== this.canvas &&
      this.canvas.getRootNode().activeElement !== this.canvas &&
      !event.ctrlKey
    )
      return;
    event.preventDefault();
    this.handlers.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.002));
  }

  key(event) {
    const step = 0.09 / 0.009;
    const turns = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    const zooms = { "+": 0.9, "=": 0.9, "-": 1 / 0.9 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (turns[event.key]) this.handlers.turn(...turns[event.key]);
    else if (zooms[event.key]) this.handlers.zoom(zooms[event.key]);
    else if (event.key === "0") this.handlers.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
