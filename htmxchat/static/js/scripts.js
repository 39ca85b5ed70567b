/**
 * `<chat-runner>` runs the approved scripts of the open conversation in this page, one after the other, and keeps the room
 * of the scripts up to date. It stands outside the room, so that closing the room stops nothing.
 *
 * The server decides what runs: a script is claimed before it runs, by the hash of the text that is about to run, and one
 * page gets it.
 */

import { ChatElement } from "./element.js";
import { announce, warn } from "./page.js";
import { show } from "./rooms.js";
import { blockOf, offerToRun } from "./scripts-blocks.js";
import { FRAGMENT, ScriptJob, post } from "./scripts-job.js";
import { badge, bring, cardOf, draw, tell } from "./scripts-room.js";
import { sha256 } from "./sha256.js";

/** @import { Runner } from "./sandbox/runner.js" */
/** @import { ScriptState } from "./sandbox/result.d.ts" */
/** @import { Card } from "./scripts-job.js" */

/** Milliseconds: between two looks at what another page runs, and before another page's approval is taken. */
const LOOK = 3_000;
const POLITE = 1_500;
const UNREACHABLE = "The chat cannot be reached. Check the connection and try again.";
const PRESSED = "button[name=run], #scripts a[data-turn], a[data-script], button[name=cancel]";
/** What is said when a script has come there. @type {Record<ScriptState, string>} */
const SAID = {
  queued: "needs your approval",
  approved: "is approved and runs when it is its turn",
  running: "runs",
  done: "is done",
  failed: "failed",
  rejected: "was rejected",
  cancelled: "was cancelled",
  "timed-out": "took too long",
};

class ChatRunner extends ChatElement {
  #name = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  /** @type {BroadcastChannel | undefined} */
  #channel;
  /** @type {Runner | undefined} */
  #runner;
  /** @type {ScriptJob | undefined} */
  #job;
  /** What the cards of the conversation said last. @type {Map<string, ScriptState>} */
  #states = new Map();
  #shown = "";
  /** Approved in this page, which therefore need not wait for another. @type {Set<string>} */
  #mine = new Set();
  /** Left to another page until then, and not given to this one. @type {Map<string, number>} */
  #left = new Map();
  /** @type {Set<string>} */
  #refused = new Set();
  #wanted = "";
  /** A script that is shown even if it was put out of sight, as a query. */
  #pinned = "";
  /** What the server said last, and where. */
  #last = { address: "", tag: "", html: "" };
  #looking = false;
  #again = false;
  /** @type {number | undefined} */
  #timer;
  #due = 0;

