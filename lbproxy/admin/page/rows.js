// A table of backends. A row is made once and changed where it differs. Rows out of sight are not laid out
// (content-visibility in the style sheet).

import { make, setAttr, setChildren, setText } from "./dom.js";
import { bytes, count, duration, left, rate } from "./text.js";

const URGENCY = { down: 0, draining: 1, active: 2, removed: 3 };
const HEADINGS = ["backend", "state", "for", "connections", "new/s", "bytes/s", "total", "failed", "weight"];

const { compare: inOrder } = new Intl.Collator("en", { numeric: true }); // far faster than localeCompare
const byAddress = (one, other) => inOrder(one.address, other.address);

/** The sort orders to choose from; ties are sorted by address. */
export const ORDERS = {
  state: { text: "state", compare: (one, other) => URGENCY[one.state] - URGENCY[other.state] },
  address: { text: "address", compare: () => 0 },
  active: { text: "connections", compare: (one, other) => other.active - one.active },
  perSecond: { text: "new/s", compare: (one, other) => other.perSecond - one.perSecond },
  bytesPerSecond: { text: "bytes/s", compare: (one, other) => other.bytesPerSecond - one.bytesPerSecond },
  failures: { text: "failed connects", compare: (one, other) => other.failures - one.failures },
  since: { text: "latest change", compare: (one, other) => (other.since ?? 0) - (one.since ?? 0) },
};

export function sorted(backends, order) {
  const { compare } = ORDERS[order];
  return [...backends].sort((one, other) => compare(one, other) || byAddress(one, other));
}

/** Why a backend is in its state, and how long that lasts. */
export function reason(backend, now) {
  const parts = [backend.reason];
  if (backend.ends) parts.push(`${left((backend.ends - now) / 1000)} left`);
  if (backend.reset) parts.push(`reset in ${left((backend.reset - now) / 1000)}`);
  return parts.join(", ");
}

export function backendLink(backend) {
  return `#/service/${encodeURIComponent(backend.service)}/${encodeURIComponent(backend.address)}`;
}

export class Rows {
  #rows = new Map();

  constructor(label) {
    this.body = make("div.body", { role: "rowgroup" });
    this.element = make("div.backends", { role: "table", "aria-label": label },
      make("div.row.head", { role: "row" }, ...HEADINGS.map((text) => make("span", { role: "columnheader" }, text))),
      this.body);
  }

  /** Show these backends in this order; `most` is the number of connections of a full bar. */
  draw(backends, now, most) {
    const kept = new Map();
    for (const backend of backends) {
      const row = this.#rows.get(backend.address) ?? new Row(backend);
      row.draw(backend, now, most);
      kept.set(backend.address, row);
    }
    this.#rows = kept;
    setChildren(this.body, [...kept.values()].map((row) => row.element));
  }
}

class Row {
  constructor(backend) {
    const cell = (name) => make(`span.${name}`, { role: "cell" });
    this.link = make("a.address", { href: backendLink(backend) }, backend.address);
    this.cells = Object.fromEntries(["for", "rate", "bytes", "total", "failed", "weight"].map((name) => [name, cell(name)]));
    this.pill = make("span.pill");
    this.why = make("span.why");
    this.fill = make("span.fill");
    this.number = make("span.number");
    this.element = make("div.row", { role: "row" },
      make("span.backend", { role: "rowheader" }, this.link),
      make("span.state", { role: "cell" }, this.pill, this.why),
      this.cells.for,
      make("span.active", { role: "cell" }, this.number, make("span.bar", { "aria-hidden": "true" }, this.fill)),
      ...["rate", "bytes", "total", "failed", "weight"].map((name) => this.cells[name]));
  }

  draw(backend, now, most) {
    const why = backend.state === "active" && backend.reason === "ready" ? "" : reason(backend, now);
    const age = backend.since === null ? "" : duration((now - backend.since) / 1000);
    const news = `${why} ${age} ${most} ${backend.perSecond} ${backend.bytesPerSecond}`;
    if (backend === this.backend && news === this.news) return;
    [this.backend, this.news] = [backend, news];
    setAttr(this.element, "data-state", backend.state);
    setAttr(this.pill, "data-state", backend.state);
    setText(this.pill, backend.state);
    setText(this.why, why);
    setAttr(this.why, "title", why);
    setText(this.cells.for, age);
    setText(this.number, count(backend.active));
    const width = `scaleX(${most ? (backend.active / most).toFixed(3) : 0})`;
    if (this.fill.style.transform !== width) this.fill.style.transform = width;
    setText(this.cells.rate, backend.perSecond ? rate(backend.perSecond) : "0");
    setText(this.cells.bytes, bytes(backend.bytesPerSecond));
    setText(this.cells.total, count(backend.connections));
    setText(this.cells.failed, count(backend.failures));
    setAttr(this.cells.failed, "data-some", String(backend.failures > 0));
    setText(this.cells.weight, String(backend.weight));
  }
}
