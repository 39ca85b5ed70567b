/** What is typed into a form, kept by the browser until it is sent. Storage can be full, broken or forbidden. */
export class Draft {
  /** @param {string} key */
  constructor(key) {
    this.key = key;
  }

  /** @returns {Record<string, string[]> | undefined} */
  load() {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** @param {Record<string, string[]>} values */
  save(values) {
    try {
      localStorage.setItem(this.key, JSON.stringify(values));
    } catch {
      // It is not kept, then.
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // As in `save`.
    }
  }
}
