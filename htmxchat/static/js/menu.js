/** `<chat-menu>` closes its `<details>` when the reader presses Escape or goes elsewhere. */
class ChatMenu extends HTMLElement {
  /** @type {AbortController | undefined} */
  #listeners;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.#close(), { signal });
    this.addEventListener("click", (event) => this.#chosen(event), { signal });
    document.addEventListener("pointerdown", (event) => this.#elsewhere(event), { signal });
    this.addEventListener("focusout", (event) => event.relatedTarget && this.#left(event.relatedTarget), { signal });
  }

  disconnectedCallback() {
    this.#listeners?.abort();
  }

  #close() {
    const details = this.querySelector("details");
    if (!details?.open) return;
    details.open = false;
    details.querySelector("summary")?.focus();
  }

  /** @param {Event} event */
  #chosen(event) {
    const chosen = event.target instanceof Element && event.target.closest(".menu a, .menu button");
    if (chosen) this.querySelector("details")?.removeAttribute("open");
  }

  /** @param {Event} event */
  #elsewhere(event) {
    if (event.target instanceof Node) this.#left(event.target);
  }

  /** @param {EventTarget} target */
  #left(target) {
    if (target instanceof Node && !this.contains(target)) this.querySelector("details")?.removeAttribute("open");
  }
}

customElements.define("chat-menu", ChatMenu);
