/**
 * `<chat-changes>` keeps the page in step with other tabs and devices. Every other second it says what the page shows, and
 * the server answers with what is otherwise: nothing, as a rule. A hidden page asks nothing, and asks when it is shown.
 */

import { ChatElement } from "./element.js";

/** Milliseconds before a server that fails is asked again; doubled each time up to the longest. */
const DELAY = 1_500;
const LONGEST_DELAY = 15_000;
/** More scripts than these are not told; the server then sends all that it has. */
const MOST = 50;

class ChatChanges extends ChatElement {
  /** The question that is on its way. */
  #asked = "";
  #again = false;
  #delay = 0;
  /** @type {number | undefined} */
  #timer;

  connected() {
    const occasions = ["visibilitychange", "chat:changed", "chat:scripts", "htmx:after:history:update"];
    for (const type of occasions) this.on(document, type, () => this.#ask());
    this.on(document, "htmx:after:swap", ({ detail: { ctx } }) => ctx.target?.id === "conversation" && this.#ask());
    this.on(this, "htmx:config:request", ({ detail: { ctx } }) => (ctx.request.action = this.#asked));
    this.on(this, "htmx:before:swap", (event) => this.#arrived(event));
    this.on(this, "htmx:finally:request", ({ detail: { ctx } }) => this.#answered(ctx.response?.status ?? 0));
    this.#wait();
  }

  disconnected() {
    clearTimeout(this.#timer);
  }

  #ask() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    this.#again = this.#asked !== "";
    if (this.#again) return;
    this.#asked = this.#question;
    this.dispatchEvent(new Event("chat:ask"));
  }

  /** An answer about a page that is another by now, or is about to be, is of no use. @param {Event} event */
  #arrived(event) {
    if (this.#asked === this.#question && !document.querySelector("form.htmx-request")) return;
    event.preventDefault();
    this.#again = true;
  }

  /** @param {number} status of the answer; 0 without one */
  #answered(status) {
    this.#asked = "";
    const fails = status === 0 || status >= 500 || status === 429;
    this.#delay = fails ? Math.min(Math.max(2 * this.#delay, DELAY), LONGEST_DELAY) : 0;
    if (this.#again && !fails) this.#ask();
    // Who is signed out is not signed in by asking.
    else if (fails || status < 400) this.#wait();
  }

  #wait() {
    clearTimeout(this.#timer);
    const { every } = this.dataset;
    if (every || this.#delay) this.#timer = setTimeout(() => this.#ask(), Math.max(Number(every ?? 0), this.#delay));
  }

  /** What the page shows, as an address. */
  get #question() {
    const list = document.getElementById("history-list");
    const last = [...document.querySelectorAll("#turns > .turn[id]")].at(-1);
    const room = /** @type {HTMLElement | null} */ (document.querySelector("#scripts:not([hidden]) chat-scripts"));
    /** @type {Record<string, string | undefined>} */
    const shown = {
      list: list?.dataset.tag,
      length: String(list?.querySelectorAll("a[data-conversation]").length ?? 0),
      q: list?.dataset.query,
      view: list?.dataset.view,
      select: list?.dataset.select,
      shelf: document.getElementById("conversation-menu")?.dataset.shelf,
      title: document.getElementById("heading")?.dataset.tag,
      last: last?.id.replace("turn-", ""),
      revision: document.getElementById("turns")?.dataset.revision ?? "0",
      feedback: document.getElementById("turns")?.dataset.feedback ?? "0",
      rated: revisions(".rate[data-revision]"),
      queue: /** @type {HTMLElement | null} */ (document.querySelector("chat-runner"))?.dataset.queue,
      boxes: revisions("chat-proposal"),
      cards: room ? revisions("#scripts article.script") : undefined,
      show: room?.dataset.show,
    };
    const told = Object.entries(shown).filter(([, value]) => value !== undefined);
    return `${this.#address}?${new URLSearchParams(/** @type {[string, string][]} */ (told))}`;
  }

  /** A page whose conversation is not there any more begins a new one, and asks as one that has none. */
  get #address() {
    const action = document.getElementById("composer")?.getAttribute("action");
    return action?.replace(/messages$/, "changes") ?? this.getAttribute("hx-get");
  }
}

/** @param {string} selector */
function revisions(selector) {
  const shown = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]);
  const told = shown.map(({ id, dataset }) => `${id.slice(id.lastIndexOf("-") + 1).slice(0, 8)}.${dataset.revision}`);
  return shown.length > MOST ? "" : told.join(" ");
}

customElements.define("chat-changes", ChatChanges);
