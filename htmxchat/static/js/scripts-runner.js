/**
 * Which script this page runs, and when. The server decides what runs: a script is claimed before it runs, by the hash of
 * the text that is about to run, and one page gets it.
 */

import { notify } from "./page.js";
import { ScriptJob, post } from "./scripts-job.js";
import { cardOf } from "./scripts-room.js";

/** @import { Runner } from "./sandbox/runner.js" */
/** @import { Script } from "./scripts-queue.js" */

/** Milliseconds before another page's approval is taken. */
const POLITE = 1_500;
/** Milliseconds before a page whose claim could not be made tries again. */
const LATER = 3_000;

export class ScriptRunner {
  #name = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  #settings;
  #look;
  /** @type {Runner | undefined} */
  #runner;
  /** @type {ScriptJob | undefined} */
  #job;
  /** Approved in this page, which therefore need not wait for another. @type {Set<string>} */
  #mine = new Set();
  /** Left to another page until then, and not given to this one. @type {Map<string, number>} */
  #left = new Map();
  /** @type {Set<string>} */
  #refused = new Set();

  /**
   * @param {DOMStringMap} settings How the host wants scripts to run.
   * @param {(delay?: number) => void} look Called to have the queue looked at, in so many milliseconds.
   */
  constructor(settings, look) {
    this.#settings = settings;
    this.#look = look;
  }

  /** What runs in this page. */
  get job() {
    return this.#job;
  }

  /** These were approved in this page. @param {Iterable<string>} ids */
  prefer(ids) {
    for (const id of ids) this.#mine.add(id);
  }

  close() {
    this.#runner?.close();
  }

  /**
   * Run what may run next, and stop what may not run any more.
   * @param {Script[]} scripts @param {boolean} trusted Whether scripts are approved without being looked at.
   */
  consider(scripts, trusted) {
    const job = this.#job;
    const own = job && scripts.find(({ id }) => id === job.id);
    // What was said before the claim still has it approved.
    if (own && own.state !== "approved" && !(own.state === "running" && own.runner === this.#name)) job?.stop();
    if (trusted) for (const script of scripts) if (script.state === "queued") this.#trust(script);
    const next = scripts.find(({ code }) => code !== null);
    if (!next || job || this.#refused.has(version(next)) || !isShown(next)) return;
    const eager = this.#mine.has(next.id) && !document.hidden;
    const wait = eager ? 0 : this.#turn(version(next)) - performance.now();
    if (wait > 0) this.#look(wait);
    else this.#run(next).catch(() => this.#look(LATER));
  }

  /** When this page may take a script: the one in which it was approved comes first. @param {string} script */
  #turn(script) {
    const turn = this.#left.get(script) ?? performance.now() + (document.hidden ? 2 * POLITE : POLITE);
    this.#left.set(script, turn);
    return turn;
  }

  /** @param {Script} script */
  async #run(script) {
    this.#mine.delete(script.id);
    const page = { name: this.#name, limit: Number(this.#settings.limit), runner: () => this.#ready() };
    const job = (this.#job = new ScriptJob(script, page));
    try {
      if (!(await job.run(() => notify("chat:scripts")))) this.#refused.add(version(script));
    } finally {
      this.#job = undefined;
      notify("chat:scripts");
    }
  }

  async #ready() {
    this.#runner ??= new (await import("./sandbox/runner.js")).Runner(this.#options);
    return this.#runner;
  }

  get #options() {
    const { frame, runtime, packages, timeout, loadTimeout, idleTimeout, memory } = this.#settings;
    const numbers = { timeout, loadTimeout, idleTimeout, memory };
    const limits = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value && Number(value)]));
    return { frame, runtime, packages, ...limits };
  }

  /** @param {Script} script */
  #trust({ id, url, digest }) {
    if (this.#mine.has(id) || cardOf(id)?.querySelector("form.edit")) return;
    this.#mine.add(id);
    const approval = post(url, { approve: "yes", trusted: "yes", digest });
    void approval.catch(() => this.#mine.delete(id)).finally(() => notify("chat:scripts"));
  }
}

/** Whether its card, if there is one, shows the text that would run. @param {Script} script */
function isShown({ id, code }) {
  const shown = cardOf(id)?.querySelector(".lines code");
  return !shown || shown.textContent === code;
}

/** @param {Script} script @returns {string} The script with all that has happened to it. */
function version({ id, revision }) {
  return `${id} ${revision}`;
}
