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
import { explain } from "./explain.js";
import { CORE, SnapshotStore, fetchAll, fetchText } from "./files.js";
import { Job, OVER, troubleOf, withResolvers } from "./job.js";
import { NO_PACKAGES, PackageFolder } from "./packages.js";
import { Trouble } from "./trouble.js";

/** @import { Deferred, Hooks } from "./job.js" */
/** @import { End, Result } from "./messages.js" */

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
    explain(end, this.#options.memory, this.#packages !== undefined);
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
    worker.promise.catch(() => {}); // anyone who needs it will see
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
}

/** @type {Record<string, import("./trouble.js").TroubleType>} */
const DOWN = {
  closed: "worker-closed",
  flood: "output-flood",
  load: "load-failed",
  version: "version-mismatch",
  wasm: "wasm-refused",
};

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
