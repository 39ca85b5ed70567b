/**
 * The rooms of the page: which of them a phone shows, which are open at the side. The address says it; this only keeps the
 * page in step, so that nothing that is here already is fetched again.
 */

import { pushAddress } from "./htmx.js";

/** Begin to watch the page. */
export function showRooms() {
  // Before the browser draws what has come.
  document.addEventListener("htmx:before:settle", fit);
  document.addEventListener("htmx:after:swap", (event) => swapped(/** @type {CustomEvent} */ (event)));
  document.addEventListener("htmx:after:history:update", () => show(addressed()));
  document.addEventListener("htmx:before:history:restore", () => show(addressed()));
  document.addEventListener("click", clicked);
}

/** Whether the address is that of a room. @param {string} name */
export function isAddressed(name) {
  return addressed() === name;
}

/** Show a room where there is space for one only. @param {string} name */
export function show(name) {
  const chat = document.querySelector(".chat");
  if (!chat) return;
  chat.setAttribute("data-room", name);
  if (addressed() === "conversation") tab("conversation")?.setAttribute("href", location.pathname);
  for (const each of chat.querySelectorAll(".tabs a")) {
    if (each.getAttribute("data-room") === name) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
}

/** The room that the address is about. */
function addressed() {
  const here = (/** @type {string} */ url) => new URL(url, location.href).pathname === location.pathname;
  const side = sides().find((each) => !each.hidden && here(each.dataset.url ?? ""));
  return side?.id ?? (here(tab("history")?.href ?? "") ? "history" : "conversation");
}

function sides() {
  const rooms = /** @type {HTMLElement[]} */ ([...(document.querySelector(".rooms")?.children ?? [])]);
  return rooms.filter((room) => room.matches(".side"));
}

/** Say which sides are open. A style that asked for them with :has() would be asked again with every word of an answer. */
function fit() {
  const open = sides().filter((side) => !side.hidden).map(({ id }) => id).join(" ");
  const chat = document.querySelector(".chat");
  if (open) chat?.setAttribute("data-sides", open);
  else chat?.removeAttribute("data-sides");
}

/** @param {string} name */
function tab(name) {
  return /** @type {HTMLAnchorElement | null} */ (document.querySelector(`.tabs a[data-room=${name}]`));
}

/** A side that comes is shown, and one that has gone is not. @param {CustomEvent<{ctx: HtmxContext}>} event */
function swapped({ detail: { ctx } }) {
  // What streams in, many times a second, is not about them.
  if (ctx.sourceElement?.localName === "chat-live") return;
  const shown = sides().find((side) => side.id === document.querySelector(".chat")?.getAttribute("data-room"));
  for (const side of sides()) tab(side.id)?.setAttribute("href", side.dataset.url ?? "");
  if (shown?.hidden || ctx.target?.matches(".side")) show(addressed());
}

/**
 * The tabs lead to pages. A room that this page already has is shown at once, and a side is opened or closed in place.
 * @param {MouseEvent} event
 */
function clicked(event) {
  const link = event.target instanceof Element ? event.target.closest(".tabs a, .side a.shut") : null;
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const name = link.getAttribute("data-room") ?? "conversation";
  const side = sides().find((each) => each.id === name);
  const opener = /** @type {HTMLElement | null} */ (document.querySelector(`.opener[data-room=${name}]`));
  if (link.classList.contains("shut")) close(/** @type {HTMLAnchorElement} */ (link));
  else if (name === "conversation" && addressed() === "history") return;
  else if (!side?.hidden) show(name);
  else if (opener) opener.click();
  else return;
  event.preventDefault();
}

/** @param {HTMLAnchorElement} link */
function close(link) {
  const side = /** @type {HTMLElement | null} */ (link.closest(".side"));
  if (!side) return;
  const opener = /** @type {HTMLAnchorElement | null} */ (document.querySelector(`.opener[data-room=${side.id}]`));
  const wasAddressed = addressed() === side.id;
  side.replaceChildren();
  side.hidden = true;
  fit();
  if (opener) side.dataset.url = opener.getAttribute("href") ?? "";
  if (wasAddressed) pushAddress(link.href);
  show(addressed());
  (opener?.checkVisibility() ? opener : document.getElementById("turns"))?.focus({ preventScroll: true });
}
