// One service: its charts, the reasons of rejected clients and ended connections, all backends, and its events.

import { make, setText } from "./dom.js";
import { Charts, LARGE } from "./charts.js";
import { Explanation } from "./explain.js";
import { facts, showStates } from "./overview.js";
import { Rows, sorted } from "./rows.js";
import { Toolbar, choice, isShown } from "./toolbar.js";
import { Events } from "./events.js";
import { count, plural } from "./text.js";

const TALLIES = { rejected: "clients rejected", failures: "failed connects", closed: "connections ended" };
const EVENTS = 200;
const REST = 2000; // milliseconds between two sorts: rows that jump each second can't be read or clicked

export class ServiceView {
  #sortedAt = 0;
  #order = [];

  constructor(name, address) {
    this.name = name;
    this.explanation = address ? new Explanation(name, address) : null;
    this.facts = make("span.facts");
    this.states = make("span.states");
    this.charts = new Charts(LARGE, "large");
    this.tallies = Object.fromEntries(Object.keys(TALLIES).map((key) => [key, make("dl")]));
    this.rows = new Rows(`Backends of ${name}`);
    this.toolbar = new Toolbar(() => { this.#sortedAt = 0; this.draw(this.store); });
    this.note = make("p.note", { role: "status" });
    this.events = new Events(`Events of ${name}`);
    this.gone = make("p.empty", { hidden: true }, "There is no service with this name.");
    this.content = make("div", {}, this.charts.element,
      make("div.tallies", {}, ...Object.entries(TALLIES).map(([key, title]) =>
        make("section.card", {}, make("h2", {}, title), this.tallies[key]))),
      make("section.card", {}, make("h2", {}, "Backends"), this.toolbar.element, this.note, this.rows.element),
      make("section.card", {}, make("h2", {}, "Events"), this.events.element));
    this.element = make("article.service", {},
      make("div.title", {}, make("h1", {}, make("a", { href: `#/service/${encodeURIComponent(name)}` }, name)), this.facts, this.states),
      this.gone, this.explanation?.element ?? null, this.content);
  }

  get title() {
    return this.explanation ? `${this.explanation.address} · ${this.name}` : this.name;
  }

  close() {
    this.explanation?.close();
  }

  draw(store) {
    this.store = store;
    const service = store.services.get(this.name);
    this.gone.hidden = Boolean(service);
    this.content.hidden = !service;
    if (!service) return;
    setText(this.facts, facts(service));
    showStates(this.states, service.states());
    this.charts.draw(service, store.now());
    for (const [key, list] of Object.entries(this.tallies)) tally(list, service.head[key] ?? {});
    this.#backends(service, store.now());
    this.events.draw(store.events.filter((event) => event.service === this.name).slice(0, EVENTS));
    this.explanation?.draw(service.backends.get(this.explanation.address), store.now());
  }

  #backends(service, now) {
    const all = [...service.backends.values()];
    if (now - this.#sortedAt > REST) {
      this.#order = sorted(all.filter(isShown), choice.order).map((backend) => backend.address);
      this.#sortedAt = now;
    }
    const shown = this.#order.map((address) => service.backends.get(address)).filter(Boolean);
    this.rows.draw(shown, now, Math.max(1, ...all.map((backend) => backend.active)));
    setText(this.note, shown.length === all.length ? plural(all.length, "backend") : `${count(shown.length)} of ${plural(all.length, "backend")}`);
  }
}

function tally(list, counts) {
  const entries = Object.entries(counts).sort(([, one], [, other]) => other - one);
  const text = JSON.stringify(entries);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...entries.flatMap(([why, number]) => [make("dt", {}, why.replaceAll("_", " ")), make("dd", {}, count(number))]),
                       ...(entries.length ? [] : [make("dt.none", {}, "none")]));
}
