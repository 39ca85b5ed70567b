import { ChatElement } from "./element.js";

/**
 * `<chat-menu>` closes its `<details>` when the reader presses Escape or goes elsewhere. It stands beside the title, so
 * it also leaves the title's form on Escape, and gets the focus when that form has gone.
 */
class ChatMenu extends ChatElement {
  connected() {
    const head = this.parentElement ?? this;
    this.on(head, "keydown", ({ key }) => key === "Escape" && this.#escape());
    this.on(head, "htmx:after:swap", () => this.#swapped());
    this.on(this, "click", (event) => this.#chosen(event));
    this.on(this, "toggle", () => this.#toggled(), { capture: true });
    this.on(document, "pointerdown", ({ target }) => this.#elsewhere(target));
    this.on(this, "focusout", ({ relatedTarget }) => this.#elsewhere(relatedTarget));
    this.#form?.querySelector("input")?.select();
  }

  /** It is all in sight, in a list that scrolls, too. */
  #toggled() {
    this.querySelector("details[open] > .menu")?.scrollIntoView({ block: "nearest" });
  }

  #escape() {
    const details = this.querySelector("details");
    if (details?.open) {
      details.open = false;
      details.querySelector("summary")?.focus();
    } else {
      this.#form?.querySelector("a")?.click();
    }
  }

  #swapped() {
    const form = this.#form;
    if (form) form.querySelector("input")?.select();
    else if (this.matches(".room-head > *") && document.activeElement === document.body) this.querySelector("summary")?.focus();
  }

  /** The form that stands in the title's place. */
  get #form() {
    return this.parentElement?.querySelector("form.rename");
  }

  /** @param {Event} event */
  #chosen(event) {
    const chosen = event.target instanceof Element && event.target.closest(".menu a, .menu button");
    if (chosen) this.querySelector("details")?.removeAttribute("open");
  }

  /** @param {EventTarget | null} target */
  #elsewhere(target) {
    if (target instanceof Node && !this.contains(target)) this.querySelector("details")?.removeAttribute("open");
  }
}

customElements.define("chat-menu", ChatMenu);
