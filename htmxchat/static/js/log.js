/**
 * `<chat-log>` holds the turns. It stays at their end while the reader is there, never pulls a reader who has scrolled
 * up, and copies code and answers.
 */

import { endOfTurns, focus } from "./focus.js";
import { Following, NEAR } from "./following.js";
import { announce } from "./page.js";

/** Milliseconds for which a button says that it has copied. */
const SAID = 2_000;

class ChatLog extends HTMLElement {
  /** @type {AbortController | undefined} */
  #listeners;
  /** @type {Following | undefined} */
  #following;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    const body = /** @type {HTMLElement | null} */ (this.querySelector(".room-body"));
    const turns = /** @type {HTMLElement | null} */ (this.querySelector("#turns"));
    // A page of the host's own has turns without a body that scrolls.
    if (!body || !turns) return;
    for (const type of ["chat:sending", "chat:sent"]) {
      document.addEventListener(type, () => this.#following?.follow(true), { signal });
    }
    this.#following = new Following(body, turns, (distance) => this.toggleAttribute("data-more", distance >= NEAR));
    // The empty page is read from its top, and a link to a turn leads there.
    this.#following.follow(!turns.hidden && !document.getElementById(location.hash.slice(1))?.closest("#turns"));
  }

  disconnectedCallback() {
    this.#listeners?.abort();
    this.#following?.disconnect();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest(".jump")) {
      event.preventDefault();
      this.#following?.follow(true);
      // The link goes with what it led to.
      if (event.detail === 0) focus(endOfTurns());
    }
    const button = target?.closest("button[name=copy]");
    if (button instanceof HTMLButtonElement) void copy(button);
  }
}

/** @param {HTMLButtonElement} button */
export async function copy(button) {
  const code = button.closest("figure")?.querySelector("code");
  const url = button.dataset.url;
  try {
    await write(code ? Promise.resolve(code.textContent ?? "") : fetchText(url ?? ""));
    say(button, "Copied");
  } catch {
    say(button, "Could not copy");
  }
}

/** @param {string} url */
async function fetchText(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The answer's text could not be fetched: ${response.status}`);
  return response.text();
}

/**
 * Safari allows the clipboard only in the same turn as the click, so it is given the promise of the text.
 * A page on plain http has no clipboard; there the old way still works.
 * @param {Promise<string>} text
 */
async function write(text) {
  if (navigator.clipboard && "ClipboardItem" in window) {
    const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
    return navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
  }
  const box = document.createElement("textarea");
  box.value = await text;
  box.className = "hidden";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (!done) throw new Error("The browser did not copy.");
}

/** @param {HTMLButtonElement} button @param {string} words */
function say(button, words) {
  const shape = button.querySelector("use");
  announce(`${words}.`);
  button.setAttribute("data-said", words);
  shape?.setAttribute("href", words === "Copied" ? "#i-check" : "#i-alert");
  setTimeout(() => {
    button.removeAttribute("data-said");
    shape?.setAttribute("href", "#i-copy");
  }, SAID);
}

customElements.define("chat-log", ChatLog);
