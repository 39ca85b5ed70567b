/** The errors of the sandbox, and their sentences. */

/**
 * - `cancelled`: `stop()` was called.
 * - `run-timeout`, `load-timeout`: a timeout was reached.
 * - `offline`: the server cannot be reached. `files-missing`: it does not have the files.
 * - `frame-refused`: the sandbox's document does not open. `frame-crashed`: it no longer responds.
 * - `wasm-refused`: the browser does not run WebAssembly. `load-failed`: Pyodide does not start.
 * - `worker-closed`, `python-crashed`: Python has exited. `worker-failed`: a command failed in the worker.
 * - `output-flood`: the script exceeded the output limit.
 * - `package-failed`: a package exists but cannot be loaded. `version-mismatch`: page and sandbox differ.
 * @typedef {"cancelled" | "run-timeout" | "load-timeout" | "offline" | "files-missing" | "frame-refused" |
 *   "frame-crashed" | "wasm-refused" | "load-failed" | "worker-closed" | "worker-failed" | "python-crashed" |
 *   "output-flood" | "package-failed" | "version-mismatch"} TroubleType
 */

const SENTENCES = /** @type {const} */ ({
  cancelled: "The script was stopped.",
  "frame-refused": "The sandbox did not open. Reload the page; if it happens again, the site may forbid frames.",
  "frame-crashed": "The sandbox crashed, perhaps for lack of memory. Run the script again, with less data if you can.",
  "wasm-refused": "This browser blocks WebAssembly, which Python needs. Allow it for this site, or use another browser.",
  "load-failed": "Python did not start. Reload the page and try again.",
  "package-failed": "A package that the script imports cannot be loaded.",
  "worker-closed": "Python was closed while the script ran. Run it again.",
  "python-crashed": "Python crashed, perhaps for lack of memory or by endless recursion. Run the script again.",
  "worker-failed": "The sandbox itself failed, not the script. Run it again; if it happens again, use another browser.",
  "output-flood": "The script exceeded the output limit and was stopped. Print less.",
  "version-mismatch": "The page and its sandbox have different versions. Reload the page.",
});

/** An error of the sandbox that ends a run. */
export class Trouble extends Error {
  /** @param {TroubleType} type @param {string} [sentence] @param {string} [detail] For the server's administrator. */
  constructor(type, sentence, detail = "") {
    const known = /** @type {Record<string, string>} */ (SENTENCES)[type];
    super([sentence ?? known, detail && `(${detail.split("\n")[0].slice(0, 300)})`].filter(Boolean).join(" "));
    this.type = type;
  }
}
