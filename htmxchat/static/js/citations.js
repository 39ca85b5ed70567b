/**
 * What a citation leads to, shown beside it while it is pointed at or has the focus: title, host and excerpt of its source.
 * The card is in the top layer, so it takes no room and nothing cuts it off. Escape, scrolling and going elsewhere close it.
 */

import { leadsTo } from "./page.js";

/** Milliseconds that the pointer has to come back to the citation, or to get to the card. */
const GRACE = 200;
/** Pixels between the card and the citation, and the edges of the window. */
const GAP = 6;
const EDGE = 8;

/** @type {{cite: HTMLAnchorElement, title: string, listeners: AbortController, timer?: number} | undefined} */
let shown;

/** @param {HTMLAnchorElement} cite */
export function showSource(cite) {
  if (shown?.cite === cite) return clearTimeout(shown.timer);
  hide();
  const source = leadsTo(cite.hash);
  if (!source) return;
  const card = newCard();
  card.replaceChildren(...[...source.querySelectorAll("b, .detail, .host, .excerpt")].map((each) => each.cloneNode(true)));
  shown = { cite, title: cite.title, listeners: new AbortController() };
  // The card says it, and more.
  cite.removeAttribute("title");
  cite.setAttribute("aria-describedby", card.id);
  cite.closest("chat-log")?.append(card);
  card.showPopover();
  place(card, cite);
  watch(card, shown.listeners.signal);
}

function newCard() {
  const card = document.createElement("div");
  card.id = card.className = "source-card";
  card.popover = "manual";
  card.role = "tooltip";
  return card;
}

/** Below the citation, or above where there is more room. @param {HTMLElement} card @param {HTMLElement} cite */
function place(card, cite) {
  const at = cite.getBoundingClientRect();
  const left = Math.min(at.left - EDGE, innerWidth - card.offsetWidth - EDGE);
  const below = at.bottom + GAP;
  const fits = below + card.offsetHeight <= innerHeight - EDGE || at.top < innerHeight - at.bottom;
  card.style.left = `${Math.max(EDGE, left)}px`;
  card.style.top = `${fits ? below : Math.max(EDGE, at.top - GAP - card.offsetHeight)}px`;
}

/** @param {HTMLElement} card @param {AbortSignal} signal */
function watch(card, signal) {
  /** @param {EventTarget | null} target */
  const inside = (target) => target instanceof Node && (card.contains(target) || Boolean(shown?.cite.contains(target)));
  /** @param {string} type @param {(event: any) => void} listener */
  const on = (type, listener) => document.addEventListener(type, listener, { signal, capture: true, passive: true });
  on("pointerover", ({ target }) => {
    if (!shown) return;
    clearTimeout(shown.timer);
    if (!inside(target) && document.activeElement !== shown.cite) shown.timer = setTimeout(hide, GRACE);
  });
  on("focusout", ({ target }) => target === shown?.cite && hide());
  on("keydown", ({ key }) => key === "Escape" && hide());
  on("click", ({ target }) => card.contains(target) || hide());
  on("scroll", ({ target }) => card.contains(target) || hide());
  on("htmx:after:swap", () => shown?.cite.isConnected || hide());
  addEventListener("resize", hide, { signal });
}

function hide() {
  if (!shown) return;
  const { cite, title, listeners, timer } = shown;
  shown = undefined;
  clearTimeout(timer);
  listeners.abort();
  cite.removeAttribute("aria-describedby");
  if (title && !cite.title) cite.title = title;
  document.getElementById("source-card")?.remove();
}
