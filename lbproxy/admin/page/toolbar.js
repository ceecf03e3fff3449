// The filter and the sort order of backends. They stay the same when the view changes.

import { make } from "./dom.js";
import { ORDERS } from "./rows.js";

export const STATES = ["active", "draining", "down", "removed"];

/** The choice, shared by all views. */
export const choice = { words: "", states: new Set(), order: "state" };

/** Whether a backend passes the filter: its text has every word, and its state is chosen. */
export function isShown(backend) {
  if (choice.states.size && !choice.states.has(backend.state)) return false;
  const text = `${backend.service} ${backend.address} ${backend.state} ${backend.reason}`.toLowerCase();
  return choice.words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export class Toolbar {
  constructor(onChange) {
    this.search = make("input.search", {
      type: "search", placeholder: "Filter by service, address, state or reason", "aria-label": "Filter", value: choice.words,
      spellcheck: "false", autocomplete: "off",
      input: () => { choice.words = this.search.value; onChange(); },
    });
    this.chips = STATES.map((state) => make("button.chip", {
      type: "button", "data-state": state, "aria-pressed": String(choice.states.has(state)),
      click: (event) => { toggle(state); event.currentTarget.setAttribute("aria-pressed", String(choice.states.has(state))); onChange(); },
    }, state));
    const options = Object.entries(ORDERS).map(([name, { text }]) =>
      make("option", { value: name, selected: name === choice.order }, text));
    this.order = make("select", { "aria-label": "Sort by", change: () => { choice.order = this.order.value; onChange(); } },
                      ...options);
    this.element = make("div.toolbar", { role: "search" }, this.search, make("span.chips", {}, ...this.chips),
                        make("label.order", {}, "sort by ", this.order));
  }
}

function toggle(state) {
  if (!choice.states.delete(state)) choice.states.add(state);
}
