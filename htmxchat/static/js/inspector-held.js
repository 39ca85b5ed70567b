/** The rows of the inspector while they stand still: what comes is hidden and counted, until they continue. */

/** Rows that stay on the page; the others are a scroll away. */
export const MOST = 1_200;
/** Rows that a stretch is cut to. */
export const KEPT = 800;
/** What is out of sight. */
export const HELD = "[data-held]";

/** The number of a row among all of the run. @param {HTMLElement | null} [row] */
export function numberOf(row) {
  return row?.id.replace("row-", "");
}

export class Held {
  #list;
  #count = 0;
  /** Whether rows are missing between those in sight and those that are not. */
  #gap = false;
  /** The row that was last. It may grow, and what grows has its id. @type {HTMLElement | undefined} */
  #last;
  #id = "";

  /** @param {HTMLElement} list Its rows stand still from now on. */
  constructor(list) {
    this.#list = list;
    const last = /** @type {HTMLElement | null} */ (list.lastElementChild);
    if (!last) return;
    const growing = /** @type {HTMLElement} */ (last.cloneNode(true));
    growing.dataset.held = "";
    [this.#last, this.#id] = [last, last.id];
    last.removeAttribute("id");
    last.after(growing);
  }

  /** How many rows have come, in words; empty when none have. */
  get words() {
    if (!this.#count) return "";
    return `${this.#count.toLocaleString("en")}${this.#gap ? "+" : ""} new`;
  }

  get #rows() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll(`:scope > ${HELD}`)]);
  }

  /** Put out of sight what has come. @param {MutationRecord[]} changes */
  add(changes) {
    for (const { addedNodes, removedNodes } of changes) {
      const came = /** @type {HTMLElement[]} */ ([...addedNodes]);
      const went = /** @type {HTMLElement[]} */ ([...removedNodes]);
      for (const row of came) row.dataset.held = "";
      this.#count += came.length;
      // When very many come at once they take the place of all: what is looked at comes back.
      if (!came.length || !went.length) continue;
      this.#list.prepend(...went.filter((row) => !row.matches(HELD)));
      this.#gap = true;
    }
    const rows = this.#rows;
    if (rows.length <= MOST) return;
    for (const row of rows.slice(0, -KEPT)) row.remove();
    this.#gap = true;
  }

  /** Show what has come. Returns the row that is the first on the page because some are missing. */
  release() {
    this.#grow();
    const rows = this.#rows;
    for (const row of rows) row.removeAttribute("data-held");
    if (!this.#gap || !rows[0]) return undefined;
    while (this.#list.firstElementChild !== rows[0]) this.#list.firstElementChild?.remove();
    return rows[0];
  }

  /** Have the row that was last be what it has become. */
  #grow() {
    const grown = document.getElementById(this.#id);
    const last = this.#last;
    if (!last) return;
    if (!grown) return last.remove(); // the filter hides it by now, or it is far behind
    last.id = this.#id;
    last.dataset.seq = grown.dataset.seq;
    last.firstElementChild?.replaceChildren(...(grown.firstElementChild?.childNodes ?? []));
    grown.remove();
  }
}
