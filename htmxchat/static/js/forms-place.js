/** A form that was answered becomes a short record. What comes after fills the room that it leaves: nothing moves meanwhile. */

/** Pixels above a record that has come into view. */
const MARGIN = 16;

/** @param {HTMLFormElement} form One that is being sent. */
export function holdPlace(form) {
  const [turns, turn] = [document.getElementById("turns"), form.closest(".turn")];
  const box = turns?.closest(".room-body");
  if (!turns || !turn || !box) return;
  const height = box.scrollHeight;
  const settled = new MutationObserver(() => {
    const record = document.getElementById(form.id);
    if (record === form) return;
    settled.disconnect();
    // Before anything is measured: the browser would scroll.
    turns.style.marginBlockEnd = `${height}px`;
    fill(turns, box, height - (record ? intoView(box, record) : 0));
  });
  settled.observe(turn, { childList: true, subtree: true });
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
