/**
 * `<chat-live>` keeps a live turn up to date. htmx and its hx-sse extension do the work; this element adds what they
 * leave open: a first connection that fails, a stream that delivers nothing, a dead connection, and saying so.
 */

import { ChatElement } from "./element.js";
import { connectAnew, connectNow, isPowered, unpowered } from "./htmx.js";
import { notify } from "./page.js";

/** Milliseconds without a first message, after which the page asks instead of listening. */
const FIRST_MESSAGE = 6_000;
/** Milliseconds of silence after which the connection is made again: it may be dead without anyone having noticed. */
const SILENCE = 45_000;
/** Milliseconds before a first connection that failed is tried again; doubled each time up to the longest. */
const DELAY = 500;
const LONGEST_DELAY = 8_000;
/** Milliseconds for which a page that polls asks a server that fails, before it says so and stops. */
const PATIENCE = 30_000;
/** Answers that trying again does not change. */
const FINAL = new Map([
  [401, "You are signed out. Reload the page to sign in; the agent continues without you."],
  [403, "You are not allowed to follow this answer any more. Reload the page."],
  [404, "This conversation is not there any more."],
]);

export class ChatLive extends ChatElement {
  /** @type {import("./htmx.js").Connection | undefined} */
  #connection;
  /** @type {number | undefined} */
  #timer;
  #delay = DELAY;
  #failingSince = 0;
  #after = "";
  #heardId = 0;

  connected() {
    this.on(this, "htmx:response:error", ({ detail: { ctx } }) => this.#failed(ctx.response.status));
    this.on(this, "htmx:error", () => this.#failed());
    if (!this.#streams) {
      this.on(this, "htmx:after:request", ({ detail: { ctx } }) => ctx.response.status < 400 && this.#answered());
      return;
    }
    this.#after = new URL(this.#streams, location.href).searchParams.get("after") ?? "";
    this.#wait(FIRST_MESSAGE, () => document.hidden || this.#poll());
    this.on(this, "htmx:sse:before:connection", ({ detail }) => (this.#connection = detail.connection));
    this.on(this, "htmx:sse:after:message", ({ detail }) => this.#heard(detail.message));
    this.on(this, "htmx:sse:error", ({ detail: { status } }) => (FINAL.has(status) ? this.#failed(status) : this.#lost()));
    this.on(this, "htmx:sse:close", ({ detail }) => detail.reason === "message" && this.#ended());
    this.on(window, "online", () => connectNow(this.#connection));
  }

  disconnected() {
    clearTimeout(this.#timer);
  }

  /** Bring the inspector's rows as well, or no more. @param {URLSearchParams | null} rows which ones */
  watch(rows) {
    if (!this.#streams && !this.hasAttribute("hx-get")) return;
    const url = this.#address;
    const before = url.search;
    for (const name of ["rows", "type", "q"]) {
      const value = rows?.get(name);
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    if (this.#after) url.searchParams.set("after", this.#after);
    if (url.search === before) return;
    const how = this.#streams ? "hx-sse:connect" : "hx-get";
    if (!isPowered(this)) {
      this.setAttribute(how, url.pathname + url.search);
      return;
    }
    const next = unpowered(this);
    next.setAttribute(how, url.pathname + url.search);
    this.replaceWith(next);
    htmx.process(next);
  }

  /** Where its news come from. */
  get #address() {
    return new URL(this.#streams || (this.getAttribute("hx-get") ?? ""), location.href);
  }

  /** The URL of the stream; empty when this element polls. */
  get #streams() {
    return this.getAttribute("hx-sse:connect") ?? "";
  }

  /** @param {{id: string, event: string, data: string}} message */
  #heard({ id, event, data }) {
    this.#after = id || this.#after;
    this.#heardId = Number(id) || this.#heardId;
    this.#show(event === "delayed" ? data : "");
    this.#wait(SILENCE, () => connectAnew(this.#connection));
  }

  #ended() {
    this.remove();
    notify("chat:changed");
  }

  #answered() {
    this.#failingSince = 0;
    this.#show("");
  }

  #lost() {
    this.#show("Connection lost. Trying to reach the agent again…");
  }

  /** @param {number} [status] of the answer, if there was one */
  #failed(status = 0) {
    const sentence = FINAL.get(status);
    if (sentence) {
      this.#stop(sentence, status === 404);
      return;
    }
    this.#lost();
    this.#failingSince ||= Date.now();
    if (!this.#streams && Date.now() - this.#failingSince > PATIENCE) {
      this.#stop("The agent cannot be reached. Reload the page to look again.");
    } else if (this.#streams) {
      this.#wait(this.#delay, () => this.dispatchEvent(new Event("chat:connect")));
      this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY);
    }
  }

  /** Ask for what comes after the last message, instead of listening. */
  #poll() {
    const url = new URL(this.dataset.poll ?? "", location.href);
    for (const [name, value] of this.#address.searchParams) url.searchParams.set(name, value);
    const rows = url.searchParams.get("rows");
    if (rows !== null) url.searchParams.set("rows", String(Math.max(Number(rows), this.#heardId)));
    if (this.#after) url.searchParams.set("after", this.#after);
    const poller = this.#copy();
    poller.setAttribute("hx-get", url.pathname + url.search);
    poller.setAttribute("hx-trigger", `every ${this.dataset.interval}ms`);
    poller.setAttribute("hx-swap", "none");
    this.replaceWith(poller);
    htmx.process(poller);
  }

  /** @param {string} sentence @param {boolean} [gone] whether there is nothing to be stopped */
  #stop(sentence, gone = false) {
    if (gone) document.querySelector(`#composer-actions[data-run="${this.dataset.run}"] [name=stop]`)?.remove();
    const silent = this.#copy();
    this.replaceWith(silent);
    silent.#show(sentence);
  }

  /** A copy that asks for nothing: taking this element out of the page ends its requests. */
  #copy() {
    const copy = unpowered(this);
    for (const { name } of [...copy.attributes]) {
      if (name.startsWith("hx-") || name === "class") copy.removeAttribute(name);
    }
    return copy;
  }

  /** @param {string} sentence */
  #show(sentence) {
    const line = this.querySelector(".connection");
    if (!(line instanceof HTMLElement) || (line.hidden ? "" : line.dataset.said) === sentence) return;
    line.hidden = !sentence;
    // A style that asks with :has() whether the line is there would cost the whole turn's styles with every word.
    this.closest(".turn")?.toggleAttribute("data-lost", Boolean(sentence));
    line.dataset.said = sentence;
    const reload = document.createElement("a");
    reload.href = "";
    reload.textContent = "Reload";
    line.replaceChildren(sentence, " ", sentence.includes("eload") ? "" : reload);
    const status = document.getElementById("status");
    if (status) status.textContent = sentence || "Connected again.";
  }

  /** @param {number} milliseconds @param {() => void} then */
  #wait(milliseconds, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
  }
}

customElements.define("chat-live", ChatLive);
