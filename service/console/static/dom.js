// Elements made of text: nothing that comes from the service is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element; strings among the children become text. Properties that begin with "on" are listeners. */
export const h = (tag, properties = {}, ...children) => fill(document.createElement(tag), properties, children);

/** The same, for SVG. */
export const s = (tag, properties = {}, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

/** Text that somebody chose, kept apart from the text around it: a name may be written from right to left. */
export const free = (text) => h("bdi", {}, text);

/** A link inside of the console. The parts of the path are escaped. */
export const link = (parts, properties, ...children) =>
  h("a", { href: `#/${parts.map(encodeURIComponent).join("/")}`, ...properties }, ...children);

/** Says something to those who do not see the page. */
export function announce(sentence) {
  document.getElementById("announcer").textContent = sentence;
}
