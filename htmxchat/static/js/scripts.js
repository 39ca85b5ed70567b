/**
 * `<chat-runner>` has the approved scripts of the open conversation run in this page, one after the other, and leads to
 * them. It stands outside their room, so that closing the room stops nothing. `data-queue` says when there is news.
 */

import { ChatElement } from "./element.js";
import { announce, notify, warn } from "./page.js";
import { show } from "./rooms.js";
import { blockOf, offerToRun } from "./scripts-blocks.js";
import { post } from "./scripts-job.js";
import { Queue } from "./scripts-queue.js";
import { badge, cardOf, draw } from "./scripts-room.js";
import { ScriptRunner } from "./scripts-runner.js";
import { sha256 } from "./sha256.js";

/** @import { Script } from "./scripts-queue.js" */
/** @import { ScriptState } from "./sandbox/result.d.ts" */

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
  static observedAttributes = ["data-queue"];

  #queue = new Queue(() => this.#address, (scripts, changed) => this.#told(scripts, changed));
  #runner = new ScriptRunner(this.dataset, (delay) => this.#queue.look(delay));
  /** The script to which the reader is led. */
  #wanted = "";

  connected() {
    this.on(document, "chat:scripts", () => this.#queue.look());
    this.on(document, "htmx:after:swap", (event) => this.#swapped(event.detail.ctx));
    this.on(document, "click", (event) => this.#clicked(event));
    this.on(document, "htmx:after:request", (event) => edited(event.detail.ctx ?? {}));
    this.on(document, "submit", (event) => this.#submitted(event));
    this.on(document, "change", (event) => this.#switched(event.target));
    // The browser asks before it ends what runs here, or loses what is written here.
    this.on(window, "beforeunload", (event) => (this.#runner.job || unsaved()) && event.preventDefault());
    this.on(window, "pagehide", () => this.#runner.job?.abandon());
    const settled = this.keep(new MutationObserver(() => offerToRun()));
    settled.observe(document.body, { attributeFilter: ["aria-busy"], subtree: true });
    offerToRun();
    if (location.hash.startsWith("#script-")) this.#wanted = location.hash.replace("#script-", "");
    this.#arrive();
    if (this.#open || document.querySelector("chat-proposal")) this.#queue.look();
  }

  disconnected() {
    this.#queue.close();
    this.#runner.close();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#queue.look();
  }

  get #room() {
    return /** @type {HTMLElement | null} */ (document.getElementById("scripts"));
  }

  get #open() {
    return this.#room !== null && !this.#room.hidden;
  }

  /** The address of the open conversation's queue; empty when there is none yet. */
  get #address() {
    const url = this.#room?.dataset.url ?? "";
    return url === this.dataset.none ? "" : (url.split("?")[0] ?? "");
  }

  /** @param {Script[]} scripts @param {Script[]} changed */
  #told(scripts, changed) {
    badge(scripts.filter(({ state }) => state === "queued").length);
    if (!document.hidden) for (const { title, state } of changed) announce(`The script ${title} ${SAID[state]}.`);
    this.#runner.consider(scripts, this.#trusts);
  }

  /** @param {HtmxContext} ctx */
  #swapped({ target, sourceElement }) {
    // What streams in, many times a second, is not over yet.
    if (sourceElement?.localName === "chat-live") return;
    offerToRun();
    const { job } = this.#runner;
    if (job) draw(job.id, job.progress);
    const box = this.#room?.querySelector("[name=trust]");
    if (box instanceof HTMLInputElement) box.checked = this.#trusts;
    if (target?.matches("#scripts, #conversation")) this.#queue.look();
    this.#arrive();
  }

  // What the reader does

  /** @param {MouseEvent} event */
  #clicked(event) {
    const pressed = event.target instanceof Element ? event.target.closest(PRESSED) : null;
    if (!pressed || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const { job } = this.#runner;
    if (pressed.matches("[name=run]")) void this.#queueBlock(pressed);
    else if (pressed.matches("a[data-turn]")) {
      event.preventDefault();
      back(`turn-${pressed.getAttribute("data-turn")}`);
    } else if (pressed.matches("a")) {
      event.preventDefault();
      this.#lead(pressed.getAttribute("data-script") ?? "");
    } else if (job && pressed.closest("article") === cardOf(job.id)) {
      // What it has printed so far is kept: its end is posted from here.
      event.preventDefault();
      event.stopImmediatePropagation();
      job.stop();
    }
  }

  /** @param {Event & {submitter?: HTMLElement | null}} event */
  #submitted({ target, submitter }) {
    if (!(target instanceof Element) || !target.closest("#scripts")) return;
    document.getElementById("scripts-error")?.replaceChildren();
    const all = target.matches("[id^=scripts-all-]") && "#scripts article[data-state=queued]";
    const cards = all ? [...document.querySelectorAll(all)] : [target.closest("article.script")];
    if (all || submitter?.matches("[name=approve], [name=rerun]")) {
      this.#runner.prefer(cards.map((card) => card?.id.replace("script-", "") ?? ""));
    }
    if (submitter?.matches("[name=clear]")) pin("");
  }

  /** @param {Element} button */
  async #queueBlock(button) {
    const block = blockOf(button);
    if (!block || !this.#address) return;
    const fields = { run: block.run, block: block.block, digest: sha256(block.code) };
    const response = await post(this.#address, fields).catch(() => undefined);
    if (!response?.ok) return warn(response ? await response.text() : UNREACHABLE);
    this.#lead((await response.json()).script);
  }

  /** Open the room at a script. @param {string} id */
  #lead(id) {
    this.#wanted = id;
    if (this.#open) show("scripts");
    else /** @type {HTMLElement | null} */ (document.querySelector(".opener[data-room=scripts]"))?.click();
    this.#arrive();
    notify("chat:scripts");
  }

  /** Give the focus to the script that is wanted, once it is there. */
  #arrive() {
    if (!this.#wanted || !this.#open) return;
    pin(this.#wanted);
    const card = cardOf(this.#wanted);
    if (!card) return notify("chat:scripts");
    this.#wanted = "";
    const button = card.querySelector("button[name=approve]");
    card.scrollIntoView({ block: "nearest" });
    /** @type {HTMLElement} */ (button ?? card).focus({ preventScroll: true });
  }

  // Trust, where the host offers it: kept in this tab, for this conversation.

  /** @param {EventTarget | null} target */
  #switched(target) {
    if (!(target instanceof HTMLInputElement) || !target.matches("#scripts [name=trust]")) return;
    sessionStorage.setItem(`htmxchat:trust:${this.#address}`, target.checked ? "yes" : "");
    this.#queue.look();
  }

  get #trusts() {
    return sessionStorage.getItem(`htmxchat:trust:${this.#address}`) === "yes" && this.dataset.trust !== undefined;
  }
}

/** Have the room show a script even if it was put out of sight. @param {string} id */
function pin(id) {
  const room = /** @type {HTMLElement | null} */ (document.querySelector("#scripts chat-scripts"));
  if (room && id) room.dataset.show = id;
  else if (room) delete room.dataset.show;
}

/** Show the answer that a script comes from. @param {string} id */
function back(id) {
  show("conversation");
  const turn = document.getElementById(id);
  turn?.scrollIntoView();
  turn?.setAttribute("tabindex", "-1");
  turn?.focus({ preventScroll: true });
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
  form?.closest("article")?.removeAttribute("hx-morph-skip");
}

customElements.define("chat-runner", ChatRunner);
