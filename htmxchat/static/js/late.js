/** Modules and style sheets that a page loads when it first has something that needs them. */

import { isNoted } from "./asides.js";

/**
 * Whether the page has something, or what is new in it.
 * @typedef {(selector: string) => boolean} Has
 */

/** @type {Has} */
const pageHas = (selector) => document.querySelector(selector) !== null;

/** Whether the page has been pointed at, or a key pressed. */
let inUse = false;

/** @type {Set<{needed: (has: Has) => boolean, load?: () => Promise<unknown>, style?: string}>} */
const waiting = new Set([
  // Before there is a turn: none is sent without a key or a pointer.
  { needed: (has) => inUse || has(".turn"), style: "turns" },
  { needed: (has) => has("button[name=copy]"), load: () => import("./copy.js") },
  { needed: (has) => has("#turns .turn[aria-busy]") || isNoted(), load: () => import("./away.js") },
  {
    needed: () => inUse && pageHas(".chat > #history") && matchMedia("(min-width: 52rem)").matches,
    load: async () => {
      await loadStyle("rooms");
      (await import("./widths.js")).adjustWidths(/** @type {HTMLElement} */ (document.querySelector(".chat")));
    },
  },
  // What keeps the controls of versions in their place is here before they are pressed.
  { needed: (has) => has(".versions"), load: () => import("./versions.js") },
  { needed: (has) => has("chat-menu"), load: () => import("./menu.js") },
  { needed: (has) => has("chat-inspector"), load: () => import("./inspector.js"), style: "inspector" },
  { needed: (has) => has("chat-scripts"), style: "scripts" },
  {
    needed: (has) => has("#turns .turn, #scripts:not([hidden])") && pageHas("chat-runner"),
    load: () => import("./scripts.js"),
  },
  { needed: (has) => has("chat-form"), load: () => import("./forms.js"), style: "forms" },
  { needed: (has) => has("chat-edit"), load: () => import("./edit.js"), style: "edit" },
  { needed: (has) => has("chat-share"), load: () => import("./share.js"), style: "share" },
  // Not while an answer is written.
  {
    needed: (has) => has("#turns :is(.code, .table)") && !pageHas("#turns .turn[aria-busy]"),
    load: () => import("./blocks.js"),
  },
]);

/** What could not be loaded: while the server cannot be reached, it is asked again at the next change. */
let missed = false;

/** Look now, and at each change of the page: at what is new, for words come many times a second. */
export function loadLate() {
  document.addEventListener("chat:changed", () => look(pageHas));
  document.addEventListener("htmx:before:settle", (event) => {
    /** @type {Element[]} */
    const news = /** @type {CustomEvent} */ (event).detail.newContent.filter((/** @type {Node} */ node) => node instanceof Element);
    const newHas = (/** @type {string} */ selector) => news.some((each) => each.matches(selector) || each.querySelector(selector));
    look(missed ? pageHas : newHas);
  });
  look(pageHas);
  const waits = new AbortController();
  for (const type of ["pointermove", "pointerdown", "keydown", "input"]) {
    document.addEventListener(type, (event) => {
      // A browser tells of a pointer that rests where the page has come.
      if (event instanceof PointerEvent && type === "pointermove" && !event.movementX && !event.movementY) return;
      waits.abort();
      inUse = true;
      look(pageHas);
    }, { passive: true, signal: waits.signal });
  }
}

/** @param {Has} has */
function look(has) {
  missed = false;
  for (const each of waiting) {
    if (!each.needed(has)) continue;
    waiting.delete(each);
    Promise.all([each.style && loadStyle(each.style), each.load?.()]).catch(() => {
      waiting.add(each);
      missed = true;
    });
  }
}

/** Load a style sheet, unless the page has it. @param {string} name */
export function loadStyle(name) {
  const link = document.createElement("link");
  if (pageHas(`link[href$="/css/${name}.css"]`)) return;
  link.rel = "stylesheet";
  link.href = new URL(`../css/${name}.css`, import.meta.url).href;
  document.head.append(link);
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      reject(new Error(link.href));
    };
  });
}
