/** Boxes that grow at their end: they stay there until the reader moves up, by however little. */

/** Pixels from the end within which a reader who moves down is taken to want to follow again. */
export const NEAR = 48;
/** Pixels that do not count: the browser rounds heights, but not the scroll position. */
const ROUNDING = 1;
const KEYS = ["ArrowUp", "PageUp", "Home"];
/**
 * Whether the browser may move a box up although there is more in it than before: WebKit lays a page with container
 * queries out in two steps, and what is new is missing in the first. It is the one that cannot anchor.
 */
const CLAMPS = !CSS.supports("overflow-anchor", "none");

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

/** @param {KeyboardEvent} event */
function isKeyUp({ key, shiftKey, target }) {
  const typing = target instanceof Element && target.closest("input, select, textarea, button");
  return !typing && (KEYS.includes(key) || (key === " " && shiftKey));
}

/** @param {WheelEvent} event With Control it zooms; sideways, a hand is never quite level. */
function isTurnUp({ deltaX, deltaY, ctrlKey }) {
  return -deltaY > Math.abs(deltaX) && !ctrlKey;
}

/** Follows the end of a box whose content others change. */
export class Following {
  #box;
  #sizes;
  #listeners = new AbortController();
  #told;
  #on = true;
  /** The box when it was looked at last. */
  #top = 0;
  #height = 0;
  #room = 0;
  /** Where the finger is. */
  #finger = 0;

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
    const options = { signal, passive: true };
    box.addEventListener("wheel", (event) => isTurnUp(event) && this.#pull(event), options);
    box.addEventListener("keydown", (event) => isKeyUp(event) && this.#pull(event), options);
    box.addEventListener("touchstart", ({ touches: [touch] }) => (this.#finger = touch.clientY), options);
    box.addEventListener("touchmove", (event) => this.#touch(event), options);
    box.addEventListener("scroll", () => this.#look(true), options);
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
    if (!this.#on || this.#selecting || this.#typing) return;
    this.#toEnd();
    this.#note();
  }

  /** @param {boolean} scrolled Whether the box has moved, and not only what is in it. */
  #look(scrolled) {
    const box = this.#box;
    const [left, top] = [distance(box), box.scrollTop];
    const [more, room] = [box.scrollHeight - this.#height, box.clientHeight - this.#room];
    // Where there is less than before, the browser itself moves the box up.
    const unsure = more < room || (CLAMPS && (more !== 0 || room !== 0));
    const up = top < this.#top && left >= ROUNDING && !unsure;
    if (this.#on && up) this.follow(false);
    else if (!this.#on && scrolled && top > this.#top && left < NEAR) this.follow(true);
    else this.#note();
  }

  #note() {
    const box = this.#box;
    [this.#top, this.#height, this.#room] = [box.scrollTop, box.scrollHeight, box.clientHeight];
    this.#told(distance(box), this.#on);
  }

  /**
   * The reader moves the box up. What is to be seen of it may come late, or not at all when the box grows at that moment.
   * @param {Event} event
   */
  #pull(event) {
    if (!this.#on || this.#box.scrollTop <= 0) return;
    for (let inner = /** @type {Element | null} */ (event.target); inner && inner !== this.#box; inner = inner.parentElement) {
      if (inner.scrollTop > 0) return; // it is this one that moves
    }
    this.follow(false);
  }

  /** @param {TouchEvent} event */
  #touch(event) {
    const { clientY } = event.touches[0];
    if (clientY > this.#finger) this.#pull(event);
    this.#finger = clientY;
  }

  #toEnd() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** What the reader selects must not slip away. */
  get #selecting() {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && this.#box.contains(selection.anchorNode);
  }

  /** The field that the reader writes in must not slip away either. */
  get #typing() {
    const field = document.activeElement;
    return field instanceof HTMLTextAreaElement && this.#box.contains(field);
  }
}
