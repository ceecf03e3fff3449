// A chart of the last minutes, as SVG: sharp at any size, coloured by the style sheet.

import { make, setText } from "./dom.js";
import { WINDOW } from "./store.js";
import { clock, duration } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 100;
const NARROWEST = 30_000; // milliseconds: the shortest time that a chart spans

/** One chart: a title, the latest value, and a line for each of `lines` ({field, name, style}). */
export class Curve {
  #points = [];

  constructor(title, lines, format, scope = "") {
    this.lines = lines;
    this.most = (value) => `${format(value)}${scope} in ${duration(this.span / 1000)}`;
    this.format = format;
    this.value = make("span.value");
    this.top = make("span.top", { "aria-hidden": "true" });
    this.readout = make("span.readout", { "aria-hidden": "true" });
    this.svg = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.label = svg("title");
    this.svg.append(this.label);
    this.paths = lines.map((line, place) => {
      const area = place === 0 ? svg("path", { class: "area" }) : null;
      const path = svg("path", { class: `line ${line.style ?? ""}` });
      this.svg.append(...(area ? [area, path] : [path]));
      return { area, path };
    });
    this.cursor = svg("line", { class: "cursor", y1: 0, y2: HEIGHT, x1: -9, x2: -9 });
    this.svg.append(this.cursor);
    const plot = make("div.plot", { pointermove: (event) => this.#point(event), pointerleave: () => this.#leave() },
                      this.svg, this.top, this.readout);
    this.title = title;
    const keys = lines.filter((line) => line.name).map((line) => make(line.style ? `span.key.${line.style}` : "span.key", {}, line.name));
    this.element = make("figure.curve", {}, make("figcaption", {}, make("span.name", {}, title), ...keys, this.value), plot);
  }

  /** Draw these points; `text` is the latest value. */
  draw(points, now, text) {
    this.#points = points;
    this.now = now;
    this.span = Math.min(WINDOW, Math.max(NARROWEST, now - (points[0]?.time ?? now)));
    setText(this.value, text);
    const most = Math.max(...points.map((point) => Math.max(...this.lines.map((line) => point[line.field] ?? 0))), 0);
    setText(this.top, most ? `max ${this.most(most)}` : "");
    const label = `${this.title}: ${text}; maximum ${this.most(most)}`;
    if (this.label.textContent !== label) this.label.textContent = label;
    this.lines.forEach((line, place) => this.#trace(line.field, this.paths[place], most || 1));
  }

  #trace(field, { area, path }, most) {
    const parts = runs(this.#points, field).map((run) => run.map((point) =>
      `${this.#x(point.time).toFixed(1)},${(HEIGHT - 2 - (point[field] / most) * (HEIGHT - 8)).toFixed(1)}`));
    path.setAttribute("d", parts.map((part) => `M${part.length > 1 ? part.join("L") : `${part[0]}h0.1`}`).join(""));
    area?.setAttribute("d", parts.map((part) => {
      const [first, last] = [part[0].split(",")[0], part.at(-1).split(",")[0]];
      return `M${first},${HEIGHT}L${part.join("L")}L${last},${HEIGHT}Z`;
    }).join(""));
  }

  #x(time) {
    return WIDTH * (1 - (this.now - time) / this.span);
  }

  #point(event) {
    const box = this.svg.getBoundingClientRect();
    const time = this.now - this.span * (1 - (event.clientX - box.left) / box.width);
    const near = this.#points.reduce((best, point) =>
      !best || Math.abs(point.time - time) < Math.abs(best.time - time) ? point : best, null);
    if (!near) return;
    for (const name of ["x1", "x2"]) this.cursor.setAttribute(name, this.#x(near.time));
    const values = this.lines.map((line) => `${line.name ? `${line.name} ` : ""}${
      near[line.field] === null ? "–" : this.format(near[line.field])}`);
    setText(this.readout, `${clock(near.time)}  ${values.join("  ")}`);
  }

  #leave() {
    for (const name of ["x1", "x2"]) this.cursor.setAttribute(name, -9);
    setText(this.readout, "");
  }
}

/** Split the points into lines, with gaps where nothing was measured or no page was open for more than 5 s. */
function runs(points, field) {
  const found = [];
  let last = null;
  for (const point of points) {
    if (point[field] === null) {
      last = null;
      continue;
    }
    if (last === null || point.time - last.time > 5000) found.push([]);
    found.at(-1).push(point);
    last = point;
  }
  return found;
}

function svg(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
