/**
 * `<chat-composer>` wraps the form that sends messages: Enter sends (not on a touch keyboard), drafts are kept, and what is
 * typed is never lost.
 * The server's answers do not touch the text: while a message is on its way it stands among the turns, and when it is
 * refused it is put back here, before what was written meanwhile.
 */

import { ChatElement } from "./element.js";
import { notify } from "./page.js";

const NOT_SENT = "Your message could not be sent. It is still here; check your connection and send it again.";
const NOT_STOPPED = "The answer could not be stopped. Check the connection and try again.";
/** Whether the text is written on a screen. */
const TOUCH = matchMedia("(pointer: coarse)");
/** The share of the limit from which on the count is shown. */
const NEAR_LIMIT = 0.9;

class ChatComposer extends ChatElement {
  #sent = "";

  connected() {
    const text = this.#text;
    if (!text) return;
    this.on(text, "keydown", (event) => this.#pressed(event));
    this.on(text, "input", () => this.#changed());
    this.on(text, "invalid", (event) => this.#invalid(event));
    this.on(TOUCH, "change", () => this.#label());
    this.on(this, "submit", (event) => this.#submitted(event), { capture: true });
    this.on(document, "htmx:after:swap", () => this.#swapped());
    this.on(this, "htmx:before:request", ({ target }) => target === this.#form && this.#write(""));
    this.on(this, "htmx:finally:request", (event) => this.#answered(event));
    // htmx gives an element that it has put in place its attributes once more.
    this.on(document, "htmx:after:settle", () => this.#label());
    this.#label();
    if (!text.value) text.value = load(this.#key);
    this.#measure();
  }

  get #text() {
    return this.querySelector("textarea");
  }

  get #form() {
    return this.querySelector("form");
  }

  /** Where the draft is kept: one for each conversation and user. */
  get #key() {
    return `htmxchat:draft:${this.dataset.user}:${this.#form?.getAttribute("action")}`;
  }

  /** @param {string} text */
  #write(text) {
    if (this.#text) this.#text.value = text;
    this.#measure();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (isUp(event) && !this.#text?.value) return editLast(event);
    if (!isEnter(event)) return;
    event.preventDefault();
    this.#form?.requestSubmit(this.querySelector("button[name=send]"));
  }

  /** What Enter does, on the key itself; a message without files needs words. */
  #label() {
    if (!this.#text) return;
    const hint = TOUCH.matches ? "enter" : "send";
    const required = !this.querySelector("#composer-files > *");
    // To set what is set already has the browser validate and style the form again, with every word of an answer.
    if (this.#text.enterKeyHint !== hint) this.#text.enterKeyHint = hint;
    if (this.#text.required !== required) this.#text.required = required;
  }

  #changed() {
    save(this.#key, this.#text?.value ?? "");
    this.#say("");
    this.#measure();
  }

  /** Say what is wrong where everything else is said. @param {Event} event */
  #invalid(event) {
    event.preventDefault();
    const over = characters(this.#text?.value ?? "") - this.#limit;
    if (over > 0) this.#say(`Shorten the message by ${number(over)} character${over === 1 ? "" : "s"}.`);
    this.#text?.focus();
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    const text = this.#text?.value ?? "";
    if (event.submitter?.getAttribute("name") === "stop") return;
    const nothing = !text.trim() && !this.querySelector("#composer-files > *");
    if (nothing || characters(text) > this.#limit || this.#form?.classList.contains("htmx-request")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (this.#hold) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#warn("data-hold", this.#hold);
      return;
    }
    const files = this.querySelector("chat-files[data-hold]")?.getAttribute("data-hold");
    if (files) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#warn("data-files", files);
      return;
    }
    this.#sent = text;
    this.#say("");
    forget(event.target, this.#key, text);
  }

  /** @param {CustomEvent<{ctx: HtmxContext}>} event */
  #answered({ detail: { ctx } }) {
    const accepted = ctx.response && ctx.response.status < 400;
    const text = this.#text;
    if (!text || !this.isConnected) return;
    const stopping = ctx.sourceElement !== this.#form;
    const said = this.#error?.textContent && !(stopping && this.#error.querySelector("[data-hold]"));
    if (!accepted && !said) stopping ? this.#warn("data-live", NOT_STOPPED) : this.#say(NOT_SENT);
    if (stopping) return;
    if (document.activeElement === document.body || this.contains(document.activeElement)) text.focus();
    if (!accepted) {
      this.#write([this.#sent, text.value].filter(Boolean).join("\n\n"));
      save(this.#key, text.value);
      return;
    }
    notify("chat:sent");
  }

  /** Why nothing can be sent now; empty when it can. */
  get #hold() {
    return this.querySelector("#composer-actions")?.getAttribute("data-hold") ?? "";
  }

  /** Say something about an active run. @param {string} mark @param {string} sentence */
  #warn(mark, sentence) {
    const reason = document.createElement("span");
    reason.setAttribute(mark, "");
    reason.textContent = sentence;
    this.#error?.replaceChildren(reason);
  }

  /** What was said about an active run is true only while it is as it was. */
  #swapped() {
    const actions = /** @type {HTMLElement | null} */ (this.querySelector("#composer-actions"));
    const placeholder = actions?.dataset.placeholder ?? this.dataset.placeholder ?? "";
    if (this.#text && this.#text.placeholder !== placeholder) this.#text.placeholder = placeholder;
    const said = this.#error?.querySelector("[data-hold], [data-live]");
    if (!said) return;
    if (!this.#hold) this.#say("");
    else if (said.matches("[data-hold]") && said.textContent !== this.#hold) this.#warn("data-hold", this.#hold);
  }

  get #error() {
    return this.querySelector("#composer-error");
  }

  get #limit() {
    return Number(this.dataset.limit);
  }

  /** Say how long the text is when that matters, and grow with it where CSS cannot. */
  #measure() {
    const text = this.#text;
    if (!text) return;
    const length = characters(text.value);
    const over = length > this.#limit;
    text.setCustomValidity(over ? "Shorten the message." : "");
    this.#count(length > this.#limit * NEAR_LIMIT ? `${number(length)} of ${number(this.#limit)} characters` : "", over);
    if (!CSS.supports("field-sizing", "content")) {
      text.rows = Math.min(8, Math.max(1, text.value.split("\n").length));
    }
  }

  /** @param {string} words @param {boolean} over */
  #count(words, over) {
    const hint = this.querySelector(".hint");
    let count = this.querySelector(".count");
    if (!count && words && hint) {
      count = document.createElement("output");
      count.className = "count";
      // Shown, not read out at every key; what is too long is said when it is sent.
      count.setAttribute("aria-live", "off");
      hint.append(count);
    }
    if (!count) return;
    count.textContent = words;
    count.toggleAttribute("data-over", over);
    hint?.classList.toggle("counting", Boolean(words));
  }

  /** @param {string} sentence */
  #say(sentence) {
    const error = this.#error;
    if (error && error.textContent !== sentence) error.textContent = sentence;
  }
}

/** Whether a key sends what is written. @param {KeyboardEvent} event */
export function isEnter(event) {
  // Enter that ends a composition (Chinese, Japanese, Korean) picks a word; Safari tells it by the key code alone.
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key !== "Enter" || event.shiftKey || event.altKey || composing) return false;
  // A touch keyboard has no other key for a new line. With Ctrl or Command it is no touch keyboard.
  return !TOUCH.matches || event.ctrlKey || event.metaKey;
}

/** @param {KeyboardEvent} event */
function isUp({ key, shiftKey, altKey, ctrlKey, metaKey }) {
  return key === "ArrowUp" && !shiftKey && !altKey && !ctrlKey && !metaKey;
}

/** @param {Event} event */
function editLast(event) {
  const links = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#turns a[name=edit]"));
  if (links.length) event.preventDefault();
  links[links.length - 1]?.click();
}

/**
 * Forget a draft once it has been accepted, even if its composer has left the page by then.
 * @param {EventTarget | null} form
 * @param {string} key
 * @param {string} text
 */
export function forget(form, key, text) {
  const listeners = new AbortController();
  /** @param {Event} event */
  const answered = (event) => {
    const { ctx } = /** @type {CustomEvent<{ctx: HtmxContext}>} */ (event).detail;
    if (ctx.sourceElement !== form) return;
    listeners.abort();
    if (ctx.response && ctx.response.status < 400 && load(key) === text) save(key, "");
  };
  document.addEventListener("htmx:finally:request", answered, { signal: listeners.signal });
}

/** Characters as the server counts them: code points. @param {string} text */
export function characters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** @param {number} value */
export function number(value) {
  return value.toLocaleString("en");
}

/** Storage can be full, broken or forbidden; a draft is then not kept. @param {string} key */
export function load(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} text */
export function save(key, text) {
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // As in `load`.
  }
}

customElements.define("chat-composer", ChatComposer);
