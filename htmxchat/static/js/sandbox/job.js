/** One run of a script: what it waits for, what it has said, its limit of time, and its result. */

import { MOST_OUTPUT, fit, read, size } from "./messages.js";
import { Trouble } from "./trouble.js";

/** @import { OnProgress, Progress } from "./files.js" */
/** @import { End, Result } from "./messages.js" */
/** @import { ScriptError } from "./result.d.ts" */

/**
 * @typedef {object} Hooks
 * @property {OnProgress} [onProgress] Loading continues, or has led to the script's start (`phase: "running"`). Bytes.
 * @property {(output: {stream: "stdout" | "stderr", text: string}) => void} [onOutput] The script has printed this.
 */

/**
 * @template T
 * @typedef {{promise: Promise<T>, resolve: (value: T) => void, reject: (reason: unknown) => void}} Deferred
 */

/** Ends of a run after which there is nothing left to interrupt. @type {string[]} */
export const OVER = ["python-crashed", "package-failed", "worker-failed"];

/** A run, as its runner sees it. */
export class Job {
  /** @type {Deferred<string[]>} */
  imports = withResolvers();
  /** @type {Deferred<void>} */
  begun = withResolvers();
  /** @type {Deferred<End>} */
  ended = withResolvers();
  /** Whether Python cannot be used after it. */
  crashed = false;
  #hooks;
  /** @type {Deferred<never>} */
  #trouble = withResolvers();
  #abort = new AbortController();
  #texts = { stdout: "", stderr: "" };
  #room = MOST_OUTPUT;
  #truncated = false;
  #started = 0;
  #stopped = 0;
  /** @type {number | undefined} */
  #timer;
  #seconds = 0;
  #failure = () => new Trouble("load-timeout");

  /** @param {number} number @param {Hooks} hooks */
  constructor(number, hooks) {
    this.number = number;
    this.#hooks = hooks;
    this.#trouble.promise.catch(() => {});
  }

  get signal() {
    return this.#abort.signal;
  }

  get running() {
    return this.#started > 0;
  }

  /** @template T @param {Promise<T>} work @returns {Promise<T>} What it comes to, unless there is trouble first. */
  until(work) {
    work.catch(() => {});
    return Promise.race([work, this.#trouble.promise]);
  }

  /** @param {Trouble} trouble */
  fail(trouble) {
    this.#stopped ||= performance.now();
    this.crashed ||= OVER.includes(trouble.type);
    clearTimeout(this.#timer);
    this.#trouble.reject(trouble);
    this.#abort.abort(trouble);
  }

  /** @param {number} seconds Until it fails; progress counts again. @param {(seconds: number) => Trouble} failure */
  limit(seconds, failure) {
    this.#seconds = seconds;
    this.#failure = () => failure(seconds);
    this.#restart();
  }

  #restart() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fail(this.#failure()), Math.min(this.#seconds * 1_000, 2 ** 31 - 1));
  }

  /** @param {Progress} progress */
  progress(progress) {
    if (this.#stopped) return;
    if (!this.running) this.#restart();
    tell(this.#hooks.onProgress, progress);
  }

  /** @param {string} text What the worker said, whoever spoke. */
  hear(text) {
    const message = read(text);
    if (message?.type === "imports") this.imports.resolve(message.names);
    else if (message?.type === "begun" && !this.running) {
      this.#started = performance.now();
      this.progress({ phase: "running", loaded: 0, total: 0 });
      this.begun.resolve();
    } else if (message?.type === "output") this.#print(message.stream, message.text);
    else if (message?.type === "end") {
      this.#stopped ||= performance.now();
      this.begun.resolve(); // a script may say so itself, before it has begun
      this.ended.resolve(message);
      const trouble = troubleOf(message);
      if (trouble) this.fail(trouble);
    }
  }

  /** @param {"stdout" | "stderr"} stream @param {string} given */
  #print(stream, given) {
    const text = fit(given, this.#room);
    this.#truncated ||= text.length < given.length;
    this.#room -= text ? size(text) : 0;
    if (!text) return;
    this.#texts[stream] += text;
    tell(this.#hooks.onOutput, { stream, text });
  }

  close() {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** @param {End} [end] What the script said at its end. @param {Trouble} [trouble] @returns {Result} */
  result(end, trouble) {
    const seconds = this.#started ? (this.#stopped - this.#started) / 1_000 : 0;
    const error = trouble ? explained(trouble, end) : (end?.error ?? null);
    return {
      state: stateOf(trouble, end),
      seconds: Math.max(0, Math.round(seconds * 1_000) / 1_000),
      value: trouble ? null : (end?.value ?? null),
      pictures: trouble ? [] : (end?.pictures ?? []),
      error: error && pick(error, trouble ? "sandbox" : "python"),
      ...this.#texts,
      truncated: this.#truncated || end?.truncated === true,
    };
  }
}

/** @param {End} end @returns {Trouble | undefined} Why it is no result. */
export function troubleOf({ fatal, packages, broken }) {
  if (fatal) return new Trouble("python-crashed", undefined, fatal);
  if (packages) return new Trouble("package-failed", undefined, packages);
  return broken ? new Trouble("worker-failed", undefined, broken) : undefined;
}

/** @param {Trouble} trouble @param {End} [end] */
function explained({ type, message }, end) {
  return { type, message, traceback: end?.error?.traceback ?? "" };
}

/** @param {{type: string, message: string, traceback: string}} error @param {"python" | "sandbox"} origin @returns {ScriptError} */
function pick({ type, message, traceback }, origin) {
  return { origin, type, message, traceback };
}

/** @param {Trouble | undefined} trouble @param {End | undefined} end @returns {Result["state"]} */
function stateOf(trouble, end) {
  if (!trouble) return end?.error ? "failed" : "done";
  if (trouble.type === "cancelled") return "cancelled";
  return trouble.type === "run-timeout" || trouble.type === "load-timeout" ? "timed-out" : "failed";
}

/** @template T @param {((value: T) => void) | undefined} hook Whose errors are the page's, not the run's. @param {T} value */
function tell(hook, value) {
  try {
    hook?.(value);
  } catch (error) {
    reportError(error);
  }
}

/** @template T @returns {Deferred<T>} */
export function withResolvers() {
  /** @type {any} */
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
