/** One script that runs in this page: claimed, run, and its result given to the server. */

import { warn } from "./page.js";
import { draw } from "./scripts-room.js";
import { sha256 } from "./sha256.js";

/** @import { Runner } from "./sandbox/runner.js" */
/** @import { Result } from "./sandbox/messages.js" */
/** @import { Script } from "./scripts-queue.js" */
/** @import { Progress } from "./scripts-room.js" */

/** @typedef {{name: string, limit: number, runner: () => Promise<Runner>}} Page The page's own id, the largest result in bytes. */

/** Milliseconds between two signs of life, and between two drawings of the time. */
const RENEW = 15_000;
const TICK = 100;
/** Milliseconds before a result that could not be posted is posted again, doubled each time. */
const DELAY = 500;
const LONGEST_DELAY = 15_000;
/** The server does not take it any more: someone has stopped the script, or all of it is gone. */
const TOO_LATE = [404, 409];

export const FRAGMENT = { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Source": "chat-runner" };
const FORM = { ...FRAGMENT, "Content-Type": "application/x-www-form-urlencoded" };
const JSON_BODY = { ...FRAGMENT, "Content-Type": "application/json" };

const EXCHANGED = "The server sent another text than the one that was approved. Nothing was run.";
const NOT_STARTED = "The sandbox could not be started. Reload the page and run the script again.";

/** @param {string} url @param {Record<string, string>} fields */
export function post(url, fields) {
  return fetch(url, { method: "POST", headers: FORM, body: new URLSearchParams(fields).toString() });
}

export class ScriptJob {
  /** @type {Progress} */
  progress = { stdout: "", stderr: "", note: "Starting", part: undefined, began: 0 };
  #script;
  #page;
  /** @type {Runner | undefined} */
  #runner;
  #stopped = false;

  /** @param {Script} script @param {Page} page */
  constructor(script, page) {
    this.#script = script;
    this.#page = page;
  }

  get id() {
    return this.#script.id;
  }

  /**
   * @param {() => void} begun Called once the script is this page's.
   * @returns {Promise<boolean>} Whether the server let this page run it.
   */
  async run(begun) {
    const { id, code, url, digest } = this.#script;
    const hash = sha256(code ?? "");
    if (code === null || hash !== digest) return false;
    const claim = await post(url, { claim: this.#page.name, digest: hash });
    if (claim.status >= 500) throw new Error(`The script could not be claimed: ${claim.status}`);
    if (!claim.ok) return false;
    const claimed = await claim.json();
    begun();
    const signs = setInterval(() => this.#renew(url), RENEW);
    const clock = setInterval(() => draw(id, this.progress), TICK);
    try {
      // What runs is what was shown, hashed and approved, letter for letter, or nothing.
      const played = claimed.code === code ? this.#play(id, code) : failed("exchanged", EXCHANGED);
      const result = await Promise.resolve(played).catch((error) => failed("load-failed", `${NOT_STARTED} (${error})`));
      Object.assign(this.progress, { note: "Sending the result", part: undefined, began: 0 });
      await this.#finish(result);
    } finally {
      clearInterval(signs);
      clearInterval(clock);
    }
    return true;
  }

  /** Its result says that it was cancelled. */
  stop() {
    this.#stopped = true;
    this.#runner?.stop();
  }

  /** The page goes away, and with it what it runs. */
  abandon() {
    navigator.sendBeacon(this.#script.url, new URLSearchParams({ abandon: this.#page.name }));
    this.stop();
  }

  /** @param {string} id @param {string} code @returns {Promise<Result>} */
  async #play(id, code) {
    const { progress } = this;
    this.#runner = await this.#page.runner();
    const result = this.#runner.run(code, {
      onProgress: ({ phase, loaded, total }) => {
        if (phase === "running") progress.began = performance.now();
        progress.note = phase === "packages" ? "Loading packages" : "Loading Python";
        progress.part = total ? loaded / total : undefined;
        draw(id, progress);
      },
      onOutput: ({ stream, text }) => {
        progress[stream] += text;
        draw(id, progress);
      },
    });
    if (this.#stopped) this.#runner.stop();
    return result;
  }

  /** @param {string} url */
  async #renew(url) {
    const response = await post(url, { renew: this.#page.name }).catch(() => undefined);
    if (response && TOO_LATE.includes(response.status)) this.stop();
  }

  /** Post the result until the server has it. @param {Result} result */
  async #finish(result) {
    let kept = size(result) > this.#page.limit ? bare(result) : result;
    for (let delay = DELAY; ; delay = Math.min(2 * delay, LONGEST_DELAY)) {
      const body = JSON.stringify({ runner: this.#page.name, result: kept });
      const request = fetch(this.#script.result, { method: "POST", headers: JSON_BODY, body });
      const response = await request.catch(() => undefined);
      if (response?.ok || (response && TOO_LATE.includes(response.status))) return;
      if (response?.status === 413) kept = bare(kept);
      else if (response && response.status < 500) {
        warn(`The result of ${this.#script.title} could not be kept. ${await response.text()}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

/** @param {string} type @param {string} message @returns {Result} Of a script that did not run. */
function failed(type, message) {
  const error = { origin: /** @type {const} */ ("sandbox"), type, message, traceback: "" };
  return { state: "failed", seconds: 0, value: null, pictures: [], error, stdout: "", stderr: "", truncated: false };
}

/** @param {Result} result @returns {number} Bytes, with what is posted around it. */
function size(result) {
  return new TextEncoder().encode(JSON.stringify(result)).length + 200;
}

/** @param {Result} result @returns {Result} It without what is large. */
function bare(result) {
  const { stdout, stderr } = result;
  const value = result.value?.kind === "text" ? { ...result.value, text: result.value.text.slice(0, 5_000) } : null;
  return { ...result, value, pictures: [], stdout: stdout.slice(0, 5_000), stderr: stderr.slice(0, 5_000), truncated: true };
}
