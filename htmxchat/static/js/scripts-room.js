/** The room of the scripts as this page shows it: brought up to date card by card, and filled while a script runs. */

import { grow } from "./following.js";
import { localise } from "./page.js";

/** Characters of output that a running script's card shows; all of it is there once the script has run. */
const SHOWN = 50_000;
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.?)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/gs;

/** What a run waits for while it depends on a script. @type {(string | undefined)[]} */
const SCRIPTED = ["approval", "approved", "script"];

/** @typedef {{stdout: string, stderr: string, note: string, part: number | undefined, began: number}} Progress */

/** @param {string} id @returns {HTMLElement | null} */
export function cardOf(id) {
  return document.getElementById(id);
}

/**
 * Bring the room up to date. A card that did not change stays as it is, with what is unfolded, selected or written in it.
 * @param {HTMLElement} room @param {HTMLElement} fresh
 */
export function bring(room, fresh) {
  const [body, news] = [room.querySelector(".room-body"), fresh.querySelector(".room-body")];
  if (!body || !news) return;
  news.querySelectorAll("noscript").forEach((each) => each.remove());
  count(room.querySelector(".room-head"), fresh.querySelector("#scripts-waiting"));
  if (outline(body, true) === outline(news, false)) return;
  const active = /** @type {HTMLElement | null} */ (document.activeElement);
  const card = active && body.contains(active) ? (active.closest("article.script")?.id ?? "") : undefined;
  for (const each of news.querySelectorAll("article.script, #scripts-error, .trust")) {
    const shown = each.id ? document.getElementById(each.id) : body.querySelector(".trust");
    if (shown && body.contains(shown) && stays(shown, each)) each.replaceWith(shown);
  }
  const { scrollTop } = body;
  body.replaceChildren(...news.childNodes);
  body.scrollTop = scrollTop;
  htmx.process(body);
  localise(body);
  if (card === undefined || active === null) return;
  const home = active.isConnected ? active : document.getElementById(card) ?? /** @type {HTMLElement} */ (body.querySelector("article.script") ?? body);
  home.focus({ preventScroll: true });
}

/**
 * Say in the other rooms what the queue says: in the scripts of the answers, and of a run that waits for one. One that does
 * not wait for it any more, on this page, is left alone: its own stream is ahead.
 * @param {HTMLElement | null} news
 */
export function tell(news) {
  const told = /** @type {HTMLElement[]} */ ([...(news?.querySelectorAll("[id]") ?? [])]);
  for (const fresh of told) {
    const shown = document.getElementById(fresh.id);
    if (shown && fresh.localName === "chat-proposal") box(shown, fresh);
    else if (shown && SCRIPTED.includes(shown.dataset.waiting) && fresh.dataset.waiting) {
      Object.assign(shown.dataset, { state: fresh.dataset.state, waiting: fresh.dataset.waiting });
      if (fresh.textContent && shown.textContent !== fresh.textContent) shown.textContent = fresh.textContent;
    }
  }
}

/** Bring a script in an answer up to date, and never back. @param {HTMLElement} shown @param {HTMLElement} fresh */
function box(shown, fresh) {
  const { state, revision } = fresh.dataset;
  if (Number(revision) <= Number(shown.dataset.revision ?? -1)) return;
  if (shown.dataset.state === state && state === "running") {
    shown.dataset.revision = revision; // its page is still there, and says how far it is
    return;
  }
  const focused = shown.contains(document.activeElement);
  // Only the answer knows what its run waits for, and only its reader what is unfolded.
  const awaited = shown.hasAttribute("data-awaited");
  fresh.toggleAttribute("data-awaited", awaited);
  fresh.querySelector("details")?.toggleAttribute("open", shown.querySelector("details")?.open ?? awaited);
  shown.replaceWith(fresh);
  if (focused) fresh.querySelector("a")?.focus({ preventScroll: true });
}

