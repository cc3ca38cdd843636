// plotly's figure widget, from one copy of plotly for a whole page.
//
// Each FigureWidget would bring its own 5 MB for the browser to evaluate, and anywidget gives a widget up that is not
// ready after 2 s. And of what plotly sets as a property the kernel, while busy, gets only the last, so that hovering
// swallows clicks; here clicks go as messages of their own, and hovering stays in the browser.

const PLACE = "emospherePlotly";
const PATIENCE = 1000; // ms to wait before the widget is declared ready without plotly
const STILL = 4; // pixels that a hand may move within a click

// Shared is the code of one version alone, and only once it is there: kernels come and go while a page stays open, and
// a load that failed, or waits for a kernel that is gone, is nobody else's.
async function load(model) {
  const bundle = await model.widget_manager.get_model(model.get("_bundle").slice("IPY_MODEL_".length));
  const [shared, version] = [(globalThis[PLACE] ??= new Map()), bundle.get("version")];
  if (!shared.has(version)) {
    const url = URL.createObjectURL(new Blob([bundle.get("code")], { type: "text/javascript" }));
    const loading = import(url).finally(() => URL.revokeObjectURL(url));
    shared.set(version, loading);
    loading.catch(() => shared.delete(version));
  }
  return (await shared.get(version)).default;
}

const clicking = (model, hand) =>
  new Proxy(model, {
    get(target, name) {
      if (name !== "set") return typeof target[name] === "function" ? target[name].bind(target) : target[name];
      return (key, value) => (key === "_js2py_pointsCallback" ? hand.note(value) : target.set(key, value));
    },
  });

// Of 3D figures plotly tells of a click (and again and again) while the button is still down, when nobody knows yet
// whether the hand is about to turn the figure, and of a short tap not at all. So a click is sent once, when the button
// is up and the hand has not moved: what plotly told of meanwhile, or else what it hovers over. A turn is none.
function handOf(send) {
  let [press, over] = [null, null];
  return {
    note(value) {
      if (value?.event_type === "plotly_hover") over = value;
      else if (value?.event_type === "plotly_unhover") over = null;
      else if (value?.event_type !== "plotly_click") return;
      else if (press) press.click ??= value;
      else send(value);
    },
    watch(el) {
      const press3D = ({ clientX, clientY }) => {
        const mine = (press = { far: false, click: null });
        const ended = new AbortController();
        const hear = (kind, then) => window.addEventListener(kind, then, { capture: true, signal: ended.signal });
        const move = (event) => (mine.far ||= Math.hypot(event.clientX - clientX, event.clientY - clientY) > STILL);
        const end = (event) => {
          ended.abort();
          if (press !== mine) return;
          press = null;
          const click = mine.click ?? (over && { ...over, event_type: "plotly_click" });
          if (click && event.type === "pointerup" && !move(event)) send(click);
        };
        hear("pointermove", move);
        hear("pointerup", end);
        hear("pointercancel", end);
      };
      el.addEventListener("pointerdown", (event) => el._fullLayout?.scene && press3D(event), true);
    },
  };
}

const asked = (model) =>
  new Promise((resolve) => {
    const hear = (message) => {
      if (!message.state) return;
      model.off("msg:custom", hear);
      resolve();
    };
    model.on("msg:custom", hear);
    model.send({ ask: "state" });
  });

export default () => {
  let figure, hand;
  return {
    async initialize({ model }) {
      hand = handOf((value) => model.send({ clicked: value }));
      const start = (make) => {
        figure = make();
        figure.initialize({ model: clicking(model, hand) });
      };
      const loading = load(model);
      const make = await Promise.race([loading, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
      // what Python changes until plotly is there has to be asked for
      if (make) start(make);
      else loading.then(async (make) => (await asked(model), start(make)));
    },
    render({ el }) {
      hand.watch(el);
      let remove = () => {};
      let waiting = true;
      // drawn once it has its width: plotly would begin with 700 pixels, and draw all of it again
      const draw = () => {
        if (!waiting) return;
        if (figure && el.clientWidth) remove = figure.render({ el });
        else requestAnimationFrame(draw);
      };
      draw();
      return () => {
        waiting = false;
        remove();
      };
    },
  };
};
