/** Modules and style sheets that a page loads when it first has something that needs them. */

import { isNoted } from "./asides.js";

/** @param {string} selector */
const has = (selector) => document.querySelector(selector) !== null;

/** Whether the page has been pointed at, or a key pressed. */
let used = false;

/** @type {Set<{needed: () => boolean, load?: () => Promise<unknown>, style?: string}>} */
const waiting = new Set([
  { needed: () => has("button[name=copy]"), load: () => import("./copy.js") },
  { needed: () => has("#turns .turn[aria-busy]") || isNoted(), load: () => import("./away.js") },
  {
    needed: () => used && has(".chat > #history") && matchMedia("(min-width: 52rem)").matches,
    load: async () => {
      await loadStyle("rooms");
      (await import("./widths.js")).adjustWidths(/** @type {HTMLElement} */ (document.querySelector(".chat")));
    },
  },
  { needed: () => has("chat-menu"), load: () => import("./menu.js") },
  { needed: () => has("chat-inspector"), load: () => import("./inspector.js"), style: "inspector" },
  { needed: () => has("chat-scripts"), style: "scripts" },
  {
    needed: () => has("chat-runner") && has("#turns .turn, #scripts:not([hidden])"),
    load: () => import("./scripts.js"),
  },
  { needed: () => has("chat-form"), load: () => import("./forms.js"), style: "forms" },
  { needed: () => has("chat-edit"), load: () => import("./edit.js"), style: "edit" },
  { needed: () => has("chat-share"), load: () => import("./share.js"), style: "share" },
  // Not while an answer is written.
  {
    needed: () => !has("#turns .turn[aria-busy]") && has("#turns :is(.code, .table)"),
    load: () => import("./blocks.js"),
  },
]);

/** Look now, and at each change of the page. */
export function loadLate() {
  for (const type of ["chat:changed", "htmx:after:swap"]) document.addEventListener(type, look);
  for (const type of ["pointermove", "keydown"]) {
    document.addEventListener(type, () => ((used = true), look()), { once: true });
  }
  look();
}

function look() {
  for (const each of waiting) {
    if (!each.needed()) continue;
    waiting.delete(each);
    // While the server cannot be reached, it is asked again at the next change.
    Promise.all([each.style && loadStyle(each.style), each.load?.()]).catch(() => waiting.add(each));
  }
}

/** Load a style sheet, unless the page has it. @param {string} name */
export function loadStyle(name) {
  const link = document.createElement("link");
  if (has(`link[href$="/css/${name}.css"]`)) return;
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
