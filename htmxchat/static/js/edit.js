/**
 * `<chat-edit>` wraps the form that edits a message in its place: Enter sends, Escape leaves it and keeps what was typed,
 * as a reload does.
 */

import { draftKey } from "./attaching.js";
import { characters, forget, isEnter, load, number, save } from "./composer.js";
import { ChatElement } from "./element.js";

const NOT_SENT = "Your message could not be sent. It is still here; check your connection and send it again.";

class ChatEdit extends ChatElement {
  connected() {
    const [form, text] = [this.querySelector("form"), this.querySelector("textarea")];
    if (!form || !text) return;
    const key = `htmxchat:draft:${this.dataset.user}:${form.getAttribute("action")}`;
    const sent = form.dataset.text ?? "";
    if (text.value === sent) text.value = load(key) || sent;
    // To the end, unless the user has moved the caret before this script ran.
    if (text.selectionEnd === 0) text.setSelectionRange(text.value.length, text.value.length);
    this.#measure(text);
    this.on(text, "input", () => {
      save(key, text.value === sent ? "" : text.value);
      this.#say("");
      this.#measure(text);
    });
    this.on(text, "keydown", (event) => isEnter(event) && this.#send(event, form));
    this.on(this, "keydown", ({ key: pressed }) => pressed === "Escape" && this.#cancel?.click());
    // Who presses Cancel does not want what was typed; Escape is pressed by mistake, too.
    this.on(this, "click", ({ target, detail }) => {
      if (detail && target.closest("[name=cancel]")) for (const each of [key, this.#filesKey]) if (each) save(each, "");
    });
    this.on(form, "submit", (event) => this.#submitted(event, text, key), { capture: true });
    this.on(this, "htmx:finally:request", ({ detail: { ctx } }) => !ctx.response && this.#say(NOT_SENT));
  }

  /** @param {Event} event @param {HTMLFormElement} form */
  #send(event, form) {
    event.preventDefault();
    form.requestSubmit(this.querySelector("[name=save]"));
  }

  /** @param {Event} event @param {HTMLTextAreaElement} text @param {string} key */
  #submitted(event, text, key) {
    const over = characters(text.value) - Number(this.dataset.limit);
    if (over > 0) this.#say(`Shorten the message by ${number(over)} character${over === 1 ? "" : "s"}.`);
    const hold = this.querySelector("chat-files[data-hold]")?.getAttribute("data-hold");
    if (hold) this.#say(hold, "data-files");
    if (over > 0 || hold || !(text.value.trim() || this.querySelector(".files > *"))) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    this.#say("");
    save(key, text.value);
    forget(event.target, key, text.value);
  }

  /** @returns {HTMLElement | null} */
  get #cancel() {
    return this.querySelector("[name=cancel]");
  }

  /** Grow with the text where CSS cannot. @param {HTMLTextAreaElement} text */
  #measure(text) {
    if (!CSS.supports("field-sizing", "content")) text.rows = Math.min(12, text.value.split("\n").length);
  }

  get #filesKey() {
    const files = this.querySelector("chat-files");
    return files && draftKey(files);
  }

  /** @param {string} sentence @param {string} [why] The attribute of what is true only for a while. */
  #say(sentence, why) {
    const error = this.querySelector("#edit-error");
    if (!error || error.textContent === sentence) return;
    error.textContent = sentence;
    if (!why) return;
    const said = document.createElement("span");
    said.setAttribute(why, "");
    said.append(...error.childNodes);
    error.append(said);
  }
}

customElements.define("chat-edit", ChatEdit);
