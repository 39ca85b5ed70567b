/** `<chat-history>` marks the conversation that is open, and keeps its place in the list over page loads. */
class ChatHistory extends HTMLElement {
  /** @type {AbortController | undefined} */
  #listeners;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    for (const type of ["htmx:after:history:update", "htmx:after:swap"]) {
      document.addEventListener(type, () => this.#mark(), { signal });
    }
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

  #mark() {
    for (const link of this.querySelectorAll("a[data-conversation]")) {
      const open = new URL(/** @type {HTMLAnchorElement} */ (link).href).pathname === location.pathname;
      if (open) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
}

customElements.define("chat-history", ChatHistory);
