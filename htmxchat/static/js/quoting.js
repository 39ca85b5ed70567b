/** What is selected in a message can be quoted in the next: a button beside the selection, which Tab leads to. */

import { plain } from "./plain.js";
import { loadStyles } from "./windows.js";

const GAP = 6;
const EDGE = 8;
/** What Tab leaves for the button: the reader has selected there. */
const READING = "body, #turns, #turns .turn-tail, chat-log > .room-body";

/** @type {HTMLButtonElement | undefined} */
let button;

function range() {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed || !selection.rangeCount) return undefined;
  const found = selection.getRangeAt(0);
  const around = found.commonAncestorContainer;
  const element = around instanceof Element ? around : around.parentElement;
  return element?.closest("#turns") && plain(found.cloneContents()) ? found : undefined;
}

function changed() {
  const selected = range();
  if (!selected) {
    if (document.activeElement !== button) hide();
    return;
  }
  button ??= newButton();
  if (!button.isConnected) document.querySelector("chat-log")?.append(button);
  if (!button.matches(":popover-open")) button.showPopover();
  place(button, selected);
}

function newButton() {
  const made = document.createElement("button");
  made.className = "button quote";
  made.type = "button";
  made.popover = "manual";
  made.textContent = "Quote";
  // The selection stays while it is pressed.
  made.addEventListener("pointerdown", (event) => event.preventDefault());
  made.addEventListener("click", quote);
  made.addEventListener("blur", changed);
  return made;
}

/** @param {HTMLElement} made @param {Range} selected */
function place(made, selected) {
  const all = selected.getClientRects();
  const at = all[all.length - 1] ?? selected.getBoundingClientRect();
  const box = document.querySelector("chat-log > .room-body")?.getBoundingClientRect();
  made.hidden = !box || at.bottom < box.top || at.top > box.bottom;
  made.style.left = `${Math.max(EDGE, Math.min(at.right - made.offsetWidth, innerWidth - made.offsetWidth - EDGE))}px`;
  made.style.top = `${Math.min(at.bottom + GAP, innerHeight - made.offsetHeight - EDGE)}px`;
}

function hide() {
  if (button?.matches(":popover-open")) button.hidePopover();
}

function quote() {
  const selected = range();
  const field = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#composer textarea"));
  if (!selected || !field) return;
  const lines = plain(selected.cloneContents()).split("\n").map((line) => (line ? `> ${line}` : ">"));
  document.getSelection()?.removeAllRanges();
  hide();
  field.value = `${field.value.trimEnd()}${field.value.trim() ? "\n\n" : ""}${lines.join("\n")}\n\n`;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  field.scrollTop = field.scrollHeight;
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (!button?.matches(":popover-open")) return;
  if (event.key === "Escape") {
    document.getSelection()?.removeAllRanges();
    hide();
  } else if (event.key === "Tab" && !event.shiftKey && event.target instanceof Element && event.target.matches(READING)) {
    event.preventDefault();
    button.focus();
  }
}

/** @type {number | undefined} */
let due;
document.addEventListener("selectionchange", () => (due ??= requestAnimationFrame(() => {
  due = undefined;
  changed();
})));
document.addEventListener("keydown", pressed, { capture: true });
document.addEventListener("scroll", () => button?.matches(":popover-open") && changed(), { capture: true, passive: true });
loadStyles().then(changed);
