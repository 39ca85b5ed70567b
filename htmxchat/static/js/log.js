/**
 * `<chat-log>` holds the turns. It stays at their end while the reader is there, never pulls a reader who has scrolled
 * up, and shows what a citation leads to.
 */

import { ChatElement } from "./element.js";
import { endOfTurns, focus } from "./focus.js";
import { Following, NEAR } from "./following.js";
import { leadsTo } from "./page.js";

class ChatLog extends ChatElement {
  /** @type {Following | undefined} */
  #following;

  connected() {
    this.on(this, "click", (event) => this.#clicked(event));
    this.on(window, "popstate", () => this.#came());
    // The address of a page that was brought can lead to one of its turns.
    this.on(document, "htmx:after:history:update", () => location.hash && this.#came());
    this.on(document, "htmx:before:history:restore", (event) => this.#from && event.preventDefault());
    for (const type of ["pointerover", "focusin"]) this.on(this, type, pointed);
    for (const type of ["click", "keydown"]) this.on(this, type, (event) => this.#switched(event));
    const body = /** @type {HTMLElement | null} */ (this.querySelector(".room-body"));
    const turns = /** @type {HTMLElement | null} */ (this.querySelector("#turns"));
    // A page of the host's own has turns without a body that scrolls.
    if (!body || !turns) return;
    for (const type of ["chat:sending", "chat:sent"]) this.on(document, type, () => this.#following?.follow(true));
    // A style that asked with :has() would be asked again with every word.
    const ring = () => body.toggleAttribute("data-focused", turns.matches(":focus-visible"));
    for (const type of ["focus", "blur"]) this.on(turns, type, ring);
    ring();
    // On the link itself: a style that asks an element around the turns has all of them looked through.
    const jump = this.querySelector(".jump");
    const told = (/** @type {number} */ distance) => jump?.toggleAttribute("data-more", distance >= NEAR);
    this.#following = this.keep(new Following(body, turns, told));
    // The empty page is read from its top, and a link to a turn or into one leads there.
    const place = leadsTo(location.hash);
    unfold(place);
    this.#following.follow(!turns.hidden && !place?.closest("#turns"));
  }

  /** Between a citation and its source: keep where to come back to, and have the place in sight. @param {HTMLAnchorElement} link */
  #leave(link) {
    const from = link.id || link.closest("li[id]")?.id;
    history.replaceState({ ...history.state, from }, "");
    this.#following?.follow(false);
    unfold(leadsTo(link.hash));
  }

  /** The reader went back or forth. The browser moves only what is no box of the page. */
  #came() {
    const place = this.#from ?? leadsTo(location.hash);
    if (!place || !this.querySelector("#turns")?.contains(place)) return;
    unfold(place);
    this.#following?.follow(false);
    focus(place);
  }

  /** Where the reader was when they followed a link from this entry of the browser's history, if that is on the page. */
  get #from() {
    return document.getElementById(history.state?.from ?? "");
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest(".jump")) {
      event.preventDefault();
      this.#following?.follow(true);
      // The link goes with what it led to.
      if (event.detail === 0) focus(endOfTurns());
    }
    const link = target?.closest("a.cite[href], .places a");
    if (link instanceof HTMLAnchorElement) this.#leave(link);
  }

  /** What is used to switch between versions stays where it is, so the end is not followed. @param {Event} event */
  #switched(event) {
    const group = event.target instanceof Element ? event.target.closest(".versions") : null;
    if (!group) return;
    this.#following?.follow(false);
    const { top } = group.getBoundingClientRect();
    import("./versions.js").then(({ use }) => use(event, group, top)).catch(() => {});
  }
}

/** What leads somewhere opens the fold that holds it. @param {HTMLElement | null} place */
function unfold(place) {
  const fold = place?.closest("details");
  if (fold) fold.open = true;
}

/** Show what a citation leads to; most visits never ask. @param {Event} event */
function pointed(event) {
  const cite = event.target instanceof Element ? event.target.closest("a.cite[href]") : null;
  // A finger follows the link, and the focus that comes with a press shows nothing.
  const meant = event instanceof PointerEvent ? event.pointerType !== "touch" : cite?.matches(":focus-visible");
  if (!cite || !meant) return;
  import("./citations.js").then(({ showSource }) => {
    if (cite.matches(":hover, :focus-visible")) showSource(/** @type {HTMLAnchorElement} */ (cite));
  }).catch(() => {});
}

customElements.define("chat-log", ChatLog);
