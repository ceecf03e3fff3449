// Why one backend gets connections or none: the chain of causes of /explain, asked for every INTERVAL.

import { make, setAttr, setText } from "./dom.js";
import { reason } from "./rows.js";
import { bytes, count, duration, rate } from "./text.js";

const INTERVAL = 2000; // milliseconds between two questions

export class Explanation {
  #timer = null;
  #answer = new AbortController();

  constructor(service, address) {
    this.service = service;
    this.address = address;
    this.pill = make("span.pill");
    this.why = make("span.why");
    this.numbers = make("p.numbers");
    this.causes = make("ol.causes");
    this.scores = make("p.scores");
    this.error = make("p.note", { role: "status" });
    const command = `lbproxy drain ${address} --service ${service} --for 10m`;
    this.element = make("section.card.explanation", { "aria-label": `Why ${address}` },
      make("div.title", {}, make("h2", {}, address), this.pill, this.why,
           make("a.close", { href: `#/service/${encodeURIComponent(service)}`, "aria-label": "Close" }, "×")),
      this.numbers, this.causes, this.scores, this.error,
      make("p.command", {}, "to drain it: ", make("code", {}, command)));
    this.#ask();
  }

  close() {
    clearTimeout(this.#timer);
    this.#answer.abort();
  }

  /** Show the backend's row of the stream. The causes come from /explain. */
  draw(backend, now) {
    if (!backend) return;
    setAttr(this.pill, "data-state", backend.state);
    setText(this.pill, backend.state);
    setText(this.why, reason(backend, now));
    setText(this.numbers, [`${count(backend.active)} open`, `${rate(backend.perSecond)}/s new`, `${bytes(backend.bytesPerSecond)}/s`,
      `${count(backend.connections)} in total`, `${count(backend.retries)} retried on others`,
      `${count(backend.failures)} failed connects`, backend.since === null ? "" : `in this state for ${duration((now - backend.since) / 1000)}`,
    ].filter(Boolean).join(" · "));
  }

  async #ask() {
    const query = new URLSearchParams({ service: this.service, backend: this.address });
    try {
      const answer = await fetch(`/explain?${query}`, { signal: this.#answer.signal });
      if (answer.ok) this.#show((await answer.json()).services[0].backends[0]);
      setText(this.error, answer.ok ? "" : await answer.text());
    } catch {
      if (this.#answer.signal.aborted) return;
      setText(this.error, "lbproxy does not answer");
    }
    if (!this.#answer.signal.aborted) this.#timer = setTimeout(() => this.#ask(), INTERVAL);
  }

  #show(backend) {
    backend.causes.forEach((cause, place) => {
      const item = this.causes.children[place] ?? this.causes.appendChild(make("li", {}, make("span.about"), make("span.says")));
      setAttr(item, "data-decisive", String(cause.is_decisive));
      setText(item.firstChild, cause.about);
      setText(item.lastChild, cause.says);
    });
    while (this.causes.children.length > backend.causes.length) this.causes.lastChild.remove();
    setText(this.scores, backend.scores.map((one) => `worker ${one.worker}: ${one.score === null ? "can't be chosen" : `score ${short(one.score)}`}` +
      `${one.is_full ? ", full" : ""}${one.is_next ? ", next" : ""}`).join(" · "));
  }
}

function short(score) {
  return Number.isInteger(score) ? String(score) : score.toFixed(3);
}
