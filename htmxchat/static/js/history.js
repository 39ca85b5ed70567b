import { announce } from "./page.js";

/**
 * `<chat-history>` keeps the list in step with the page: the open conversation is marked, a phone shows the right room,
 * and the list keeps its place over page loads.
 */
class ChatHistory extends HTMLElement {
  /** @type {AbortController | undefined} */
  #listeners;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    document.addEventListener("htmx:after:swap", (event) => this.#swapped(/** @type {CustomEvent} */ (event)), { signal });
    document.addEventListener("htmx:after:history:update", () => this.#show(this.#room), { signal });
    document.addEventListener("htmx:before:history:restore", () => this.#show(this.#room), { signal });
    this.addEventListener("htmx:config:request", (event) => this.#asked(/** @type {CustomEvent} */ (event)), { signal });
    this.#chat?.addEventListener("click", (event) => this.#clicked(event), { signal });
    // A conversation that was deleted can be restored here.
    if (this.querySelector(".undo")) this.#show("history");
    this.#keepPlace(signal);
  }

  disconnectedCallback() {
    this.#listeners?.abort();
  }

  get #chat() {
    return this.closest(".chat");
  }

  /** The room that the address is about. */
  get #room() {
    return this.#tab("history")?.pathname === location.pathname ? "history" : "conversation";
  }

  /** @param {string} room */
  #tab(room) {
    return /** @type {HTMLAnchorElement | null} */ (this.#chat?.querySelector(`.tabs a[data-room=${room}]`));
  }

  /** A phone shows one room at a time. @param {string} room */
  #show(room) {
    const chat = this.#chat;
    if (!chat) return;
    chat.setAttribute("data-room", room);
    if (this.#room === "conversation") this.#tab("conversation")?.setAttribute("href", location.pathname);
    for (const tab of chat.querySelectorAll(".tabs a")) current(tab, tab.getAttribute("data-room") === room);
  }

  /** The tabs lead to pages. A room that this page already has is shown at once. @param {Event} event */
  #clicked(event) {
    const tab = event.target instanceof Element ? event.target.closest(".tabs a") : null;
    const onPage = this.#room === "conversation" || tab === this.#tab("history");
    if (!tab || !onPage || (event instanceof MouseEvent && (event.metaKey || event.ctrlKey || event.shiftKey))) return;
    event.preventDefault();
    this.#show(tab.getAttribute("data-room") ?? "conversation");
  }

  /** A list that older conversations were added to keeps its length. @param {CustomEvent<{ctx: HtmxContext}>} event */
  #asked({ detail: { ctx } }) {
    const { request } = ctx;
    if (ctx.sourceElement?.id !== "history-list" || !request?.action) return;
    request.action += `${request.action.includes("?") ? "&" : "?"}limit=${this.querySelectorAll("[data-conversation]").length}`;
  }

  /** @param {CustomEvent<{ctx: HtmxContext}>} event */
  #swapped({ detail: { ctx } }) {
    // What streams in, many times a second, is not about the list.
    if (ctx.sourceElement?.localName === "chat-live") return;
    this.#refresh();
    if (ctx.sourceElement?.matches("a[data-conversation]")) this.#entered(ctx.sourceEvent);
  }

  /**
   * A conversation was opened. Who came by mouse wants to write, who came by keyboard to read on from here; a screen
   * reader is told where that is. @param {Event} [event]
   */
  #entered(event) {
    const byMouse = event instanceof MouseEvent && event.detail > 0 && matchMedia("(pointer: fine)").matches;
    const title = this.#chat?.querySelector("#conversation h1")?.textContent ?? "";
    document.getElementById(byMouse ? "text" : "turns")?.focus({ preventScroll: true });
    announce(title);
  }

  #refresh() {
    for (const link of this.querySelectorAll("a[data-conversation]")) {
      current(link, new URL(/** @type {HTMLAnchorElement} */ (link).href).pathname === location.pathname);
    }
    this.#joinDays();
    const brand = /** @type {HTMLAnchorElement | null} */ (this.#chat?.querySelector(".brand"));
    const title = this.#chat?.querySelector("#conversation h1")?.textContent;
    if (!brand || !title || this.#room === "history") return;
    document.title = brand.pathname === location.pathname ? brand.text : `${title} · ${brand.text}`;
  }

  /** Older conversations can begin with the day that the list ended with. */
  #joinDays() {
    let last = /** @type {Element | undefined} */ (undefined);
    for (const heading of this.querySelectorAll("#history-list > h2")) {
      const list = heading.nextElementSibling;
      if (last && list && heading.textContent === last.textContent) {
        last.nextElementSibling?.append(...list.children);
        list.remove();
        heading.remove();
      } else {
        last = heading;
      }
    }
  }

  /** @param {AbortSignal} signal */
  #keepPlace(signal) {
    const body = this.querySelector(".room-body");
    const key = `htmxchat:history:${this.#tab("history")?.pathname}`;
    if (!body) return;
    try {
      body.scrollTop = Number(sessionStorage.getItem(key) ?? 0);
      addEventListener("pagehide", () => sessionStorage.setItem(key, String(body.scrollTop)), { signal });
    } catch {
      // Storage can be forbidden; the list then begins at its top.
    }
  }
}

/** @param {Element} link @param {boolean} is */
function current(link, is) {
  if (is) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

customElements.define("chat-history", ChatHistory);
