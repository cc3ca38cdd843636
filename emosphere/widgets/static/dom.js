// What all parts need from the page: elements, buttons, canvases as sharp as the screen, the colours of the theme.

export function make(tag, className = "", attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const pressable = (text, label, press, attributes = {}) =>
  make("button", "es-button", {
    type: "button",
    text,
    "aria-label": label,
    title: label,
    onclick: press,
    ...attributes,
  });

// a menu of [value, text] pairs; choose(value)
export function choices(label, options, choose, attributes = {}) {
  const select = make("select", "es-select", { "aria-label": label, title: label, ...attributes });
  select.addEventListener("change", () => choose(select.value));
  setChoices(select, options);
  return select;
}

export function setChoices(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => make("option", "", { value, text })));
  if (options.some(([value]) => String(value) === chosen)) select.value = chosen;
}

// gives a canvas the pixels of its box; false while it has none
export function fitCanvas(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  if (!width || !height) return false;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  return true;
}

// JupyterLab would take letters and arrows for its own shortcuts, and after a click move the focus to the cell: not from
// our widgets. Returns what ends it.
export function keepKeys() {
  const ended = new AbortController();
  const hear = (kind, act) => document.addEventListener(kind, act, { capture: true, signal: ended.signal });
  const ours = (target) => target.closest?.(".es-root, .emosphere");
  hear("focusin", ({ target }) => ours(target) && (target.dataset.lmSuppressShortcuts = "true"));
  hear("click", ({ target }) => {
    const [root, control] = [ours(target), target.closest?.("select, button, input, canvas, [tabindex]")];
    const lost = () => control?.isConnected && !root.contains(document.activeElement);
    if (root?.contains(control)) setTimeout(() => lost() && control.focus({ preventScroll: true }));
  });
  return () => ended.abort();
}

// Acts when the page turns dark or light, and once more soon after: JupyterLab hides everything for a moment meanwhile.
// Returns what ends it.
export function watchTheme(act) {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const themed = () => [0, 250].forEach((wait) => setTimeout(act, wait));
  dark.addEventListener("change", themed);
  const themes = new MutationObserver(themed);
  themes.observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name"],
  });
  return () => {
    themes.disconnect();
    dark.removeEventListener("change", themed);
  };
}

export function themeOf(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--es-${name}`).trim();
  return Object.fromEntries(
    ["ink", "dim", "paper", "panel", "line", "accent", "warn"].map((name) => [name, colour(name)]),
  );
}

// "#rrggbb" as 0xRRGGBB
export const hexNumber = (colour) => parseInt(colour.slice(1), 16);

export function saveFile(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  make("a", "", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
