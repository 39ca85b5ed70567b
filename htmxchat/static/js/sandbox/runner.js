/**
 * Runs Python in a sandbox: no network, no storage, no way to the page. Needs only the files of this folder, those of
 * Pyodide, and a document for the frame; see docs/pyodide_worker_communication.md.
 *
 *     import { Runner } from "/chat/static/latest/js/sandbox/runner.js";
 *
 *     const runner = new Runner();
 *     const result = await runner.run("print('hello')\n1 + 1", { onOutput: ({ text }) => console.log(text) });
 *     result.state === "done" && result.value.text === "2";
 *
 * @module
 */

import { Box } from "./box.js";
import { CORE, SnapshotStore, fetchAll, fetchText } from "./files.js";
import { MOST_OUTPUT, fit, read, size } from "./messages.js";
import { NO_PACKAGES, PackageFolder } from "./packages.js";
import { Trouble } from "./trouble.js";

/** @import { OnProgress, Progress } from "./files.js" */
/** @import { End, Result, RunError } from "./messages.js" */

/**
 * @typedef {object} Options
 * @property {string} [frame] The address of the sandbox's document. By default the chat's own, `…/sandbox`.
 * @property {string} [runtime] The folder with Pyodide's core files. By default those that come with htmxchat.
 * @property {string} [packages] The folder of a Pyodide distribution, for scripts that import more than the standard
 *   library.
 * @property {number} [timeout] Seconds that a script may run.
 * @property {number} [loadTimeout] Seconds without progress that loading Python or a package may take.
 * @property {number} [idleTimeout] Seconds without a script, after which Python's memory is given back.
 * @property {number} [memory] Bytes that Python may use.
 * @property {boolean} [keep] Whether a script finds the names of the one before it. Then it must trust it as well.
 */

/**
 * @typedef {object} Hooks
 * @property {OnProgress} [onProgress] Loading goes on, or has led to the script's start (`phase: "running"`). Bytes.
 * @property {(output: {stream: "stdout" | "stderr", text: string}) => void} [onOutput] The script has printed this.
 */

/**
 * @template T
 * @typedef {{promise: Promise<T>, resolve: (value: T) => void, reject: (reason: unknown) => void}} Deferred
 */

/** Milliseconds that a script has to end itself, and that the frame has to end its worker. */
const GRACE = 1_000;
const TERMINATION = 1_000;

const FOLDER = new URL("./", import.meta.url).href;

/** One frame, one worker, one run at a time. Nothing is loaded before the first run. */
export class Runner {
  #options;
  /** @type {SnapshotStore | undefined} */
  #snapshots;
  /** @type {Box | undefined} */
  #box;
  /** Settles when the box has a worker that is ready. @type {Deferred<void> | undefined} */
  #worker;
  /** Resolves when the frame has terminated its worker. */
  #terminated = () => {};
  /** @type {PackageFolder | undefined} */
  #packages;
  /** @type {Job | undefined} */
  #job;
  /** @type {number | undefined} */
  #idle;
  #count = 0;
  #closed = false;

