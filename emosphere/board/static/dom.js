// Elements, and what the server answers.

export function make(tag, className = "", attributes = {}, ...children) {
  const svg = ["svg", "path", "line", "text", "circle", "rect", "g", "title"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  if (className) element.setAttribute("class", className);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// changes a text only if it is another, so that a selection in it stays
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const token = new URLSearchParams(location.search).get("token") ?? "";

export async function ask(path, query = {}) {
  const words = new URLSearchParams(query).toString();
  const answer = await fetch(`${path}?${words}`, { headers: { Authorization: `Bearer ${token}` } });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export const number = (value, digits = 3) =>
  value === null || value === undefined ? "" : value.toFixed(digits).replace("-", "−");

export const title = (run) => (run.seed === null ? run.variant : `${run.variant}, seed ${run.seed}`);
