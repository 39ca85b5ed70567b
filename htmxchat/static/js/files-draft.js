/** What is attached to a message that is not sent yet: the server has the files, this browser their ids. */

import { load, save } from "./composer.js";

/** Headers of a request whose answer is not for htmx. */
export const FRAGMENT = { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Source": "chat-files" };

export class Draft {
  #before;

  /** @param {string} key Where the ids are kept. @param {string[]} [before] Those that the message had that is edited. */
  constructor(key, before = []) {
    this.key = key;
    this.#before = before;
  }

  get ids() {
    try {
      /** @type {unknown} */
      const ids = JSON.parse(load(this.key) || JSON.stringify(this.#before));
      return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
    } catch {
      return this.#before;
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

  /** These were sent. What was edited is as it was before when it is edited again. @param {string[]} ids */
  sent(ids) {
    if (this.#before.length) save(this.key, "");
    else this.remove(ids);
  }

  /**
   * Take away a file, and have the server forget it if no message has it; what it does not hear of, it forgets in a day.
   * @param {HTMLElement} tile
   */
  discard({ dataset: { file, discard } }) {
    if (file) this.remove([file]);
    if (discard) fetch(discard, { method: "POST", headers: FRAGMENT, keepalive: true }).catch(() => {});
  }

  /** @param {string[]} ids */
  #save(ids) {
    save(this.key, ids.join() === this.#before.join() ? "" : JSON.stringify(ids));
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
