/** The ways to copy an answer: as the Markdown that it is written in, or as the text that is shown. */

import { copy } from "./copy.js";
import { plain } from "./plain.js";
import { loadStyles } from "./windows.js";

const CHOICES = '<button class="button" data-kind="quiet" type="button" value="markdown">Copy as Markdown</button><button class="button" data-kind="quiet" type="button" value="text">Copy as text</button>';
const GAP = 4;
const EDGE = 8;

/** @type {HTMLElement | undefined} */
let shown;

/** Open the choice below its button, or close it. @param {HTMLButtonElement} button */
export async function openChoice(button) {
  const again = button.getAttribute("aria-expanded") === "true";
  shown?.hidePopover();
  if (again) return;
  await loadStyles();
  const menu = document.createElement("div");
  menu.className = "choices";
  menu.popover = "auto";
  menu.innerHTML = CHOICES;
  menu.addEventListener("click", ({ target }) => {
    const chosen = target instanceof Element ? target.closest("button") : null;
    if (!chosen) return;
    menu.hidePopover();
    choose(button, chosen.value);
  });
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    button.setAttribute("aria-expanded", "false");
    if (menu.contains(document.activeElement)) button.focus();
    menu.remove();
    shown = undefined;
  });
  // In the top layer, and outside the turns: the server knows nothing of it.
  document.querySelector(".chat, chat-log")?.append(menu);
  shown = menu;
  addEventListener("resize", () => menu.isConnected && menu.hidePopover(), { once: true });
  menu.showPopover();
  place(menu, button);
  button.setAttribute("aria-expanded", "true");
  menu.querySelector("button")?.focus();
}

/** @param {HTMLElement} menu @param {HTMLElement} button */
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const below = at.bottom + GAP + menu.offsetHeight < innerHeight - EDGE;
  menu.style.left = `${Math.max(EDGE, Math.min(at.left, innerWidth - menu.offsetWidth - EDGE))}px`;
  menu.style.top = `${below ? at.bottom + GAP : at.top - GAP - menu.offsetHeight}px`;
}

/** @param {HTMLButtonElement} button @param {string} way */
function choose(button, way) {
  const body = button.closest(".turn")?.querySelector(".turn-body");
  const main = /** @type {HTMLButtonElement | null} */ (button.parentElement?.querySelector("[name=copy]"));
  button.focus();
  if (main) void copy(main, way === "text" && body ? plain(body) : undefined);
}
