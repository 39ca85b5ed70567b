/** Finds the packages that a script's imports need in a Pyodide distribution, and fetches them. */

import { sha256 as digest, fetchAll, fetchJSON } from "./files.js";
import { Trouble } from "./trouble.js";

/** @typedef {{name: string, file_name: string, sha256?: string, imports?: string[], depends?: string[]}} Package */
/** @typedef {{info: Record<string, string>, packages: Record<string, Package>}} Lock */
/** @typedef {{name: string, bytes: ArrayBuffer}} File */

/** The lock of a sandbox without packages. @type {Lock} */
export const NO_PACKAGES = {
  info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2" },
  packages: {},
};

/** A folder with `pyodide-lock.json` and the files that it names. */
export class PackageFolder {
  #url;
  #lock;
  /** Names of packages by the modules in them. @type {Map<string, string>} */
  #modules = new Map();

  /** @param {string} url @param {Lock} lock */
  constructor(url, lock) {
    this.#url = url;
    this.#lock = lock;
    for (const [key, { imports = [] }] of Object.entries(lock.packages)) {
      for (const name of imports) if (!this.#modules.has(name)) this.#modules.set(name, key);
    }
  }

  /** @param {string} url Ends with a slash. @param {AbortSignal} signal */
  static async open(url, signal) {
    const address = new URL("pyodide-lock.json", url).href;
    const lock = await fetchJSON(address, signal);
    if (typeof lock?.info !== "object" || typeof lock?.packages !== "object" || !lock.packages) {
      throw new Trouble("files-missing", `${address} is not the lock file of a Pyodide distribution. Tell whoever runs this site.`);
    }
    return new PackageFolder(url, lock);
  }

  get lock() {
    return this.#lock;
  }

  /** @param {string} module @returns {boolean} */
  has(module) {
    return this.#modules.has(module);
  }

  /** @param {string[]} modules @returns {string[]} The packages they are in, and those that these depend on. */
  resolve(modules) {
    const found = new Set();
    const open = modules.flatMap((name) => this.#modules.get(name) ?? []);
    for (let key = open.pop(); key !== undefined; key = open.pop()) {
      if (found.has(key) || !Object.hasOwn(this.#lock.packages, key)) continue;
      found.add(key);
      open.push(...(this.#lock.packages[key].depends ?? []));
    }
    return [...found];
  }

  /**
   * @param {string[]} packages
   * @param {{signal: AbortSignal, onBytes: (loaded: number, total: number) => void}} options
   * @returns {Promise<File[]>}
   */
  async fetch(packages, options) {
    const entries = packages.map((key) => this.#lock.packages[key]);
    const wanted = entries.map(({ file_name }) => ({ url: new URL(file_name, this.#url).href, size: 0 }));
    const contents = await fetchAll(wanted, options);
    const files = entries.map(({ file_name, sha256 }, index) => ({ name: file_name, sha256, bytes: contents[index] }));
    for (const file of files) await check(file);
    return files.map(({ name, bytes }) => ({ name: name.split("/").pop() ?? name, bytes }));
  }
}

/** @param {{name: string, sha256?: string, bytes: ArrayBuffer}} file */
async function check({ name, sha256, bytes }) {
  if (!sha256 || !crypto.subtle) return; // not there on a page that comes by plain HTTP
  if ((await digest(bytes)) !== sha256) {
    throw new Trouble("package-failed", `The package file ${name} is not the one that its lock file describes. Tell whoever runs this site.`);
  }
}
