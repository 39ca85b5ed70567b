/** What is on its way to the server: a message stands at the end of the turns until the real one takes its place. */

import { announce, notify } from "./page.js";

/** Milliseconds after which a screen reader is told that something is still being sent. */
const SLOW = 500;
const SENDING = "#turns > [data-sending]";

/** Whether a message is on its way. */
export function isSending() {
  return document.querySelector(SENDING) !== null;
}

/** Begin to watch what is sent. */
export function showSending() {
  /** @param {string} type @param {(ctx: HtmxContext) => void} listener */
  const on = (type, listener) =>
    document.addEventListener(type, (event) => listener(/** @type {CustomEvent<{ctx: HtmxContext}>} */ (event).detail.ctx));
  /** @type {Map<HtmxContext, () => void>} */
  const shown = new Map();
  on("htmx:before:request", (ctx) => {
    if (ctx.request?.method !== "POST" || !ctx.sourceElement?.closest("#conversation")) return;
    const form = ctx.sourceElement;
    const text = form.matches("#composer, .empty form") ? (ctx.request.body?.get("text") ?? "") : "";
    const files = form.matches("#composer") && ctx.request.body?.has("file") ? [...form.querySelectorAll("#composer-files > *")] : [];
    const sends = text || files.length;
    const undo = sends ? message(text, files) : press(ctx.request.submitter);
    const timer = setTimeout(announce, SLOW, sends ? "Sending your message." : "Sending.");
    shown.set(ctx, () => {
      clearTimeout(timer);
      undo();
    });
  });
  /** @param {HtmxContext} ctx */
  const end = (ctx) => {
    shown.get(ctx)?.();
    shown.delete(ctx);
  };
  on("htmx:before:swap", end);
  on("htmx:finally:request", end);
}

/** Show a message as it will stand. @param {string} text @param {Element[]} files Their tiles in the composer. */
function message(text, files) {
  const turns = /** @type {HTMLElement | null} */ (document.getElementById("turns"));
  const empty = /** @type {HTMLElement | null} */ (document.querySelector("#conversation .empty"));
  const turn = document.createElement("article");
  turn.className = "turn";
  turn.dataset.role = "user";
  turn.innerHTML = '<h2 class="hidden">You, not sent yet</h2><div class="turn-body" dir="auto"></div>';
  turn.querySelector(".turn-body")?.append(text);
  if (files.length) turn.append(tiles(files));
  const stage = document.createElement("p");
  stage.className = "stage";
  stage.innerHTML = '<span class="state" data-state="queued">Sending</span>';
  for (const each of [turn, stage]) each.dataset.sending = "";
  turns?.append(turn, stage);
  const begun = (/** @type {boolean} */ on) => {
    if (!empty || !turns) return;
    [empty.hidden, turns.hidden] = [on, !on];
    empty.closest("#conversation")?.toggleAttribute("data-empty", !on);
  };
  begun(true);
  notify("chat:sending");
  return () => {
    turn.remove();
    stage.remove();
    begun(false);
  };
}

/** @param {Element[]} files */
function tiles(files) {
  const list = document.createElement("ul");
  list.className = "files";
  list.append(...files.map((tile) => tile.cloneNode(true)));
  for (const control of list.querySelectorAll("button, input")) control.remove();
  return list;
}

/** Show which button is at work. @param {Element | null} [button] */
function press(button) {
  button?.setAttribute("data-pressed", "");
  return () => button?.removeAttribute("data-pressed");
}
