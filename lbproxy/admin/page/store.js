// The state of lbproxy, from the stream: first as a whole, then with what changes each second.

export const EVENTS_KEPT = 1000;
export const WINDOW = 300_000; // milliseconds that the charts span

export class Store {
  constructor() {
    this.time = 0;
    this.program = null;
    this.services = new Map();
    this.events = []; // latest first
    this.skew = 0; // milliseconds that lbproxy's clock is ahead of this one
  }

  /** Take the whole state (message `state`). */
  replace(state) {
    this.columns = state.columns;
    this.fields = state.fields;
    this.services = new Map();
    this.events = [];
    this.program = state.program;
    this.#tick(state.time);
    for (const [name, told] of Object.entries(state.services)) {
      const service = this.#service(name, told);
      service.points = told.curve.map((values) => this.#point(values));
    }
    this.#remember(state.events);
  }

  /** Take what has changed (message `change`). */
  change(news) {
    this.#tick(news.time);
    if (news.program) this.program = news.program;
    for (const service of this.services.values()) service.resetRates();
    for (const [name, told] of Object.entries(news.services)) {
      const service = this.#service(name, told, news.seconds);
      for (const address of told.gone ?? []) service.backends.delete(address);
      if (told.point) service.points.push(this.#point(told.point));
    }
    for (const name of news.gone) this.services.delete(name);
    for (const service of this.services.values()) service.advance(this.time);
    this.#remember(news.events);
  }

  /** Now, on lbproxy's clock, in milliseconds. */
  now() {
    return Date.now() + this.skew;
  }

  *backends() {
    for (const service of this.services.values()) yield* service.backends.values();
  }

  #tick(time) {
    this.time = time;
    this.skew = time - Date.now();
  }

  #service(name, told, seconds) {
    let service = this.services.get(name);
    if (!service) this.services.set(name, (service = new Service(name)));
    if (told.head) service.head = told.head;
    for (const values of told.rows ?? []) service.take(this.#row(values), seconds);
    return service;
  }

  #row(values) {
    return Object.fromEntries(this.columns.map((name, place) => [name, values[place]]));
  }

  #point(values) {
    return Object.fromEntries(this.fields.map((name, place) => [name, values[place]]));
  }

  #remember(events) {
    this.events = [...events.toReversed(), ...this.events].slice(0, EVENTS_KEPT);
  }
}

class Service {
  #busy = new Set(); // addresses of backends whose rates are not 0

  constructor(name) {
    this.name = name;
    this.head = {};
    this.backends = new Map();
    this.points = [];
  }

  get latest() {
    return this.points.at(-1) ?? { accepted: 0, received: 0, sent: 0, retries: 0, rejected: 0, median: null, slow: null };
  }

  get active() {
    let sum = 0;
    for (const backend of this.backends.values()) sum += backend.active;
    return sum;
  }

  /** The latest connect times of the last 30 points; null without a connect. */
  get connectTimes() {
    return this.points.slice(-30).findLast((point) => point.median !== null) ?? { median: null, slow: null };
  }

  /** The number of backends in each state. */
  states() {
    const states = { active: 0, draining: 0, down: 0, removed: 0 };
    for (const backend of this.backends.values()) states[backend.state] += 1;
    return states;
  }

  take(row, seconds) {
    const old = this.backends.get(row.address);
    const grown = (name) => (old && seconds ? Math.max(0, row[name] - old[name]) / seconds : 0);
    const backend = { ...row, service: this.name, perSecond: grown("connections"),
                      bytesPerSecond: grown("received") + grown("sent") };
    this.backends.set(row.address, backend);
    if (backend.perSecond || backend.bytesPerSecond) this.#busy.add(row.address);
  }

  /** Set all rates to 0. A change follows with the backends whose counts grew. */
  resetRates() {
    for (const address of this.#busy) {
      const backend = this.backends.get(address);
      if (backend) backend.perSecond = backend.bytesPerSecond = 0;
    }
    this.#busy.clear();
  }

  /** Add a point of zeros if none came: quiet seconds are not sent. */
  advance(time) {
    if (this.points.at(-1)?.time !== time) {
      this.points.push({ time, accepted: 0, received: 0, sent: 0, retries: 0, rejected: 0, median: null, slow: null,
                         active: this.active });
    }
    while (this.points.length && this.points[0].time < time - WINDOW) this.points.shift();
  }
}
