/** What is attached to a message that is not sent yet: the server has the files, this browser their ids. */

import { load, save } from "./composer.js";

/** Headers of a request whose answer is not for htmx. */
export const FRAGMENT = { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Source": "chat-files" };

export class Draft {
  /** @param {string} key Where the ids are kept. */
  constructor(key) {
    this.key = key;
  }

  get ids() {
    try {
      /** @type {unknown} */
      const ids = JSON.parse(load(this.key) || "[]");
      return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
    } catch {
      return [];
    }
  }

  /** @param {string} id */
  add(id) {
    this.#save([...new Set([...this.ids, id])]);
  }

  /** @param {string[]} gone */
  remove(gone) {
    this.#save(this.ids.filter((id) => !gone.includes(id)));
  }

  /** Have the server forget a file that is not to be sent; if it does not hear of it, it forgets it in a day. @param {HTMLElement} tile */
  discard({ dataset: { file, discard } }) {
    if (!file || !discard) return;
    this.remove([file]);
    fetch(discard, { method: "POST", headers: FRAGMENT, keepalive: true }).catch(() => {});
  }

  /** @param {string[]} ids */
  #save(ids) {
    save(this.key, ids.length ? JSON.stringify(ids) : "");
  }
}

/**
 * The tiles of files that are on the server; `undefined` when it cannot be asked.
 * @param {string} url @param {string[]} ids @returns {Promise<HTMLElement[] | undefined>}
 */
export async function fetchTiles(url, ids) {
  const query = new URLSearchParams(ids.map((id) => ["file", id]));
  const response = await fetch(`${url}?${query}`, { headers: FRAGMENT }).catch(() => undefined);
  return response?.ok ? tilesOf(await response.text()) : undefined;
}

/** The tiles in what the server sent. @param {string} html */
export function tilesOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return /** @type {HTMLElement[]} */ ([...template.content.children]);
}
