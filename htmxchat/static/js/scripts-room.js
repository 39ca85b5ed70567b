/** The room of the scripts as this page shows it: what a running script has done so far, and how many wait. */

import { grow } from "./following.js";

/** Characters of output that a running script's card shows; all of it is there once the script has run. */
const SHOWN = 50_000;
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.?)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/gs;

/** @typedef {{stdout: string, stderr: string, note: string, part: number | undefined, began: number}} Progress */

/** @param {string} id That of a script. @returns {HTMLElement | null} */
export function cardOf(id) {
  return document.getElementById(`script-${id}`);
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
  for (const place of [card, document.getElementById(`proposal-${id}`)]) {
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
