// Elements are made and changed without markup (innerHTML), so that hostile names stay text.

/** Make an element: `make("a.link", {href: "#/"}, "text", child)`. A function as attribute is an event's listener. */
export function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Change a text only if it differs: writing the same text would still cost the browser a layout. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Change an attribute only if it differs. */
export function setAttr(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Make these the children of an element, in this order. Those that are in place are not touched. */
export function setChildren(parent, children) {
  let place = parent.firstChild;
  for (const child of children) {
    if (child === place) place = place.nextSibling;
    else parent.insertBefore(child, place);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}
