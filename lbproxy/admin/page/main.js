// Follows lbproxy's stream and shows the view that the URL's fragment names: #/, #/events, #/service/NAME[/BACKEND].

import { setAttr, setText } from "./dom.js";
import { Overview } from "./overview.js";
import { ServiceView } from "./service.js";
import { Store } from "./store.js";
import { EventsView } from "./events.js";
import { duration } from "./text.js";

const HIDDEN_FOR = 30_000; // milliseconds in the background after which the page closes its stream

const store = new Store();
const main = document.getElementById("main");
const banner = document.getElementById("banner");
let view = null;
let stream = null;
let hiding = null;
let isDrawing = false;
let isLive = false; // else what is shown is only the last that lbproxy said: it may have ended

function follow() {
  stream = new EventSource("/stream");
  stream.addEventListener("open", () => showLive("live"));
  stream.addEventListener("error", () => showLive("reconnecting"));
  stream.addEventListener("state", (event) => { store.replace(JSON.parse(event.data)); draw(); });
  stream.addEventListener("change", (event) => { store.change(JSON.parse(event.data)); draw(); });
}

function showLive(state) {
  const element = document.getElementById("live");
  setAttr(element, "data-live", state);
  setText(element, state === "live" ? "live" : "reconnecting…");
  document.body.classList.toggle("stale", state !== "live");
  isLive = state === "live";
  if (store.program) showProgram();
}

function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    showProgram();
    if (!view) route();
    view.draw(store);
    main.dataset.time = store.time;
  });
}

function showProgram() {
  const program = store.program;
  const standing = document.getElementById("standing");
  const troubles = [program.not_ready && `Not ready: ${program.not_ready}`, program.not_healthy && `Not healthy: ${program.not_healthy}`,
                    program.trouble && `Not applied: ${program.trouble}`,
                    program.configuration_refused && `Configuration refused: ${program.configuration_refused}`].filter(Boolean);
  const ready = !isLive ? "unknown" : program.not_ready ? "false" : troubles.length ? "troubled" : "true";
  setAttr(standing, "data-ready", ready);
  setText(standing, { unknown: "no answer", false: "not ready", troubled: "ready, with trouble", true: "ready" }[ready]);
  const workers = program.workers.length ? ` · ${program.workers.filter(([, pid]) => pid !== null).length}/${program.workers.length} workers` : "";
  const restarts = program.restarts ? ` · ${program.restarts} restarts` : "";
  const state = isLive ? ` · up ${duration((store.now() - program.started) / 1000)}${workers}${restarts}` : "";
  setText(document.getElementById("program"), `${program.dataplane} · ${program.version}${state}`);
  if (!isLive) troubles.unshift("lbproxy does not answer; what is shown is the last that it said.");
  setText(banner, troubles.join("   "));
  banner.hidden = !troubles.length;
}

function route() {
  const [, kind, ...parts] = location.hash.split("/");
  const words = parts.map(decoded);
  view?.close?.();
  view = kind === "service" && words[0] ? new ServiceView(words[0], words[1]) : kind === "events" ? new EventsView() : new Overview();
  main.replaceChildren(view.element);
  document.title = `${view.title} · lbproxy`;
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.dataset.view === (view instanceof EventsView ? "events" : "overview");
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
}

function decoded(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

function onKey(event) {
  const isTyping = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") leave(event.target, isTyping);
  else if (isTyping) return;
  else if (event.key === "/") document.querySelector(".search")?.focus();
  else if (event.key === "s") location.hash = "#/";
  else if (event.key === "e") location.hash = "#/events";
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!move(event.key === "ArrowDown" ? 1 : -1)) return;
  } else return;
  event.preventDefault();
}

function leave(target, isTyping) {
  if (isTyping && target.value) {
    target.value = "";
    target.dispatchEvent(new Event("input"));
  } else if (isTyping) target.blur();
  else if (location.hash.startsWith("#/service/")) location.hash = location.hash.split("/").slice(0, -1).join("/").replace(/^#\/service$/, "#/");
  else location.hash = "#/";
}

/** Move the focus by `step` backends; from anything else, to the first backend. */
function move(step) {
  const links = [...main.querySelectorAll(".backends a.address")];
  const here = links.indexOf(document.activeElement);
  const next = links[here < 0 ? 0 : here + step];
  next?.focus();
  return Boolean(next);
}

function onVisibility() {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => { stream.close(); stream = null; }, HIDDEN_FOR);
  else if (!stream) follow();
}

addEventListener("hashchange", () => { if (store.program) { route(); draw(); } });
addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", onVisibility);
follow();
