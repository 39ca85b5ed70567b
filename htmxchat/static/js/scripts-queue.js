/** The queue of scripts of the open conversation, as the server tells it. */

import { FRAGMENT } from "./scripts-job.js";

/** @import { ScriptState } from "./sandbox/result.d.ts" */

/**
 * @typedef {object} Script What is known of a script. Only the one that may run now has its code.
 * @property {string} id
 * @property {string} title
 * @property {ScriptState} state
 * @property {number} revision Rises with whatever happens to it.
 * @property {string | null} runner The page that runs it.
 * @property {string} digest
 * @property {string | null} code
 * @property {string} url
 * @property {string} result Where its result is posted.
 */

/** Milliseconds before a server that could not answer is asked again. */
const LATER = 3_000;

export class Queue {
  #address;
  #told;
  /** @type {number | undefined} */
  #timer;
  #due = 0;
  #looking = false;
  #again = false;
  /** @type {Map<string, ScriptState>} */
  #states = new Map();
  #shown = "";

  /**
   * @param {() => string} address Where the queue is; empty when there is none yet.
   * @param {(scripts: Script[], changed: Script[]) => void} told Called with every answer; `changed` are those that stand
   *   otherwise than the last time.
   */
  constructor(address, told) {
    this.#address = address;
    this.#told = told;
  }

  /** Look at it soon, once however often it is asked for. */
  look(delay = 20) {
    const due = performance.now() + delay;
    if (this.#due && this.#due <= due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetch(), delay);
  }

  close() {
    clearTimeout(this.#timer);
  }

  async #fetch() {
    const url = this.#address();
    this.#due = 0;
    this.#again = this.#looking;
    if (!url || this.#looking) return;
    this.#looking = true;
    try {
      const response = await fetch(url, { headers: { ...FRAGMENT, Accept: "application/json" } });
      if (response.ok) this.#tell(url, (await response.json()).scripts);
      else if (response.status >= 500) this.look(LATER);
    } catch {
      this.look(LATER);
    } finally {
      this.#looking = false;
    }
    if (this.#again) this.look();
  }

  /** @param {string} url @param {Script[]} scripts */
  #tell(url, scripts) {
    if (url !== this.#address()) return this.look();
    const first = url !== this.#shown;
    this.#shown = url;
    const before = first ? new Map() : this.#states;
    this.#states = new Map(scripts.map(({ id, state }) => [id, state]));
    const isNews = (/** @type {Script} */ { id, state }) => before.get(id) !== state && (before.has(id) || state === "queued");
    this.#told(scripts, first ? [] : scripts.filter(isNews));
  }
}
