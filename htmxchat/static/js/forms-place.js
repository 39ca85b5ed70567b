/** A form that was answered becomes a short record. What comes after fills the room that it leaves: nothing moves meanwhile. */

/** Pixels above a record that has come into view. */
const MARGIN = 16;

/** How high the conversation was when a form in it was drawn last. */
export class Place {
  #height = 0;
  #sizes;

  /** @param {HTMLElement} turns @param {Element} box It scrolls. */
  constructor(turns, box) {
    this.turns = turns;
    this.box = box;
    this.#sizes = new ResizeObserver(() => (this.#height = box.scrollHeight));
    this.#sizes.observe(turns);
  }

  disconnect() {
    this.#sizes.disconnect();
  }

  /** @param {Element} record What stands where the form stood. */
  hold(record) {
    // Before anything is measured: the browser would scroll.
    this.turns.style.marginBlockEnd = `${this.#height}px`;
    fill(this.turns, this.box, this.#height - intoView(this.box, record));
  }
}

/** Show a record whose form was taller than the room. Returns by how much the room was scrolled. @param {Element} box @param {Element} record */
function intoView(box, record) {
  const above = box.getBoundingClientRect().top + MARGIN - record.getBoundingClientRect().top;
  if (above <= MARGIN) return 0;
  box.scrollTop -= above;
  return above;
}

/** Keep the height of what is in the room, until it is as high by itself. @param {HTMLElement} turns @param {Element} box @param {number} height */
function fill(turns, box, height) {
  let room = Number.parseFloat(turns.style.marginBlockEnd);
  const leave = () => {
    growing.disconnect();
    document.removeEventListener("chat:sent", leave);
    turns.style.marginBlockEnd = "";
  };
  const place = () => {
    room = Math.max(0, room + height - box.scrollHeight);
    if (room < 1) return leave();
    turns.style.marginBlockEnd = `${room}px`;
  };
  const growing = new ResizeObserver(place);
  growing.observe(turns);
  document.addEventListener("chat:sent", leave);
  place();
}
