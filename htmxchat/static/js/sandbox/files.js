/** Fetches what the sandbox is made of, tells how far it is, and keeps the memory snapshot. */

import { Trouble } from "./trouble.js";

/** @typedef {{phase: "runtime" | "starting" | "packages" | "running", loaded: number, total: number}} Progress */
/** @typedef {(progress: Progress) => void} OnProgress */

/**
 * Pyodide's core files and their sizes in bytes. Another version's differ a little: they only say how far loading is.
 */
export const CORE = /** @type {const} */ ({
  "pyodide.mjs": 17_931,
  "pyodide.asm.mjs": 1_250_344,
  "pyodide.asm.wasm": 9_598_218,
  "python_stdlib.zip": 2_545_637,
});

const CACHE = "htmxchat-sandbox";

/**
 * Fetch files side by side.
 *
 * @param {{url: string, size: number}[]} wanted
 * @param {{signal: AbortSignal, onBytes: (loaded: number, total: number) => void}} options
 * @returns {Promise<ArrayBuffer[]>}
 */
export async function fetchAll(wanted, { signal, onBytes }) {
  const sizes = wanted.map(({ size }) => size);
  const loaded = wanted.map(() => 0);
  const tell = () => onBytes(sum(loaded), Math.max(sum(sizes), sum(loaded)));
  tell();
  return Promise.all(
    wanted.map(({ url }, index) =>
      fetchOne(url, signal, (bytes, done) => {
        loaded[index] = bytes;
        if (done) sizes[index] = bytes;
        tell();
      }),
    ),
  );
}

/** @param {string} url @param {AbortSignal} signal @param {(bytes: number, done: boolean) => void} onBytes */
async function fetchOne(url, signal, onBytes) {
  try {
    const response = await fetch(url, { signal, credentials: "same-origin" });
    if (!response.ok || !response.body) throw missing(url, response.status);
    const chunks = [];
    let bytes = 0;
    const reader = response.body.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      chunks.push(step.value);
      bytes += step.value.length;
      onBytes(bytes, false);
    }
    onBytes(bytes, true);
    return await new Blob(chunks).arrayBuffer();
  } catch (error) {
    if (error instanceof Trouble || signal.aborted) throw error;
    throw unreachable(url);
  }
}

/** @param {string} url @param {AbortSignal} signal @returns {Promise<any>} */
export async function fetchJSON(url, signal) {
  const bytes = await fetchOne(url, signal, () => {});
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Trouble("files-missing", `What is at ${url} is not the JSON that it should be. Tell whoever runs this site.`);
  }
}

/** @param {string} url @param {AbortSignal} signal @returns {Promise<string>} */
export async function fetchText(url, signal) {
  return new TextDecoder().decode(await fetchOne(url, signal, () => {}));
}

/** @param {string} url @param {number} status */
function missing(url, status) {
  const sentence = `Python cannot be loaded: ${url} answers ${status}. Tell whoever runs this site.`;
  return new Trouble("files-missing", sentence);
}

/** @param {string} url */
function unreachable(url) {
  const { host } = new URL(url);
  return new Trouble("offline", `Python cannot be loaded: ${host} cannot be reached. Check the connection and run it again.`);
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Keeps one memory snapshot in the browser's cache, where the browser offers one (only pages that come by HTTPS or from
 * this machine have it). Failing to keep it is no failure.
 */
export class SnapshotStore {
  #key;

  /** @param {string} key */
  constructor(key) {
    this.#key = key;
  }

  /** @param {ArrayBuffer[]} files @param {string} packages What a snapshot depends on. */
  static async of(files, packages) {
    if (!("caches" in globalThis) || !crypto.subtle) return new SnapshotStore("");
    const digests = await Promise.all(files.map(sha256));
    const name = await sha256(new TextEncoder().encode([...digests, packages].join(" ")));
    return new SnapshotStore(`${location.origin}/.htmxchat/python-snapshot/${name}`);
  }

  /** @returns {Promise<ArrayBuffer | null>} */
  async get() {
    return this.#quietly(async (cache) => (await (await cache.match(this.#key))?.arrayBuffer()) ?? null);
  }

  /** @param {ArrayBuffer} snapshot */
  async put(snapshot) {
    await this.#quietly(async (cache) => {
      for (const old of await cache.keys()) await cache.delete(old);
      await cache.put(this.#key, new Response(snapshot));
    });
  }

  async delete() {
    await this.#quietly((cache) => cache.delete(this.#key));
  }

  /** @template T @param {(cache: Cache) => Promise<T>} use @returns {Promise<T | null>} */
  async #quietly(use) {
    if (!this.#key) return null;
    try {
      return await use(await caches.open(CACHE));
    } catch {
      return null;
    }
  }
}

/** @param {BufferSource} bytes @returns {Promise<string>} In hexadecimal. Only where there is `crypto.subtle`. */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
