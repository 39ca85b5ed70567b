/** `<chat-history>` marks the conversation that is open, and keeps its place in the list over page loads. */
class ChatHistory extends HTMLElement {
  /** @type {AbortController | undefined} */
  #listeners;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    document.addEventListener("htmx:after:history:update", () => this.#opened(), { signal });
    document.addEventListener("htmx:after:swap", () => this.#mark(), { signal });
    const body = this.querySelector(".room-body");
    if (!body) return;
    body.scrollTop = Number(sessionStorage.getItem(this.#key) ?? 0);
    addEventListener("pagehide", () => sessionStorage.setItem(this.#key, String(body.scrollTop)), { signal });
  }

  disconnectedCallback() {
    this.#listeners?.abort();
  }

  get #key() {
    return `htmxchat:history:${this.querySelector("form[role=search]")?.getAttribute("action") ?? ""}`;
  }

  /** A phone shows one room at a time: now the conversation. */
  #opened() {
    const chat = this.closest(".chat");
    chat?.setAttribute("data-room", "conversation");
    for (const tab of chat?.querySelectorAll(".tabs a") ?? []) {
      const open = tab.getAttribute("data-room") === "conversation";
      if (open) tab.setAttribute("href", location.pathname);
      if (open) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    this.#mark();
  }

  #mark() {
    for (const link of this.querySelectorAll("a[data-conversation]")) {
      const open = new URL(/** @type {HTMLAnchorElement} */ (link).href).pathname === location.pathname;
      if (open) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
}

customElements.define("chat-history", ChatHistory);
