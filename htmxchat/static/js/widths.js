/**
 * The handles between the rooms: the list of conversations and the rooms at the side get the width that the reader wants,
 * by mouse and by keyboard, and the list folds. A cookie keeps it on this device, so that the server draws the page so.
 */

import { keepCookie } from "./zone.js";

/** Widths in rem. `css/rooms.css` and `fragments/widths.py` have the same. */
const ROOMS = {
  history: { letter: "h", least: 12, most: 28, label: "Width of the list of conversations" },
  side: { letter: "s", least: 20, most: 48, label: "Width of the room at the side" },
};

/** @param {HTMLElement} chat */
export function adjustWidths(chat) {
  const place = document.createElement("aside");
  place.className = "dividers";
  place.ariaLabel = "Widths";
  place.append(divider(chat, "history"), divider(chat, "side"));
  chat.append(place);
}

/** @param {HTMLElement} chat @param {keyof typeof ROOMS} name */
function divider(chat, name) {
  const { letter, least, most, label } = ROOMS[name];
  const place = document.createElement("div");
  const handle = document.createElement("div");
  place.className = "divider";
  place.dataset.of = name;
  Object.assign(handle, { role: "separator", tabIndex: 0, ariaOrientation: "vertical", ariaLabel: label });
  Object.assign(handle, { ariaValueMin: String(name === "history" ? 0 : least), ariaValueMax: String(most) });
  place.append(handle);

  const tokens = () => (chat.dataset.widths ?? "").split(" ").filter(Boolean);
  const isFolded = () => name === "history" && tokens().includes("folded");
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const shown = () => /** @type {HTMLElement[]} */ ([...chat.querySelectorAll(name === "history" ? "#history" : ".side:not([hidden])")]);
  const measured = () => (isFolded() ? 0 : Math.round((shown()[0]?.getBoundingClientRect().width ?? 0) / rem));
  const tell = () => {
    const now = measured();
    Object.assign(handle, { ariaValueNow: String(now), ariaValueText: now ? `${Math.round(now * rem)} pixels` : "Hidden" });
    const words = isFolded() ? "Show conversations" : "Hide conversations";
    for (const name of ["aria-label", "title"]) button?.setAttribute(name, words);
  };
  /** @param {string[]} kept */
  const keep = (kept) => {
    if (kept.length) chat.dataset.widths = kept.join(" ");
    else delete chat.dataset.widths;
    keepCookie("htmxchat_widths", kept.join("."));
    tell();
  };
  /** @param {string} token @returns whether it is about this room */
  const isOwn = (token) => token[0] === letter || (name === "history" && token === "folded");
  const others = () => tokens().filter((token) => !isOwn(token));
  /** @param {boolean} is */
  const fold = (is) => keep([...tokens().filter((token) => token !== "folded"), ...(is ? ["folded"] : [])]);
  /** @param {number} wanted */
  const widen = (wanted) => keep([...others(), letter + Math.round(Math.min(Math.max(wanted, least), most))]);

  const button = name === "history" ? document.createElement("button") : null;
  if (button) {
    button.type = "button";
    button.className = "fold";
    button.append(document.createElement("span"));
    button.addEventListener("click", () => fold(!isFolded()));
    place.append(button);
  }

  /** Whether the room is at the left of its handle. */
  const isLeft = () => (getComputedStyle(chat).direction === "rtl") !== (name === "history");
  /** @param {number} x */
  const dragged = (x) => {
    const edge = chat.getBoundingClientRect();
    const room = isLeft() ? x - edge.left : edge.right - x;
    // Two rooms beside each other share what is between the handle and the edge.
    const beside = new Set(shown().map((each) => each.getBoundingClientRect().left)).size || 1;
    const width = room / beside / rem;
    if (name === "history" && width < least / 2) fold(true);
    else widen(width);
  };
  handle.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && dragged(event.clientX));
  handle.addEventListener("dblclick", () => keep(others()));
  handle.addEventListener("focus", tell);
  handle.addEventListener("keydown", (event) => {
    const more = isLeft() ? "ArrowRight" : "ArrowLeft";
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") widen(measured() + (event.key === more ? 1 : -1));
    else if (event.key === "Home") widen(least);
    else if (event.key === "End") widen(most);
    else if (event.key === "Enter" && name === "history") fold(!isFolded());
    else return;
    event.preventDefault();
  });
  tell();
  return place;
}