/** @param {Element} shown @param {Element} fresh */
function stays(shown, fresh) {
  if (!shown.matches("article.script")) return true;
  // What is being edited stays until the reader is done with it.
  return shown.querySelector("form.edit") !== null || revision(shown) === revision(fresh);
}

/** @param {Element} card */
function revision(card) {
  return `${card.getAttribute("data-revision")} ${card.getAttribute("data-state")} ${card.hasAttribute("data-next")}`;
}

/**
 * All that can differ between two renderings of the room. A card that is being edited is what it is.
 * @param {Element} body @param {boolean} shown
 */
function outline(body, shown) {
  const parts = [...body.querySelectorAll("article.script, .approve-all, .finished-head, .nothing, .trust")];
  return parts.map((part) => part.id + (part.matches("article") ? edited(part, shown) || revision(part) : part.className)).join();
}

/** @param {Element} card @param {boolean} shown */
function edited(card, shown) {
  const place = shown ? card : document.getElementById(card.id);
  return place?.querySelector("form.edit") ? "edited" : "";
}

/** @param {Element | null} head @param {Element | null} fresh */
function count(head, fresh) {
  const shown = head?.querySelector("#scripts-waiting");
  if (shown && fresh) shown.textContent = fresh.textContent;
  else if (fresh) head?.querySelector("h2")?.after(fresh);
  else shown?.remove();
}

/** Say how many scripts wait where the room is opened. @param {number} waiting */
export function badge(waiting) {
  for (const link of document.querySelectorAll(":is(.opener, .tabs a)[data-room=scripts]")) {
    const shown = link.querySelector(".badge") ?? document.createElement("span");
    shown.className = "badge num";
    const words = document.createElement("span");
    words.className = "hidden";
    words.textContent = waiting === 1 ? " needs your approval" : " need your approval";
    shown.replaceChildren(String(waiting), words);
    if (waiting) link.append(shown);
    else shown.remove();
  }
}

/** Show what a running script has done so far. @param {string} id @param {Progress} progress */
export function draw(id, progress) {
  const card = cardOf(id);
  const output = card?.querySelector(".script-output");
  if (card && output && card.dataset.state === "running") {
    bar(output, progress);
    for (const stream of /** @type {const} */ (["stdout", "stderr"])) {
      if (progress[stream]) write(output, stream, progress[stream]);
    }
  }
  const words = progress.began ? `Running ${((performance.now() - progress.began) / 1_000).toFixed(1)} s` : progress.note;
  for (const place of [card, cardOf(id.replace("script-", "proposal-"))]) {
    const state = place?.dataset.state === "running" ? place.querySelector(".state") : null;
    if (state) state.textContent = words;
  }
}

/** @param {Element} output @param {Progress} progress */
function bar(output, { note, part, began }) {
  const shown = output.querySelector("progress");
  if (began || part === undefined) {
    if (began) output.querySelectorAll(".loading").forEach((each) => each.remove());
    return;
  }
  const meter = shown ?? document.createElement("progress");
  meter.value = part;
  meter.setAttribute("aria-label", note);
  if (!shown) entry(output, "python", "loading").append(meter);
}

/** @param {Element} output @param {string} name @param {string} [kind] @returns {HTMLElement} */
function entry(output, name, kind = "") {
  const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
  term.textContent = name;
  if (kind) term.className = detail.className = kind;
  output.append(term, detail);
  return detail;
}

/** Add what is new, as text and nothing else. @param {Element} output @param {string} stream @param {string} text */
function write(output, stream, text) {
  let box = /** @type {HTMLElement | null} */ (output.querySelector(`pre[data-stream=${stream}]`));
  if (!box) {
    box = document.createElement("pre");
    box.dataset.stream = stream;
    box.tabIndex = 0;
    box.setAttribute("aria-label", stream);
    entry(output, stream).append(box);
  }
  const length = Number(box.dataset.length ?? 0);
  if (length >= SHOWN || length >= text.length) return;
  grow(box, () => box.append(text.slice(length, SHOWN).replaceAll(ESCAPES, "")));
  box.dataset.length = String(Math.min(text.length, SHOWN));
}
