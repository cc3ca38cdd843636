// plotly's figure widget, from one copy of plotly for a whole page.
//
// Each FigureWidget would bring its own 5 MB for the browser to evaluate, and anywidget gives a widget up that is not
// ready after 2 s. And of what plotly sets as a property the kernel, while busy, gets only the last, so that hovering
// swallows clicks; here clicks go as messages of their own, and hovering stays in the browser.

const PLACE = "emospherePlotly";
const PATIENCE = 1000; // ms to wait before the widget is declared ready without plotly

function load(model) {
  globalThis[PLACE] ??= (async () => {
    const bundle = await model.widget_manager.get_model(model.get("_bundle").slice("IPY_MODEL_".length));
    const url = URL.createObjectURL(new Blob([bundle.get("code")], { type: "text/javascript" }));
    try {
      return (await import(url)).default;
    } finally {
      URL.revokeObjectURL(url);
    }
  })();
  return globalThis[PLACE];
}

const clicking = (model) =>
  new Proxy(model, {
    get(target, name) {
      if (name !== "set") return typeof target[name] === "function" ? target[name].bind(target) : target[name];
      return (key, value) => {
        if (key !== "_js2py_pointsCallback") target.set(key, value);
        else if (value?.event_type === "plotly_click") target.send({ clicked: value });
      };
    },
  });

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
  let figure;
  return {
    async initialize({ model }) {
      const start = (make) => {
        figure = make();
        figure.initialize({ model: clicking(model) });
      };
      const loading = load(model);
      const make = await Promise.race([loading, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
      // what Python changes until plotly is there has to be asked for
      if (make) start(make);
      else loading.then(async (make) => (await asked(model), start(make)));
    },
    render({ el }) {
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
