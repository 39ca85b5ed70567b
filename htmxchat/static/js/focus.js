/**
 * Where the focus goes when what had it leaves the page (Stop, Try again, the answer to a question): to what comes next
 * in the same place. Otherwise it would begin again at the top of the page.
 */

/** @typedef {{element: HTMLElement, room: string, turn: string, card: string, part: string, before: Element | undefined, label: string}} Place */

const PARTS = [".turn", "#composer", ".empty", ".undo"];

/** Begin to watch the page. */
export function keepFocus() {
  /** @param {EventTarget | null} target */
  const placed = (target) => (target instanceof HTMLElement && target !== document.body ? placeOf(target) : undefined);
  // What the browser has given the focus before this script came.
  let held = placed(document.activeElement);
  document.addEventListener("focusin", ({ target }) => (held = placed(target)));
  /** @type {number | undefined} */
  let timer;
  document.addEventListener("htmx:after:swap", () => {
    if (!held || held.element.isConnected) return;
    // One answer changes several places, and what comes next may be in the last.
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (held && !held.element.isConnected && document.activeElement === document.body) focus(next(held));
    });
  });
}

/** What stands below the last answer, and changes as it continues. */
export function endOfTurns() {
  const tails = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#turns .turn-tail"));
  return tails[tails.length - 1] ?? find("#turns");
}

/** Give an element the focus, and have it in sight. @param {HTMLElement | null | undefined} element */
export function focus(element) {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} element @returns {Place} */
function placeOf(element) {
  return {
    element,
    room: element.closest(".room")?.id ?? "",
    turn: element.closest(".turn")?.id ?? "",
    card: element.closest("article.script")?.id ?? "",
    part: PARTS.find((part) => element.closest(part)) ?? "",
    before: element.matches(".older") ? [...document.querySelectorAll("a[data-conversation]")].at(-1) : undefined,
    label: element.matches("#inspector a") ? label(element) : "",
  };
}

/** @param {Place} place */
function next({ element, room, turn, card, part, before, label: words }) {
  // What was redrawn, and is the same, or what held it.
  const again = document.getElementById(element.id) ?? document.getElementById(card);
  if (again) return again;
  if (before) {
    const all = [...document.querySelectorAll("a[data-conversation]")];
    return /** @type {HTMLElement | undefined} */ (all[all.indexOf(before) + 1] ?? before);
  }
  // On a touch screen the text would bring up the keyboard.
  const write = () => (matchMedia("(pointer: coarse)").matches ? endOfTurns() : find("#text"));
  switch (part) {
    case ".turn":
      return find(`#${CSS.escape(turn)} .turn-tail`) ?? find(`#${CSS.escape(turn)} a[name=edit]`) ?? endOfTurns();
    case ".undo":
      return find("#history a[aria-current]") ?? find("#text");
    case "#composer":
    case ".empty":
      return write();
    default:
      // The same link in a room that came in place of this one, or the room.
      return same(words) ?? (room ? find(`#${CSS.escape(room)} article.script`) ?? find(`#${CSS.escape(room)} .room-body`) : null);
  }
}

/** @param {string} words */
function same(words) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#inspector a")]);
  return words ? links.find((each) => label(each) === words) : undefined;
}

/** @param {Element} link */
function label(link) {
  return link.getAttribute("aria-label") ?? link.textContent ?? "";
}

/** @param {string} selector @returns {HTMLElement | null} */
function find(selector) {
  return document.querySelector(selector);
}
