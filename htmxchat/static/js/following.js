/** Boxes that grow at their end: they stay there until the reader moves up, by however little. */

/** Pixels from the end within which a reader who moves down is taken to want to follow again. */
export const NEAR = 48;
/** Pixels that are none: the browser rounds heights, but not the place. */
const ROUNDING = 1;

/** @param {Element} box @returns {number} Pixels below what is shown. */
function distance(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight;
}

/** Let a box grow, and stay at its end if it is there. @param {Element} box @param {() => void} change */
export function grow(box, change) {
  const atEnd = distance(box) < ROUNDING;
  change();
  if (atEnd) box.scrollTop = box.scrollHeight;
}

/** Follows the end of a box whose content others change. */
export class Following {
  #box;
  #sizes;
  #listeners = new AbortController();
  #told;
  #on = true;
  /** Where the box was when it was looked at last, and how far down it could be. */
  #top = 0;
  #end = 0;

  /**
   * @param {HTMLElement} box It scrolls.
   * @param {Element} content What grows in it.
   * @param {(distance: number, on: boolean) => void} told Called at every look: pixels below what is shown, and whether
   *   the end is followed.
   */
  constructor(box, content, told) {
    this.#box = box;
    this.#told = told;
    const { signal } = this.#listeners;
    box.addEventListener("scroll", () => this.#look(true), { signal, passive: true });
    this.#sizes = new ResizeObserver(() => this.settle());
    this.#sizes.observe(content);
    this.#sizes.observe(box);
    this.#note();
  }

  get on() {
    return this.#on;
  }

  disconnect() {
    this.#listeners.abort();
    this.#sizes.disconnect();
  }

  /** @param {boolean} on */
  follow(on) {
    this.#on = on;
    // A browser that keeps what is read in place would move the box up, and only the reader does that.
    this.#box.style.overflowAnchor = on ? "none" : "";
    if (on) this.#toEnd();
    this.#note();
  }

  /** What is in the box, or the box, may have changed. */
  settle() {
    this.#look(false);
    if (!this.#on || this.#selecting) return;
    this.#toEnd();
    this.#note();
  }

  /** @param {boolean} scrolled Whether the box has moved, and not only what is in it. */
  #look(scrolled) {
    const box = this.#box;
    const [left, top, end] = [distance(box), box.scrollTop, box.scrollHeight - box.clientHeight];
    // Where there is less than before, the browser itself moves the box up.
    const up = top < this.#top && end >= this.#end && left >= ROUNDING;
    if (this.#on && up) this.follow(false);
    else if (!this.#on && scrolled && top > this.#top && left < NEAR) this.follow(true);
    else this.#note();
  }

  #note() {
    this.#top = this.#box.scrollTop;
    this.#end = this.#box.scrollHeight - this.#box.clientHeight;
    this.#told(distance(this.#box), this.#on);
  }

  #toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** What the reader selects must not slip away. */
  get #selecting() {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && this.#box.contains(selection.anchorNode);
  }
}
