// The charts of a service, small on its card and large on its page.

import { make } from "./dom.js";
import { Curve } from "./curve.js";
import { bytes, count, rate, took } from "./text.js";

const perSecond = (value) => `${rate(value)}/s`;
const bytesPerSecond = (value) => `${bytes(value)}/s`;

const CONNECTIONS = {
  title: "new connections", format: perSecond, lines: [{ field: "accepted" }],
  text: (service) => perSecond(service.latest.accepted),
};
const BYTES = {
  title: "bytes", format: bytesPerSecond,
  lines: [{ field: "sent", name: "to clients" }, { field: "received", name: "to backends", style: "second" }],
  scope: " one way", // the lines are one direction each, the value is both
  text: (service) => bytesPerSecond(service.latest.sent + service.latest.received),
};
const CONNECT = {
  title: "connect time", format: took,
  lines: [{ field: "median", name: "50 %" }, { field: "slow", name: "99 %", style: "second" }],
  text: ({ connectTimes: { median, slow } }) => (median === null ? "–" : `${took(median)}, 99 % ${took(slow)}`),
};
const ACTIVE = {
  title: "open connections", format: count, lines: [{ field: "active" }], text: (service) => count(service.active),
};
const UNSERVED = {
  title: "rejected, retried", format: perSecond,
  lines: [{ field: "rejected", name: "rejected", style: "bad" }, { field: "retries", name: "retried", style: "warn" }],
  text: (service) => `${perSecond(service.latest.rejected)}, ${perSecond(service.latest.retries)}`,
};

export const SMALL = [CONNECTIONS, BYTES, CONNECT];
export const LARGE = [ACTIVE, CONNECTIONS, BYTES, CONNECT, UNSERVED];

export class Charts {
  constructor(kinds, style) {
    this.curves = kinds.map((kind) => ({ kind, curve: new Curve(kind.title, kind.lines, kind.format, kind.scope) }));
    this.element = make(`div.curves.${style}`, {}, ...this.curves.map(({ curve }) => curve.element));
  }

  draw(service, now) {
    for (const { kind, curve } of this.curves) curve.draw(service.points, now, kind.text(service));
  }
}
