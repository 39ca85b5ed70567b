/**
 * What stands beside the conversation only when it is wanted, each fetched then: the sheet of keys, the palette, the menu
 * of a copy button, the button at a selection, and what is noted of an answer while nobody looks.
 */

/** What takes Escape for itself. */
const OPEN = "dialog[open], details[open] > .menu, form.rename, chat-edit, :popover-open, .source-card";
/** Where it is noted. */
export const LEFT = "htmxchat:left";

/** Begin to listen. */
export function listenForAsides() {
  // Before what is open closes, and is not there any more to be found.
  document.addEventListener("keydown", (event) => isStop(event) && stop(), { capture: true });
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("selectionchange", selected);
}

/** @param {KeyboardEvent} event */
function isStop({ key, target, isComposing }) {
  if (key !== "Escape" || isComposing || document.querySelector(OPEN)) return false;
  return target === document.body || (target instanceof Element && target.closest("#turns, #composer, #conversation > chat-log") !== null);
}

function stop() {
  /** @type {HTMLElement | null} */ (document.querySelector("#composer [name=stop]"))?.click();
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea, [contenteditable]");
  const command = event.ctrlKey || event.metaKey;
  if (command && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    import("./palette.js").then(({ openPalette }) => openPalette()).catch(() => {});
  } else if (!command && !typing && event.key === "?") {
    event.preventDefault();
    openKeys();
  }
}

function openKeys() {
  import("./keys.js").then(({ openSheet }) => openSheet()).catch(() => {});
}

/** @param {Event} event */
function clicked({ target }) {
  const button = target instanceof Element ? target.closest("button[name=keys], button[name=copy-as]") : null;
  if (button?.getAttribute("name") === "keys") openKeys();
  else if (button) import("./copy-choice.js").then(({ openChoice }) => openChoice(/** @type {HTMLButtonElement} */ (button))).catch(() => {});
}

function selected() {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed || !selection.anchorNode?.parentElement?.closest("#turns .turn-body")) return;
  document.removeEventListener("selectionchange", selected);
  import("./quoting.js").catch(() => document.addEventListener("selectionchange", selected));
}

/** Whether it is noted where the reader left an answer. Storage can be forbidden. */
export function isNoted() {
  try {
    return localStorage.getItem(LEFT) !== null;
  } catch {
    return false;
  }
}
