/**
 * The sandbox's document: a classic script, inline, in a frame with an opaque origin, whose policy allows no request.
 *
 * It starts the worker that holds Python, and stands between it and the page. Python can forge whatever its worker says,
 * so what has to hold whatever Python does is decided here: how much it may say, and when it ends. Python never
 * runs on this thread: where a browser does not give the frame a process of its own, the page would freeze with it.
 */
(() => {
  "use strict";

  /** Raised when a message between page, frame and worker changes. */
  const PROTOCOL = 1;
  /** UTF-16 code units that one run may say in all. Longer than what the worker allows itself. */
  const MOST_TEXT = 4_000_000;
  /** Messages that one run may send at once, and for each second that it lasts. */
  const MOST_MESSAGES = 2_000;
  const MESSAGES_PER_SECOND = 60;

  /**
   * What the page has posted in, for this worker and those after it.
   * @typedef {{source: string, prelude: string, stdlib: ArrayBuffer, loader: Blob, core: Blob, wasm: WebAssembly.Module,
   *   lock: unknown, memory: number, snapshot: ArrayBuffer | null}} Runtime
   */

  /** @type {MessagePort} */
  let page;
  /** @type {Runtime | undefined} */
  let runtime;
  /** @type {Worker | undefined} */
  let worker;
  /** Read by Python's interpreter; where there is no shared memory, it cannot be interrupted. @type {Uint8Array | null} */
  let interrupt = null;
  /** The number of the run that the worker has been given; 0 before. After it, nothing it says can be trusted. */
  let run = 0;
  let started = 0;
  let said = 0;
  let messages = 0;

  /** @param {Record<string, unknown>} message @param {Transferable[]} [transfer] */
  const tell = (message, transfer = []) => page.postMessage(message, transfer);

  function terminate() {
    worker?.terminate();
    worker = undefined;
    run = 0;
  }

  /** @param {string} reason @param {unknown} [cause] */
  function down(reason, cause) {
    const during = run;
    terminate();
    tell({ type: "down", reason, run: during, message: cause === undefined ? "" : String(cause).slice(0, 2_000) });
  }

  function start() {
    terminate();
    if (!runtime) return;
    const { source, prelude, stdlib, loader, core, wasm, lock, memory, snapshot } = runtime;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    // Classic: in an opaque origin a module worker from a blob does not start.
    const mine = (worker = new Worker(address));
    interrupt = self.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : null;
    // Its other end is in the worker: where browsers tell of a closed port, this tells of a closed worker.
    const life = new MessageChannel();
    life.port1.addEventListener("close", () => worker === mine && down("closed"));
    life.port1.start();
    mine.addEventListener("error", (event) => {
      event.preventDefault();
      if (worker === mine && !run) down("load", event.message);
    });
    mine.addEventListener("messageerror", () => worker === mine && !run && down("load", "The frame cannot read what the worker says."));
    mine.addEventListener("message", ({ data }) => {
      if (worker !== mine) return;
      if (run) hear(data);
      else boot(data);
    });
    const parts = { prelude, stdlib, loader, core, wasm, lock, memory, snapshot, interrupt };
    mine.postMessage(parts, [life.port2]);
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  /** What the worker says while only Pyodide and our own code have run in it. @param {any} data */
  function boot(data) {
    if (data.type === "failed") return down("load", data.message);
    if (data.type !== "ready") return;
    if (data.snapshot && runtime && !runtime.snapshot) {
      runtime.snapshot = data.snapshot;
      tell({ type: "snapshot", snapshot: data.snapshot });
    }
    tell({ type: "ready", python: data.python, interruptible: interrupt !== null });
  }

  /** What the worker says once someone's Python may speak in its place. @param {unknown} data */
  function hear(data) {
    // Text only: its length is its size, and what is read from it is plain data.
    if (typeof data !== "string") return;
    said += data.length;
    messages += 1;
    const allowed = MOST_MESSAGES + (MESSAGES_PER_SECOND * (performance.now() - started)) / 1_000;
    if (said > MOST_TEXT || messages > allowed) return down("flood");
    tell({ type: "said", run, text: data });
  }

  /** @param {any} message */
  async function load({ source, prelude, stdlib, loader, core, wasm, lock, memory, snapshot }) {
    const script = { type: "text/javascript" };
    let compiled;
    try {
      compiled = await WebAssembly.compile(wasm);
    } catch (error) {
      return down("wasm", error);
    }
    runtime = {
      ...{ source, prelude, stdlib, wasm: compiled, lock, memory, snapshot },
      loader: new Blob([loader], script),
      core: new Blob([core], script),
    };
    start();
  }

  /** @type {Record<string, (message: any) => unknown>} */
  const orders = {
    load,
    start,
    /** Gives the worker a run. @param {{run: number, code: string, keep: boolean}} message */
    run(message) {
      if (!worker) return tell({ type: "down", reason: "closed", run: message.run, message: "" });
      run = message.run;
      started = performance.now();
      said = messages = 0;
      if (interrupt) interrupt[0] = 0;
      worker.postMessage({ type: "run", code: message.code, keep: message.keep });
    },
    /** Lets it begin, with the packages it asked for. */
    execute: ({ packages, files }) => worker?.postMessage({ type: "execute", packages, files }, files.map(bytesOf)),
    interrupt() {
      if (interrupt) interrupt[0] = 2;
      worker?.postMessage({ type: "cancel" });
    },
    forget() {
      if (runtime) runtime.snapshot = null;
    },
    terminate() {
      terminate();
      tell({ type: "terminated" });
    },
    ping: ({ number }) => tell({ type: "pong", number }),
  };

  /** @param {{bytes: ArrayBuffer}} file */
  function bytesOf(file) {
    return file.bytes;
  }

  /** Whatever goes wrong with an order, the page is told. @param {any} message */
  async function obey(message) {
    try {
      await orders[message.type](message);
    } catch (error) {
      down("load", `${message.type}: ${error}`);
    }
  }

  addEventListener("message", ({ source, data, ports }) => {
    if (source !== parent || page || data?.type !== "connect" || !ports[0]) return;
    page = ports[0];
    page.addEventListener("message", (event) => void obey(event.data));
    page.addEventListener("messageerror", () => down("load", "The frame cannot read what the page has sent."));
    page.start();
    tell({ type: "connected", protocol: PROTOCOL });
  });
  parent.postMessage({ type: "sandbox" }, "*");
})();
