// The event log: the last thousand events, latest first.

import { make, setChildren } from "./dom.js";
import { clock, plural } from "./text.js";

const KINDS = ["backend", "ejection", "checks", "order", "configuration", "worker", "kubernetes", "dataplane", "program"];

/** A list of events; each is made once. */
export class Events {
  #items = new Map();

  constructor(label) {
    this.element = make("ol.events", { "aria-label": label });
  }

  draw(events) {
    const kept = new Map(events.map((event) => [event.number, this.#items.get(event.number) ?? item(event)]));
    this.#items = kept;
    setChildren(this.element, [...kept.values()]);
  }
}

export class EventsView {
  #chosen = new Set();
  #words = "";

  constructor() {
    this.events = new Events("Events");
    this.search = make("input.search", {
      type: "search", placeholder: "Filter events", "aria-label": "Filter events", autocomplete: "off", spellcheck: "false",
      input: () => { this.#words = this.search.value.toLowerCase(); this.draw(this.store); },
    });
    const chips = KINDS.map((kind) => make("button.chip", {
      type: "button", "aria-pressed": "false", click: (event) => this.#toggle(kind, event.currentTarget),
    }, kind));
    this.note = make("p.note", { role: "status" });
    this.element = make("section.event-log", {}, make("h1", {}, "Event log"),
                        make("div.toolbar", { role: "search" }, this.search, make("span.chips", {}, ...chips)),
                        this.note, this.events.element);
  }

  get title() {
    return "Event log";
  }

  draw(store) {
    this.store = store;
    const shown = store.events.filter((event) => this.#isShown(event));
    this.note.textContent = shown.length === store.events.length
      ? plural(shown.length, "event") : `${shown.length} of ${plural(store.events.length, "event")}`;
    this.events.draw(shown);
  }

  #toggle(kind, chip) {
    if (!this.#chosen.delete(kind)) this.#chosen.add(kind);
    chip.setAttribute("aria-pressed", String(this.#chosen.has(kind)));
    this.draw(this.store);
  }

  #isShown(event) {
    if (this.#chosen.size && !this.#chosen.has(event.kind)) return false;
    const text = `${event.text} ${event.service ?? ""} ${event.backend ?? ""} ${event.state ?? ""} ${event.reason ?? ""}`;
    return this.#words.split(/\s+/).every((word) => text.toLowerCase().includes(word));
  }
}

function item(event) {
  return make("li.event", { "data-level": event.level },
    make("time", { datetime: event.time }, clock(event.time)),
    make("span.kind", { "data-kind": event.kind }, event.kind),
    make("span.what", {}, ...what(event)));
}

function what(event) {
  if (event.kind !== "backend" || !event.state) return [...subject(event), make("span.text", {}, event.text)];
  const before = event.before && event.before !== "unknown"
    ? [make("span.pill.before", { "data-state": event.before }, event.before), make("span.arrow", {}, "→")] : [];
  return [...subject(event), ...before, make("span.pill", { "data-state": event.state }, event.state),
          make("span.text", {}, event.reason ?? "")];
}

function subject(event) {
  if (!event.service) return [];
  const service = `#/service/${encodeURIComponent(event.service)}`;
  const name = make("a", { href: service }, event.service);
  return event.backend ? [name, make("a.address", { href: `${service}/${encodeURIComponent(event.backend)}` }, event.backend)] : [name];
}
