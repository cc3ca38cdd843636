// Elements by tag, class, attributes and children; text is never read as HTML.

export function make(tag, className = "", attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  set(element, attributes);
  element.append(...children);
  return element;
}

export function drawn(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(element, attributes);
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
}

// Changes a text or a class only if it is another one, so that nothing flickers and a selection stays.
export function say(element, text, className = element.className) {
  if (element.textContent !== text) element.textContent = text;
  if (element.className !== className) element.className = className;
  return element;
}

// The children of a parent, one for each key in order: those that are there already are kept where they are.
export function keyed(parent, keys, create) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = keys.map((key) => {
    const child = there.get(String(key)) ?? create(key);
    child.dataset.key = key;
    return child;
  });
  [...parent.children].filter((child) => !wanted.includes(child)).forEach((child) => child.remove());
  wanted.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  return wanted;
}