  connected() {
    this.on(document, "chat:scripts", () => this.#changed());
    this.on(document, "chat:changed", () => this.#look());
    this.on(document, "visibilitychange", () => document.hidden || this.#look());
    this.on(document, "htmx:after:swap", (event) => this.#swapped(event.detail.ctx));
    this.on(document, "htmx:after:history:update", () => this.#look());
    this.on(document, "click", (event) => this.#clicked(event));
    this.on(document, "htmx:after:request", (event) => edited(event.detail.ctx ?? {}));
    this.on(document, "submit", (event) => this.#submitted(event));
    this.on(document, "change", (event) => this.#switched(event.target));
    // The browser asks before it ends what runs here, or loses what is written here.
    this.on(window, "beforeunload", (event) => (this.#job || unsaved()) && event.preventDefault());
    this.on(window, "pagehide", () => this.#job?.abandon());
    this.#channel = new BroadcastChannel(`htmxchat ${this.dataset.root}`);
    this.on(this.#channel, "message", () => this.#look());
    const settled = this.keep(new MutationObserver(() => offerToRun()));
    settled.observe(document.body, { attributeFilter: ["aria-busy"], subtree: true });
    offerToRun();
    if (location.hash.startsWith("#script-")) this.#wanted = location.hash.slice(1);
    if (this.#wanted) this.#pinned = `?show=${this.#wanted.replace("script-", "")}`;
    this.#focus();
    if (this.#open || document.querySelector("chat-proposal")) this.#look();
  }

  disconnected() {
    this.#channel?.close();
    clearTimeout(this.#timer);
    this.#runner?.close();
  }

  get #room() {
    return /** @type {HTMLElement | null} */ (document.getElementById("scripts"));
  }

  get #open() {
    return this.#room !== null && !this.#room.hidden;
  }

  /** The address of the open conversation's queue; empty when there is none yet. */
  get #queue() {
    const url = this.#room?.dataset.url ?? "";
    return url === this.dataset.none ? "" : (url.split("?")[0] ?? "");
  }

  /** Something was done here: other pages look as well. */
  #changed() {
    this.#channel?.postMessage("changed");
    this.#look();
  }

  /** Look at the queue soon, once however often it is asked for. */
  #look(delay = 20) {
    const due = performance.now() + delay;
    if (this.#due && this.#due <= due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetch(), delay);
  }

  async #fetch() {
    const url = this.#queue;
    this.#due = 0;
    if (!url || this.#looking) {
      this.#again = this.#looking;
      return;
    }
    this.#looking = true;
    try {
      const address = url + this.#pinned;
      const last = this.#last.address === address ? this.#last : undefined;
      const response = await fetch(address, { headers: { ...FRAGMENT, "If-None-Match": last?.tag ?? "" } });
      const html = response.status === 304 ? (last?.html ?? "") : response.ok ? await response.text() : "";
      if (html && url === this.#queue) {
        this.#last = { address, tag: response.headers.get("ETag") ?? "", html };
        this.#show(url, html);
      } else if (html || response.status >= 500) {
        this.#look(LOOK);
      }
    } catch {
      this.#look(LOOK);
    } finally {
      this.#looking = false;
    }
    if (this.#again) this.#look();
    this.#again = false;
  }

  /** @param {string} url @param {string} html */
  #show(url, html) {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    const fresh = parsed.getElementById("scripts");
    const room = this.#room;
    if (!fresh || !room || url !== this.#queue) return;
    const cards = /** @type {HTMLElement[]} */ ([...fresh.querySelectorAll("article.script")]);
    badge(cards.filter((card) => card.dataset.state === "queued").length);
    this.#say(url, cards);
    // What runs is decided by what the server says, and not by what the page happens to show.
    this.#go(cards.map((card) => ({ ...card.dataset, id: card.id, state: stateOf(card), code: codeOf(card) })));
    if (this.#open) bring(room, fresh);
    tell(parsed.getElementById("scripts-news"));
    if (this.#job) draw(this.#job.id, this.#job.progress);
    this.#restore(url);
    this.#focus();
  }

  /** Say once what became of each script. @param {string} url @param {HTMLElement[]} cards */
  #say(url, cards) {
    const first = url !== this.#shown;
    this.#shown = url;
    if (first) this.#states.clear();
    for (const card of cards) {
      const { id, dataset } = card;
      const before = this.#states.get(id);
      const now = stateOf(card);
      this.#states.set(id, now);
      if (first || before === now || document.hidden) continue;
      if (before || now === "queued") announce(`The script ${dataset.title} ${SAID[now]}.`);
    }
  }

  /**
   * Run what may run next, and stop what may not run any more.
   * @param {Card[]} cards
   */
  #go(cards) {
    const job = this.#job;
    const own = job && cards.find(({ id }) => id === job.id);
    // A look that began before the claim still finds it approved.
    if (own && own.state !== "approved" && !(own.state === "running" && own.runner === this.#name)) job?.stop();
    for (const card of cards) if (card.state === "queued") this.#trust(card);
    const others = cards.some((card) => card.state === "running" && card.id !== job?.id);
    const next = cards.find((card) => card.next !== undefined);
    if (others || (job && cards.some((card) => card.state === "approved"))) this.#look(document.hidden ? 5 * LOOK : LOOK);
    if (!next || job || this.#refused.has(version(next))) return;
    const eager = this.#mine.has(next.id) && !document.hidden;
    const wait = eager ? 0 : this.#turn(version(next)) - performance.now();
    if (wait > 0) this.#look(wait);
    else this.#run(next).catch(() => this.#look(LOOK));
  }

  /** When this page may take a script: the one in which it was approved comes first. @param {string} script */
  #turn(script) {
    const turn = this.#left.get(script) ?? performance.now() + (document.hidden ? 2 * POLITE : POLITE);
    this.#left.set(script, turn);
    return turn;
  }

  /** @param {Card} card */
  async #run(card) {
    this.#mine.delete(card.id);
    const page = { name: this.#name, limit: Number(this.dataset.limit), runner: () => this.#ready() };
    const job = (this.#job = new ScriptJob(card, page));
    try {
      if (!(await job.run(() => this.#look()))) this.#refused.add(version(card));
    } finally {
      this.#job = undefined;
      this.#changed();
    }
  }

  async #ready() {
    this.#runner ??= new (await import("./sandbox/runner.js")).Runner(this.#options);
    return this.#runner;
  }

  /** How the host wants scripts to run. */
  get #options() {
    const { frame, runtime, packages, timeout, loadTimeout, idleTimeout, memory } = this.dataset;
    const numbers = { timeout, loadTimeout, idleTimeout, memory };
    const limits = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value && Number(value)]));
    return { frame, runtime, packages, ...limits };
  }

  // What the reader does

  /** @param {HtmxContext} ctx */
  #swapped({ target }) {
    if (target?.matches("#conversation, #turns, .rooms, body")) offerToRun();
    if (target?.matches("#conversation")) this.#pinned = "";
    if (target?.matches("#scripts, #conversation")) this.#look();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const pressed = event.target instanceof Element ? event.target.closest(PRESSED) : null;
    if (!pressed || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (pressed.matches("[name=run]")) void this.#queueBlock(pressed);
    else if (pressed.matches("a[data-turn]")) {
      event.preventDefault();
      this.#back(`turn-${pressed.getAttribute("data-turn")}`);
    } else if (pressed.matches("a")) {
      event.preventDefault();
      this.#lead(`script-${pressed.getAttribute("data-script")}`);
    } else if (this.#job && pressed.closest("article")?.id === this.#job.id) {
      // What it has printed so far is kept: its end is posted from here.
      event.preventDefault();
      event.stopImmediatePropagation();
      this.#job.stop();
    }
  }

  /** @param {Event & {submitter?: HTMLElement | null}} event */
  #submitted({ target, submitter }) {
    const card = target instanceof Element ? target.closest("#scripts article.script") : null;
    if (card && submitter?.matches("[name=approve], [name=rerun]")) this.#mine.add(card.id);
    if (target instanceof Element && target.matches("[id^=scripts-all-]")) {
      for (const each of document.querySelectorAll("#scripts article[data-state=queued]")) this.#mine.add(each.id);
    }
    if (submitter?.matches("[name=clear]")) this.#pinned = "";
    if (target instanceof Element && target.closest("#scripts")) document.getElementById("scripts-error")?.replaceChildren();
  }

  /** @param {Element} button */
  async #queueBlock(button) {
    const block = blockOf(button);
    if (!block || !this.#queue) return;
    const fields = { run: block.run, block: block.block, digest: sha256(block.code) };
    const response = await post(this.#queue, fields).catch(() => undefined);
    if (!response?.ok) return warn(response ? await response.text() : UNREACHABLE);
    const { script } = await response.json();
    this.#lead(`script-${script}`);
    this.#changed();
  }

  /** Open the room at a script. @param {string} id */
  #lead(id) {
    this.#wanted = id;
    this.#pinned = `?show=${encodeURIComponent(id.replace("script-", ""))}`;
    if (this.#open) show("scripts");
    else /** @type {HTMLElement | null} */ (document.querySelector(".opener[data-room=scripts]"))?.click();
    this.#focus();
    this.#look();
  }

  /** Show the answer that a script comes from. @param {string} id */
  #back(id) {
    show("conversation");
    const turn = document.getElementById(id);
    turn?.scrollIntoView();
    turn?.setAttribute("tabindex", "-1");
    turn?.focus({ preventScroll: true });
  }

  #focus() {
    const card = this.#wanted ? cardOf(this.#wanted) : null;
    if (!card || !this.#open) return;
    this.#wanted = "";
    const button = card.querySelector("button[name=approve]");
    card.scrollIntoView({ block: "nearest" });
    /** @type {HTMLElement} */ (button ?? card).focus({ preventScroll: true });
  }

  // Trust, where the host offers it: kept in this tab, for this conversation.

  /** @param {EventTarget | null} target */
  #switched(target) {
    if (!(target instanceof HTMLInputElement) || !target.matches("#scripts [name=trust]")) return;
    sessionStorage.setItem(`htmxchat:trust:${this.#queue}`, target.checked ? "yes" : "");
    this.#look();
  }

  #trusts() {
    return sessionStorage.getItem(`htmxchat:trust:${this.#queue}`) === "yes" && this.dataset.trust !== undefined;
  }

  /** @param {string} url */
  #restore(url) {
    const box = url === this.#queue ? this.#room?.querySelector("[name=trust]") : null;
    if (box instanceof HTMLInputElement) box.checked = this.#trusts();
  }

  /** @param {Card} card */
  #trust({ id, url, digest }) {
    if (!this.#trusts() || !url || !digest || this.#mine.has(id) || cardOf(id)?.querySelector("form.edit")) return;
    this.#mine.add(id);
    const approval = post(url, { approve: "yes", trusted: "yes", digest });
    void approval.catch(() => this.#mine.delete(id)).finally(() => this.#changed());
  }
}

/** @param {HTMLElement} card */
function stateOf({ dataset }) {
  return /** @type {ScriptState} */ (dataset.state);
}

/** @param {HTMLElement} card */
function codeOf(card) {
  return card.querySelector("code")?.textContent ?? "";
}

/** @param {Card} card @returns {string} The script with all that has happened to it. */
function version({ id, revision }) {
  return `${id} ${revision}`;
}

/** Whether there is an edited text that the server does not have. */
function unsaved() {
  const boxes = /** @type {NodeListOf<HTMLTextAreaElement>} */ (document.querySelectorAll("#scripts form.edit textarea"));
  return [...boxes].some((box) => box.value !== box.defaultValue);
}

/** What was edited and saved is not being edited any more. @param {HtmxContext} ctx */
function edited({ sourceElement, response }) {
  const form = response && response.status < 400 ? sourceElement?.closest("#scripts form.edit") : null;
  form?.classList.remove("edit");
}

customElements.define("chat-runner", ChatRunner);
