/**
 * `<chat-share>` is the window that shares a conversation: over the page where one was open, and in it on its own page.
 * It copies the link.
 */

import { ChatElement } from "./element.js";
import { announce } from "./page.js";

class ChatShare extends ChatElement {
  connected() {
    const dialog = this.querySelector("dialog");
    if (!dialog) return;
    this.on(this, "click", ({ target }) => target instanceof Element && target.closest("[name=copy-link]") && void this.#copy());
    if (this.closest("main")) return;
    // What is open already would not be modal.
    dialog.open = false;
    dialog.showModal();
    this.on(dialog, "close", () => this.remove());
    this.on(this, "click", (event) => this.#clicked(event, dialog));
  }

  disconnected() {
    /** @type {HTMLElement | null} */ (document.querySelector("#conversation chat-menu summary"))?.focus();
  }

  /** What is beside it closes it, too. @param {MouseEvent} event @param {HTMLDialogElement} dialog */
  #clicked(event, dialog) {
    const { target } = event;
    if (target !== dialog && !(target instanceof Element && target.closest("[name=close]"))) return;
    event.preventDefault();
    dialog.close();
  }

  async #copy() {
    const field = /** @type {HTMLInputElement | null} */ (this.querySelector("#share-address"));
    if (!field) return;
    // Behind a proxy only the browser knows where the chat is.
    const { pathname } = new URL(field.value, location.href);
    field.value = new URL(pathname, location.href).href;
    field.select();
    const copied = await navigator.clipboard?.writeText(field.value).then(() => true, () => false);
    announce(copied || document.execCommand("copy") ? "Link copied." : "The link could not be copied. It is selected: copy it yourself.");
  }
}

customElements.define("chat-share", ChatShare);
