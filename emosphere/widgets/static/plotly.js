// plotly's code, evaluated once a page for each version, and only kept once it is there: kernels come and go while a page
// stays open, and a load that failed is nobody else's.

export async function importPlotly(code) {
  const text = `const module = {exports: {}}, exports = module.exports, define = undefined;\n${code}\nexport default module.exports;`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return import(url).then((module) => module.default).finally(() => URL.revokeObjectURL(url));
}

// the copy that all widgets of a page share; it comes with a widget of its own
export async function sharedPlotly(model) {
  const bundle = await model.widget_manager.get_model(model.get("_plotly").slice("IPY_MODEL_".length));
  const loaded = (globalThis.emospherePlotly ??= new Map());
  const version = bundle.get("version");
  if (!loaded.has(version)) {
    const loading = importPlotly(bundle.get("code"));
    loaded.set(version, loading);
    loading.catch(() => loaded.delete(version));
  }
  return loaded.get(version);
}
