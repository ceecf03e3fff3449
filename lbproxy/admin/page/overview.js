// All services with their charts and backends; backends that are not active come first.

import { make, setAttr, setChildren, setText } from "./dom.js";
import { Charts, SMALL } from "./charts.js";
import { Rows, sorted } from "./rows.js";
import { Toolbar, choice, isShown } from "./toolbar.js";
import { Events } from "./events.js";
import { bytes, count, plural, rate } from "./text.js";

const MOST_ROWS = 12; // rows on the card of a service; its own page shows all
const LATEST = 12;

export class Overview {
  #cards = new Map();

  constructor() {
    this.tiles = Object.fromEntries(["services", "backends", "connections", "new", "bytes", "rejected"].map(
      (name) => [name, { value: make("span.value"), note: make("span.note") }]));
    const captions = { services: "services", backends: "active backends", connections: "open connections",
                       new: "new connections", bytes: "bytes", rejected: "rejected" };
    this.toolbar = new Toolbar(() => this.draw(this.store));
    this.cards = make("div.cards");
    this.none = make("p.empty", { hidden: true });
    this.events = new Events("Latest events");
    this.element = make("div", {},
      make("section.tiles", { "aria-label": "Totals" }, ...Object.entries(this.tiles).map(([name, { value, note }]) =>
        make("div.tile", { "data-tile": name }, make("span.caption", {}, captions[name]), value, note))),
      this.toolbar.element, this.none, this.cards,
      make("section.card.latest", {}, make("h2", {}, make("a", { href: "#/events" }, "Latest events")), this.events.element));
  }

  get title() {
    return "Services";
  }

  draw(store) {
    this.store = store;
    this.#sum(store);
    const shown = [...store.services.values()].map((service) =>
      [service, sorted([...service.backends.values()].filter(isShown), choice.order)])
      .filter(([service, backends]) => backends.length || (!service.backends.size && isShown({ service: service.name,
        address: "", state: "", reason: "" })));
    const kept = new Map();
    for (const [service, backends] of shown) {
      const card = this.#cards.get(service.name) ?? new Card(service);
      card.draw(service, backends, store.now());
      kept.set(service.name, card);
    }
    this.#cards = kept;
    setChildren(this.cards, [...kept.values()].map((card) => card.element));
    this.none.hidden = shown.length > 0;
    setText(this.none, store.services.size ? "Nothing matches the filter." : "There are no services yet.");
    this.events.draw(store.events.slice(0, LATEST));
  }

  #sum(store) {
    const sums = { new: 0, bytes: 0, rejected: 0, active: 0 };
    const states = { active: 0, draining: 0, down: 0, removed: 0 };
    let rejected = 0;
    for (const service of store.services.values()) {
      sums.new += service.latest.accepted;
      sums.bytes += service.latest.received + service.latest.sent;
      sums.rejected += service.latest.rejected;
      sums.active += service.active;
      rejected += total(service.head.rejected);
      for (const [state, number] of Object.entries(service.states())) states[state] += number;
    }
    this.#tile("services", count(store.services.size), "");
    this.#tile("backends", count(states.active), others(states), states.down ? "bad" : states.draining ? "warn" : "good");
    this.#tile("connections", count(sums.active), "");
    this.#tile("new", `${rate(sums.new)}/s`, "");
    this.#tile("bytes", `${bytes(sums.bytes)}/s`, "");
    this.#tile("rejected", `${rate(sums.rejected)}/s`, rejected ? `${count(rejected)} in total` : "none so far",
               sums.rejected ? "bad" : "");
  }

  #tile(name, value, note, tone = "") {
    setText(this.tiles[name].value, value);
    setText(this.tiles[name].note, note);
    setAttr(this.tiles[name].value, "data-tone", tone);
  }
}

class Card {
  constructor(service) {
    const link = `#/service/${encodeURIComponent(service.name)}`;
    this.states = make("span.states");
    this.facts = make("span.facts");
    this.reasons = make("p.reasons", { hidden: true });
    this.charts = new Charts(SMALL, "small");
    this.rows = new Rows(`Backends of ${service.name}`);
    this.more = make("a.more", { href: link, hidden: true });
    this.element = make("section.card", { "aria-label": service.name },
      make("div.title", {}, make("h2", {}, make("a", { href: link }, service.name)), this.facts, this.states),
      this.charts.element, this.reasons, this.rows.element, this.more);
  }

  draw(service, backends, now) {
    setText(this.facts, facts(service));
    showStates(this.states, service.states());
    setText(this.reasons, reasons(service));
    this.reasons.hidden = !this.reasons.textContent;
    this.charts.draw(service, now);
    const most = Math.max(1, ...backends.map((backend) => backend.active));
    this.rows.draw(backends.slice(0, MOST_ROWS), now, most);
    this.more.hidden = backends.length <= MOST_ROWS;
    setText(this.more, `all ${plural(backends.length, "backend")} →`);
  }
}

/** The listen addresses, the scheduler and the limits of a service. */
export function facts(service) {
  const { listens = [], scheduler, max_conns: limit, queued } = service.head;
  return [listens.join(", ") || "not listening", scheduler, limit ? `at most ${count(limit)} connections per backend` : "",
          queued ? `${count(queued)} waiting` : ""].filter(Boolean).join(" · ");
}

/** Show how many backends are in each state. */
export function showStates(element, states) {
  const wanted = Object.entries(states).filter(([, number]) => number);
  if (element.childElementCount !== wanted.length) {
    element.replaceChildren(...wanted.map(() => make("span.pill")));
  }
  wanted.forEach(([state, number], place) => {
    setAttr(element.children[place], "data-state", state);
    setText(element.children[place], `${count(number)} ${state}`);
  });
}

/** The reasons of rejected clients and failed connects, with counts; empty if there are none. */
function reasons(service) {
  const parts = [["rejected", service.head.rejected], ["failed connects", service.head.failures]]
    .filter(([, counts]) => total(counts))
    .map(([what, counts]) => `${what}: ${listed(counts)}`);
  return parts.join("   ");
}

function listed(counts) {
  return Object.entries(counts).map(([why, number]) => `${count(number)} ${why.replaceAll("_", " ")}`).join(", ");
}

function total(counts = {}) {
  return Object.values(counts).reduce((sum, number) => sum + number, 0);
}

function others(states) {
  const words = ["down", "draining", "removed"].filter((state) => states[state]).map((state) => `${count(states[state])} ${state}`);
  return words.join(", ") || "all active";
}