  /** @param {Options} [options] */
  constructor(options = {}) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const filled = {
      frame: new URL("../../../../sandbox", FOLDER).href,
      // Not at this version's address: it stays in the browser's cache when others of htmxchat's files change.
      runtime: new URL("../../../pyodide/vendor/pyodide/", FOLDER).href,
      packages: "",
      timeout: 30,
      loadTimeout: 60,
      idleTimeout: 300,
      memory: 512 * 1024 * 1024,
      keep: false,
      .../** @type {Options} */ (given),
    };
    this.#options = {
      ...filled,
      frame: new URL(filled.frame, document.baseURI).href,
      runtime: folder(filled.runtime),
      packages: filled.packages && folder(filled.packages),
    };
  }

  /**
   * Run a script. Whatever happens to it, the result says so; the promise rejects only when the runner itself is used
   * wrongly: while it runs another script, or after `close()`.
   *
   * @param {string} code
   * @param {Hooks} [hooks]
   * @returns {Promise<Result>}
   */
  async run(code, hooks = {}) {
    if (this.#closed) throw new Error("This runner is closed.");
    if (this.#job) throw new Error("This runner runs a script already. Wait for its result.");
    clearTimeout(this.#idle);
    const job = (this.#job = new Job(++this.#count, hooks));
    try {
      return job.result(await job.until(this.#play(job, code)));
    } catch (error) {
      const trouble = error instanceof Trouble ? error : new Trouble("load-failed", undefined, String(error));
      job.fail(trouble);
      return job.result(await this.#halt(job, trouble), trouble);
    } finally {
      job.close();
      this.#job = undefined;
      this.#rest(job);
    }
  }

  /** End the run that is under way, if there is one: as `cancelled`. */
  stop() {
    this.#job?.fail(new Trouble("cancelled"));
  }

  /** Stop, and give everything back. The runner cannot be used any more. */
  close() {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.stop();
    this.#remove();
  }

  /** @param {Job} job @param {string} code @returns {Promise<End>} */
  async #play(job, code) {
    job.limit(this.#options.loadTimeout, loadTimeout);
    const box = await this.#ready(job);
    box.post({ type: "run", run: job.number, code, keep: this.#options.keep });
    const modules = await job.imports.promise;
    const { packages, files } = await this.#fetchPackages(job, modules);
    box.post({ type: "execute", packages, files }, files.map(({ bytes }) => bytes));
    await job.begun.promise;
    job.limit(this.#options.timeout, () => new Trouble("run-timeout", `The script ran for more than ${duration(this.#options.timeout)} and was stopped.`));
    const end = await job.ended.promise;
    this.#explain(end);
    return end;
  }

  /** @param {Job} job @returns {Promise<Box>} The box, when it holds a worker that waits for a script. */
  async #ready(job) {
    if (!this.#box || !this.#worker) return this.#load(job);
    job.progress({ phase: "starting", loaded: 0, total: 0 });
    this.#box.watch(true);
    const box = this.#box;
    try {
      await this.#worker.promise;
      return box;
    } catch {
      // The worker that was to wait for this run did not start. Begin from the beginning.
      return this.#load(job);
    }
  }

  /** @param {Job} job @returns {Promise<Box>} */
  async #load(job) {
    this.#remove(); // a box whose next worker did not start
    const { signal } = job;
    const { frame, runtime, packages, memory } = this.#options;
    const wanted = Object.entries(CORE).map(([name, size]) => ({ url: new URL(name, runtime).href, size }));
    /** @param {number} loaded @param {number} total */
    const onBytes = (loaded, total) => job.progress({ phase: "runtime", loaded, total });
    const [box, [loader, core, wasm, stdlib], source, prelude, found] = await all([
      Box.open(frame, signal).then((box) => this.#adopt(box, signal)),
      fetchAll(wanted, { signal, onBytes }),
      fetchText(new URL("worker.js", FOLDER).href, signal),
      fetchText(new URL("prelude.py", FOLDER).href, signal),
      packages ? PackageFolder.open(packages, signal) : undefined,
    ]);
    const snapshots = (this.#snapshots = await SnapshotStore.of([loader, core, wasm, stdlib], packages));
    const snapshot = await snapshots.get();
    signal.throwIfAborted();
    this.#packages = found;
    job.progress({ phase: "starting", loaded: 0, total: 0 });
    const lock = found?.lock ?? NO_PACKAGES;
    const worker = this.#expect();
    const bytes = { loader, core, wasm, stdlib, snapshot };
    const transfer = [loader, core, wasm, stdlib, ...(snapshot ? [snapshot] : [])];
    box.post({ type: "load", source, prelude, lock, memory, ...bytes }, transfer);
    try {
      await worker.promise;
    } catch (error) {
      if (!snapshot || !(error instanceof Trouble) || error.type !== "load-failed") throw error;
      // The snapshot may be what is wrong. Start the plain way, which makes a new one.
      await snapshots.delete();
      const again = this.#expect();
      box.post({ type: "forget" });
      box.post({ type: "start" });
      await again.promise;
    }
    return box;
  }

  /** @param {Box} box @param {AbortSignal} signal */
  #adopt(box, signal) {
    if (signal.aborted) {
      box.remove();
      throw signal.reason;
    }
    this.#box = box;
    box.onmessage = (message) => this.#hear(message);
    box.oncrash = () => {
      this.#remove(new Trouble("frame-crashed"));
    };
    box.watch(true);
    return box;
  }

  /** @returns {Deferred<void>} What settles when the worker that has been asked for is ready. */
  #expect() {
    const worker = (this.#worker = withResolvers());
    worker.promise.catch(() => {}); // whoever needs it will see
    return worker;
  }

  /** @param {any} message What the frame says: its own words but for `text`, which is the worker's. */
  #hear(message) {
    switch (message.type) {
      case "ready":
        this.#worker?.resolve();
        break;
      case "snapshot":
        void this.#snapshots?.put(message.snapshot);
        break;
      case "said":
        if (this.#job && this.#job.number === message.run) this.#job.hear(message.text);
        break;
      case "terminated":
        this.#terminated();
        break;
      case "down":
        this.#down(message);
    }
  }

  /** @param {{reason: string, run: number, message: string}} message */
  #down({ reason, run, message }) {
    const type = DOWN[reason] ?? "load-failed";
    const trouble = new Trouble(type, undefined, ["wasm-refused", "load-failed"].includes(type) ? message : "");
    this.#worker?.reject(trouble);
    this.#worker = undefined;
    if (run && this.#job?.number === run) this.#job.fail(trouble);
    else if (!run && type === "version-mismatch") this.#job?.fail(trouble);
  }

  /**
   * End what is left of a run that is in trouble.
   * @param {Job} job @param {Trouble} trouble @returns {Promise<End | undefined>} What the script said at its end.
   */
  async #halt(job, trouble) {
    const box = this.#box;
    if (!job.running || !box) {
      // Not worth an escalation: what loads is thrown away.
      this.#remove();
      return undefined;
    }
    if (!this.#worker) return undefined; // it is gone already
    if (OVER.includes(trouble.type)) return undefined;
    box.post({ type: "interrupt" });
    const end = await within(GRACE, job.ended.promise);
    if (end && !troubleOf(end)) return end;
    const terminated = new Promise((resolve) => (this.#terminated = () => resolve(true)));
    this.#worker = undefined;
    box.post({ type: "terminate" });
    if (!(await within(TERMINATION, terminated))) this.#remove();
    return undefined;
  }

  /** @param {Job} job After it: make ready for the next one, and give everything back if there is none. */
  #rest(job) {
    const box = this.#box;
    if (this.#closed || !box) return;
    box.watch(false);
    if (!this.#worker || !this.#options.keep || job.crashed) {
      // What a script has left behind ends with it: the next one finds a new Python, waiting.
      this.#expect();
      box.post({ type: "start" });
    }
    this.#idle = setTimeout(() => this.#remove(), this.#options.idleTimeout * 1_000);
  }

  /** @param {Trouble} [trouble] Why the box is gone. */
  #remove(trouble) {
    this.#box?.remove();
    this.#box = undefined;
    this.#worker?.reject(trouble ?? new Trouble("worker-closed"));
    this.#worker = undefined;
    if (trouble) this.#job?.fail(trouble);
  }

  /** @param {Job} job @param {string[]} modules */
  async #fetchPackages(job, modules) {
    const packages = this.#packages?.resolve(modules) ?? [];
    if (!this.#packages || !packages.length) return { packages: [], files: [] };
    /** @param {number} loaded @param {number} total */
    const onBytes = (loaded, total) => job.progress({ phase: "packages", loaded, total });
    const files = await this.#packages.fetch(packages, { signal: job.signal, onBytes });
    job.progress({ phase: "starting", loaded: 0, total: 0 });
    return { packages, files };
  }

  /** @param {End} end Gets a sentence that says what to do, where Python's own does not. */
  #explain({ error }) {
    if (error?.type === "MemoryError" && !error.message) {
      const megabytes = Math.round(this.#options.memory / 1024 / 1024);
      error.message = `The memory is used up: a script has ${megabytes} MB here. Let it work on less at a time.`;
    }
    if (error && NETWORK.test(`${error.type}: ${error.message}`)) error.message = NO_NETWORK;
    if (error && STACK.test(error.message)) error.message = NO_STACK;
    const module = error?.module;
    if (!module || error.message !== `No module named '${module}'`) return;
    error.message = this.#packages
      ? `No module named '${module}': the package folder of this site has none of that name. Whoever runs the site can add it there.`
      : `No module named '${module}': only Python's standard library is here. Whoever runs this site can offer more with Scripts(packages_url=…).`;
  }
}

/** Errors of whoever looks for a network. */
const NETWORK = /^(?:urllib\.error\.URLError|socket\.gaierror): |: TLS not supported in this environment$/;
const NO_NETWORK = "There is no network in the sandbox: write the data into the script.";

/** Errors of `asyncio.run()` and its like in a browser that cannot hold a call to WebAssembly up. */
const STACK = /stack switch/;
const NO_STACK = "This browser cannot wait inside a call: write `await main()` at the top level instead of `asyncio.run(main())`.";

/** Ends of a run after which there is nothing left to interrupt. @type {string[]} */
const OVER = ["python-crashed", "package-failed", "worker-failed"];

/** @type {Record<string, import("./trouble.js").TroubleType>} */
const DOWN = {
  closed: "worker-closed",
  flood: "output-flood",
  load: "load-failed",
  version: "version-mismatch",
  wasm: "wasm-refused",
};

/** One run: what it waits for, what it has said, and its limit of time. */
class Job {
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

  /** @param {number} seconds Until it fails; progress counts anew. @param {(seconds: number) => Trouble} failure */
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
function troubleOf({ fatal, packages, broken }) {
  if (fatal) return new Trouble("python-crashed", undefined, fatal);
  if (packages) return new Trouble("package-failed", undefined, packages);
  return broken ? new Trouble("worker-failed", undefined, broken) : undefined;
}

/** @param {Trouble} trouble @param {End} [end] */
function explained({ type, message }, end) {
  return { type, message, traceback: end?.error?.traceback ?? "" };
}

/** @param {{type: string, message: string, traceback: string}} error @param {"python" | "sandbox"} origin @returns {RunError} */
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

/** @param {number} seconds */
function loadTimeout(seconds) {
  const sentence = `Python was not ready: nothing came for ${duration(seconds)}. Check the connection and run it again.`;
  return new Trouble("load-timeout", sentence);
}

/** @param {number} seconds */
function duration(seconds) {
  return seconds === 1 ? "1 second" : `${seconds} seconds`;
}

/** @param {string} url */
function folder(url) {
  const address = new URL(url, document.baseURI).href;
  return address.endsWith("/") ? address : `${address}/`;
}

/** @template T @param {number} milliseconds @param {Promise<T>} work @returns {Promise<T | undefined>} */
async function within(milliseconds, work) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)));
  try {
    return /** @type {T | undefined} */ (await Promise.race([work, late]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Like Promise.all.
 * @template {readonly unknown[]} T @param {[...T]} work @returns {Promise<{-readonly [K in keyof T]: Awaited<T[K]>}>}
 */
function all(work) {
  return /** @type {any} */ (Promise.all(work));
}

/** @template T @returns {Deferred<T>} */
function withResolvers() {
  /** @type {any} */
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
