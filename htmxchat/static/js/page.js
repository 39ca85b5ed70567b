/** What all rooms share: times in the reader's words, sentences for the reader, and menus. */

import { ChatElement } from "./element.js";

const HOUR = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const WEEK = 6 * 24 * 60 * 60 * 1000;
/** Milliseconds for which a warning is shown. */
const SHOWN = 8_000;

/**
 * Rewrite every `<time datetime>` in `root`, which the server writes in UTC, in the reader's zone and language.
 * @param {ParentNode} root
 */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.getAttribute("datetime") ?? "");
    if (Number.isNaN(at.valueOf())) continue;
    const form = element.getAttribute("data-form");
    element.textContent = form === "exact" ? EXACT.format(at) : form === "short" ? short(at) : HOUR.format(at);
    element.setAttribute("title", FULL.format(at));
  }
}

/** @param {Date} at */
function short(at) {
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return HOUR.format(at);
  return now.valueOf() - at.valueOf() < WEEK ? WEEKDAY.format(at) : DAY.format(at);
}

/**
 * Tell every room of this page. The event comes from the body, where htmx's `from:body` hears it, and bubbles to the
 * document, where the elements do.
 * @param {string} type
 */
export function notify(type) {
  document.body.dispatchEvent(new Event(type, { bubbles: true }));
}

/** Tell a screen reader. @param {string} words */
export function announce(words) {
  const status = document.getElementById("status");
  if (!status) return;
  status.removeAttribute("data-shown");
  status.textContent = words;
}

/** Tell every reader, for a while, or until there is something else to say. @param {string} words */
export function warn(words) {
  announce(words);
  const status = document.getElementById("status");
  if (!status) return;
  status.setAttribute("data-shown", words);
  const listeners = new AbortController();
  status.addEventListener("click", () => done(), { signal: listeners.signal });
  const done = () => {
    clearTimeout(timer);
    listeners.abort();
    news.disconnect();
    if (status.getAttribute("data-shown") === words) status.removeAttribute("data-shown");
  };
  const timer = setTimeout(done, SHOWN);
  const news = new MutationObserver(() => status.textContent !== words && done());
  news.observe(status, { childList: true });
}

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

/** The element that a link to a place of this page leads to. @param {string} hash */
export function leadsTo(hash) {
  return document.getElementById(hash.slice(1));
}
