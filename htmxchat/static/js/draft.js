import { load, save } from "./composer.js";

/** What is typed into a form, kept by the browser until it is sent. */
export class Draft {
  /** @param {string} key */
  constructor(key) {
    this.key = key;
  }

  /** @returns {Record<string, string[]> | undefined} */
  load() {
    try {
      return JSON.parse(load(this.key) || "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** @param {Record<string, string[]>} values */
  save(values) {
    save(this.key, JSON.stringify(values));
  }

  forget() {
    save(this.key, "");
  }
}
