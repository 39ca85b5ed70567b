/**
 * Python's worker: a classic script that the frame starts from a blob, and so under the frame's policy. There is no
 * network here; every byte is handed in.
 *
 * The Python that runs here owns this scope (`import js`): it is the frame that keeps it in, and the page takes what is
 * said as data. Before any script this file takes away, for good, what one script could leave for the next.
 */
(() => {
  "use strict";
  const scope = /** @type {any} */ (self);
  /** @type {(message: unknown, transfer?: Transferable[]) => void} */
  const post = scope.postMessage.bind(scope);

  /** Milliseconds and UTF-16 code units for which output waits to be sent as one message. */
  const PAUSE = 40;
  const CHUNK = 16_384;
  /** UTF-16 code units of each stream that are sent in one run. */
  const MOST_OUTPUT = 300_000;
  /** Where Pyodide believes its files to be. */
  const NOWHERE = "https://sandbox.invalid/";
  /**
   * What could carry something from one script to another, and whatever opens a scope that has it again. An opaque origin
   * has most of it out of reach; in some browsers not all.
   */
  const CHANNELS = {
    scope: ["caches", "indexedDB", "cookieStore", "BroadcastChannel", "Worker", "SharedWorker"],
    navigator: ["locks", "storage", "storageBuckets", "serviceWorker"],
  };

  /** @typedef {{name: string, bytes: ArrayBuffer}} File */

  /** What `fetch` finds, by the last part of the address. @type {Map<string, ArrayBuffer>} */
  const files = new Map();
  /** @type {any} */
  let pyodide;
  /** The functions of prelude.py. @type {any} */
  let prelude;
  /** 2 when Python is to be interrupted. The frame can set it, too, where there is shared memory. */
  let signal = new Uint8Array(1);
  /** @type {{code: string, keep: boolean}} */
  let script;

  const fail = (/** @type {string} */ message) => () => {
    throw new Error(message);
  };

  /** Collects what is written to a stream. */
  class Output {
    #name;
    #text = "";
    #room = MOST_OUTPUT;
    #since = 0;
    #decoder = new TextDecoder();
    #timer = 0;

    /** @param {"stdout" | "stderr"} name */
    constructor(name) {
      this.#name = name;
    }

    reset() {
      this.#text = "";
      this.#room = MOST_OUTPUT;
      this.#decoder = new TextDecoder();
    }

    /** @param {Uint8Array} bytes */
    write(bytes) {
      const now = performance.now();
      if (!this.#text) this.#since = Math.max(this.#since, now - PAUSE);
      const text = this.#decoder.decode(bytes, { stream: true });
      // One more than there is room for tells the page that some is missing.
      this.#text += text.slice(0, this.#room + 1);
      this.#room -= Math.min(this.#room + 1, text.length);
      if (this.#text.length >= CHUNK || now - this.#since >= PAUSE) this.flush();
      else this.#timer ||= setTimeout(() => this.flush(), PAUSE);
      return bytes.length;
    }

    /** Sends what has waited long enough. Called from inside Python's loop, where timers do not run. */
    poll() {
      if (this.#text && performance.now() - this.#since >= PAUSE) this.flush();
    }

    flush() {
      clearTimeout(this.#timer);
      this.#timer = 0;
      this.#since = performance.now();
      if (!this.#text) return;
      const text = this.#text;
      this.#text = "";
      say({ type: "output", stream: this.#name, text });
    }
  }

  const outputs = [new Output("stdout"), new Output("stderr")];
  /** @param {Record<string, unknown>} message */
  const say = (message) => post(JSON.stringify(message));
  const flush = () => outputs.forEach((output) => output.flush());

  /** @param {Blob} blob */
  async function load(blob) {
    const address = URL.createObjectURL(blob);
    try {
      return await import(address);
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /** The page's console and its error events are no place for scripts. */
  function silence() {
    const { console } = scope;
    for (const name of Object.keys(console)) if (typeof console[name] === "function") console[name] = () => {};
    scope.addEventListener("unhandledrejection", (/** @type {Event} */ event) => event.preventDefault());
    scope.addEventListener("error", (/** @type {Event} */ event) => event.preventDefault());
  }

  /** Takes properties away where they are defined, so that nothing can get hold of them. @param {any} object @param {string[]} names */
  function remove(object, names) {
    for (let holder = object; holder; holder = Object.getPrototypeOf(holder)) {
      for (const name of names) delete holder[name]; // throws, in strict mode, when it stays
    }
  }

  /** @param {number} most Bytes. */
  function limitMemory(most) {
    const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (this.buffer.byteLength + Number(pages) * 65_536 > most) throw new RangeError("The memory limit is reached.");
      return grow.call(this, pages);
    };
  }

  /** @param {any} parts @param {MessagePort} life */
  async function boot(parts, life) {
    silence();
    limitMemory(parts.memory);
    signal = parts.interrupt ?? signal;
    files.set("python_stdlib.zip", parts.stdlib);
    files.set("pyodide.asm.wasm", new ArrayBuffer(0));
    // Pyodide takes a worker that could import scripts for one that it does not support.
    scope.importScripts = fail("There are no other scripts here.");
    const close = { value: fail("The sandbox is closed by the page.") };
    Object.defineProperty(scope, "close", close);
    scope.fetch = async (/** @type {any} */ request) => {
      const name = String(request?.url ?? request).split("/").pop() ?? "";
      const bytes = files.get(name);
      if (!bytes) throw new TypeError("The sandbox has no network access.");
      return new Response(bytes);
    };
    const { instantiate, instantiateStreaming } = WebAssembly;
    // The frame has compiled it, once for all its workers.
    WebAssembly.instantiateStreaming = async (_, imports) => {
      const instance = await instantiate.call(WebAssembly, parts.wasm, imports);
      return { instance: /** @type {any} */ (instance), module: parts.wasm };
    };
    const [{ loadPyodide }, core] = await Promise.all([load(parts.loader), load(parts.core)]);
    pyodide = await loadPyodide({
      indexURL: NOWHERE,
      packageBaseUrl: NOWHERE,
      createPyodideModule: core.default,
      lockFileContents: parts.lock,
      env: { MPLBACKEND: "AGG" },
      ...(parts.snapshot ? { _loadSnapshot: parts.snapshot } : { _makeSnapshot: true }),
    });
    WebAssembly.instantiateStreaming = instantiateStreaming;
    const snapshot = parts.snapshot ? null : pyodide.makeMemorySnapshot();
    pyodide.setStdin({ error: true });
    pyodide.setStdout({ write: (/** @type {Uint8Array} */ bytes) => outputs[0].write(bytes) });
    pyodide.setStderr({ write: (/** @type {Uint8Array} */ bytes) => outputs[1].write(bytes) });
    pyodide.setInterruptBuffer(signals);
    pyodide._api.on_fatal = (/** @type {unknown} */ error) => {
      flush();
      say({ type: "end", fatal: String(error).slice(0, 2_000) });
    };
    prelude = pyodide.runPython(parts.prelude, { globals: pyodide.toPy({ __name__: "sandbox" }), filename: "sandbox" });
    remove(scope, CHANNELS.scope);
    remove(scope.navigator, CHANNELS.navigator);
    const ready = { type: "ready", python: prelude.prepare(nap), snapshot };
    post(ready, snapshot ? [snapshot.buffer ?? snapshot] : []);
    scope.onmessage = (/** @type {MessageEvent} */ { data }) => void (life && obey(data));
  }

  /** Whatever goes wrong with an order is said at once: no one else sees it. @param {any} message */
  async function obey(message) {
    try {
      await orders[/** @type {keyof typeof orders} */ (message.type)](message);
    } catch (error) {
      flush();
      say({ type: "end", broken: `${message.type}: ${error}`.slice(0, 2_000) });
    }
  }

  const alarm = self.crossOriginIsolated ? new Int32Array(new SharedArrayBuffer(4)) : null;
  /** Hold everything up, and nothing else runs meanwhile. @param {number} milliseconds */
  function nap(milliseconds) {
    const end = performance.now() + milliseconds;
    if (alarm) Atomics.wait(alarm, 0, 0, milliseconds);
    else while (performance.now() < end);
    pyodide.checkInterrupt();
  }

  let seen = 0;
  /** What Python reads every few steps: whether to raise KeyboardInterrupt. A moment to send output, too. */
  const signals = {
    get 0() {
      outputs.forEach((output) => output.poll());
      return (seen = signal[0]);
    },
    // Python writes 0 when it has taken a signal, but also when it saw none, and one may have come in between.
    set 0(value) {
      if (seen) signal[0] = value;
    },
  };

  const orders = {
    /** @param {any} message */
    run(message) {
      script = message;
      outputs.forEach((output) => output.reset());
      say({ type: "imports", names: JSON.parse(prelude.missing(script.code)) });
    },
    /** @param {{packages: string[], files: File[]}} message */
    async execute({ packages, files: given }) {
      for (const { name, bytes } of given) files.set(name, bytes);
      /** @type {unknown[]} */
      const errors = [];
      const callbacks = { messageCallback() {}, errorCallback: (/** @type {unknown} */ error) => errors.push(error) };
      try {
        if (packages.length) await pyodide.loadPackage(packages, { checkIntegrity: false, ...callbacks });
      } catch (error) {
        errors.push(error);
      }
      if (errors.length) return say({ type: "end", packages: String(errors[0]).slice(0, 2_000) });
      for (const { name } of given) files.delete(name);
      say({ type: "begun" });
      // With stack switching, Python can wait for a promise anywhere; `await` needs none. The promise of a call that ends
      // in a fatal error may stay unsettled: on_fatal tells of it.
      const { code, keep } = script;
      const end = await ("Suspending" in WebAssembly ? prelude.run.callPromising(code, keep) : prelude.run(code, keep));
      flush();
      post(end);
    },
    cancel() {
      // It has come through, so Python awaits something, or is done. What was to interrupt it would hit this call.
      signal[0] = 0;
      prelude.cancel();
    },
  };

  /** @param {unknown} error */
  const refuse = (error) => post({ type: "failed", message: String(error).slice(0, 2_000) });
  scope.onmessage = (/** @type {MessageEvent} */ { data, ports }) => boot(data, ports[0]).catch(refuse);
  scope.onmessageerror = () => refuse("The worker cannot read what the frame has sent.");
})();
