import { ChatElement } from "./element.js";
import { announce, notify } from "./page.js";
import { isAddressed, show } from "./rooms.js";

/**
 * `<chat-history>` keeps the list in step with the page: the open conversation is marked, and the list keeps its place
 * over page loads.
 */
class ChatHistory extends ChatElement {
  /** The path of the conversation that is open, whichever room the page's address names. */
  #open = "";
  #attended = false;

  connected() {
    this.#open = this.#links.find((link) => link.hasAttribute("aria-current"))?.pathname ?? "";
    this.on(document, "htmx:after:swap", (event) => this.#swapped(event));
    this.on(this, "toggle", ({ target }) => target instanceof HTMLDetailsElement && target.open && this.fill(target), { capture: true });
    // The keys of the list come with its first use, and so does what selects several.
    for (const type of ["focusin", "pointerdown"]) this.on(this, type, () => this.#attend(), { once: true });
    if (this.querySelector("[data-select]")) this.#attend();
    this.on(this, "click", (event) => event.target instanceof Element && event.target.matches("[data-clear]") && this.#clear(event));
    // What a live turn waits for, and that it is being stopped, is news for the list.
    const turns = this.keep(new MutationObserver((changes) => changes.some(({ target }) => isLive(target)) && this.#changed()));
    turns.observe(document.body, { attributeFilter: ["data-state", "data-waiting"], subtree: true });
    // A conversation that was deleted can be restored here.
    if (this.querySelector(".undo")) show("history");
    this.#keepPlace();
  }

  /** @returns {HTMLAnchorElement[]} */
  get #links() {
    return [...this.querySelectorAll("a[data-conversation]")].map((link) => /** @type {HTMLAnchorElement} */ (link));
  }

  get #chat() {
    return this.closest(".chat");
  }

  get #brand() {
    return /** @type {HTMLAnchorElement | null} */ (this.#chat?.querySelector(".brand"));
  }

  /** @param {CustomEvent<{ctx: HtmxContext}>} event */
  #swapped({ detail: { ctx } }) {
    // What streams in, many times a second, is not about the list.
    if (ctx.sourceElement?.localName === "chat-live") return;
    this.#refresh();
    // A menu that is open when the list is redrawn.
    for (const details of this.querySelectorAll("li details[open]")) this.fill(/** @type {HTMLDetailsElement} */ (details));
    if (ctx.sourceElement?.matches("a[data-conversation]") && !this.querySelector("form.rename")) this.#entered(ctx.sourceEvent);
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

  /** Search for nothing. @param {Event} event */
  #clear(event) {
    const field = /** @type {HTMLInputElement | null} */ (this.querySelector("#search"));
    if (!field) return;
    event.preventDefault();
    field.value = "";
    field.form?.requestSubmit();
    field.focus();
  }

  #attend() {
    if (this.#attended) return;
    this.#attended = true;
    import("./history-keys.js").then(({ attend }) => attend(this)).catch(() => (this.#attended = false));
  }

  /** Make the menu of a row that is opened. @param {HTMLDetailsElement} details */
  fill(details) {
    const link = details.closest("li")?.querySelector("a");
    const whole = /** @type {HTMLTemplateElement | null} */ (this.querySelector("#row-menu"));
    if (details.querySelector(".menu") || !link?.dataset.conversation || !whole) return;
    details.insertAdjacentHTML("beforeend", whole.innerHTML.replaceAll("conversation-id", encodeURIComponent(link.dataset.conversation)));
    const { shelf } = link.dataset;
    const not = `[name=pinned][value=${shelf === "pinned" ? "yes" : "no"}], [name=archived][value=${shelf === "archived" ? "yes" : "no"}]`;
    for (const each of details.querySelectorAll(not)) each.remove();
    if (link.hasAttribute("aria-current")) details.querySelector("[name=stay]")?.remove();
    htmx.process(details);
  }

  #changed() {
    this.#title();
    notify("chat:changed");
  }

  #refresh() {
    const brand = this.#brand;
    const paths = [brand?.pathname, ...this.#links.map((link) => link.pathname)];
    if (paths.includes(location.pathname)) this.#open = location.pathname;
    for (const link of this.#links) current(link, link.pathname === this.#open);
    this.#joinDays();
    this.#title();
  }

  /** The window is called as the conversation, with the mark of what waits for the reader. */
  #title() {
    const brand = this.#brand;
    const title = this.#chat?.querySelector("#conversation h1")?.textContent;
    if (!brand || !title || isAddressed("history")) return;
    const mark = this.#chat?.querySelector("#turns > .turn:last-child[data-state=suspended]") ? "○ " : this.#chat?.hasAttribute("data-ended") ? "● " : "";
    document.title = brand.pathname === location.pathname ? brand.text : `${mark}${title} · ${brand.text}`;
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

  #keepPlace() {
    const body = this.querySelector(".room-body");
    const key = `htmxchat:history:${this.#brand?.pathname}`;
    if (!body) return;
    try {
      body.scrollTop = Number(sessionStorage.getItem(key) ?? 0);
      this.on(window, "pagehide", () => sessionStorage.setItem(key, String(body.scrollTop)));
    } catch {
      // Storage can be forbidden; the list then begins at its top.
    }
  }
}

/** @param {Node} turn */
function isLive(turn) {
  return turn instanceof Element && turn.matches(".turn[aria-busy]");
}

/** @param {Element} link @param {boolean} is */
function current(link, is) {
  if (is) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

customElements.define("chat-history", ChatHistory);
