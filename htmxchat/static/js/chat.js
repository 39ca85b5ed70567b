/** The page's script: one module a room, what htmx lacks, and what to say when a request fails. */

import "./changes.js";
import "./composer.js";
import "./history.js";
import "./htmx.js";
import "./live.js";
import "./log.js";
import { watchFiles } from "./attaching.js";
import { listenForAsides } from "./asides.js";
import { keepFocus } from "./focus.js";
import { loadLate } from "./late.js";
import { localise, warn } from "./page.js";
import { guardPlaces, sendOnce } from "./pressing.js";
import { showRooms } from "./rooms.js";
import { isSending, showSending } from "./sending.js";
import { keepZone } from "./zone.js";

const UNREACHABLE = "The chat cannot be reached. Check the connection and try again.";

/** Say that a request failed, if no element says it in its own place. @param {CustomEvent<{ctx?: HtmxContext}>} event */
function failed({ detail: { ctx } }) {
  // The page that Back leads to could not be put in place: the address is there already, so load it.
  if (ctx?.request?.headers?.["HX-History-Restore-Request"]) location.reload();
  else if (!ctx?.sourceElement?.closest("#composer, chat-edit, chat-live, chat-changes")) warn(UNREACHABLE);
}

/**
 * Keep an error page that is not the chat's own, from a proxy say, out of the rooms.
 * @param {CustomEvent<{ctx: HtmxContext}>} event
 */
function guard(event) {
  const { response, text = "", target, swap, sourceElement } = event.detail.ctx;
  // What asked for the turns has gone, because there are newer ones by now, or a newer one is on its way.
  if (target?.id === "turns" && (!sourceElement?.isConnected || isSending())) return event.preventDefault();
  if (!response || response.status < 400 || swap === "none" || text.includes("<hx-partial")) return;
  // What a form of the host's says is wrong with what was filled in.
  if (response.status === 422 && sourceElement?.closest(".card")) return;
  if (response.headers.has("HX-Reswap") || (target?.id && text.includes(`id="${target.id}"`))) return;
  event.preventDefault();
  if (sourceElement?.localName !== "chat-changes") warn(UNREACHABLE);
}

/**
 * Say what the page shows last, so that the answer also brings what came elsewhere since.
 * @param {CustomEvent<{ctx: HtmxContext}>} event
 */
function sayLast({ detail: { ctx: { request } } }) {
  if (request?.method !== "POST" || !request.headers) return;
  const turns = document.querySelectorAll("#turns > .turn[id]");
  request.headers["Chat-Revision"] = document.getElementById("turns")?.dataset.revision ?? "0";
  request.headers["Chat-Last-Turn"] = turns.item(turns.length - 1)?.id.replace("turn-", "") ?? "";
}

keepFocus();
listenForAsides();
sendOnce();
showSending();
guardPlaces();
showRooms();
watchFiles();
loadLate();

document.addEventListener("chat:failed", (event) => warn(/** @type {CustomEvent} */ (event).detail.words));
document.addEventListener("htmx:error", (event) => failed(/** @type {CustomEvent} */ (event)));
document.addEventListener("htmx:config:request", (event) => sayLast(/** @type {CustomEvent} */ (event)));
document.addEventListener("htmx:before:swap", (event) => guard(/** @type {CustomEvent} */ (event)));
document.addEventListener("htmx:after:process", (event) => {
  if (event.target instanceof Element) localise(event.target);
});

// htmx leaves the page alone until the swap style and the elements that it needs are there. Its own first look at the
// page is a timer too, set before this one: it must not come second and open every stream twice.
setTimeout(() => {
  document.body.removeAttribute("hx-ignore");
  htmx.process(document.body);
  keepZone();
});
