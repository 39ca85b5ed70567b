/** Windows over the page: Escape, what is beside them and their Close close them, and the focus is back where it was. */

import { loadStyle } from "./late.js";

/** @type {Promise<unknown> | undefined} */
let styled;

/** Fetch the styles of what is seldom shown. What they are for waits for them. */
export function loadStyles() {
  return (styled ??= Promise.resolve(loadStyle("asides")).catch(() => (styled = undefined)));
}

/**
 * Put a window over the page, unless one is there already.
 * @param {string} name Its class.
 * @param {string} html What is in it.
 * @returns {Promise<HTMLDialogElement | undefined>}
 */
export async function openWindow(name, html) {
  await loadStyles();
  if (document.querySelector("dialog[open]")) return undefined;
  const dialog = document.createElement("dialog");
  dialog.className = `window ${name}`;
  dialog.innerHTML = html;
  dialog.addEventListener("click", ({ target }) => {
    const shuts = target === dialog || (target instanceof Element && target.closest("[data-shut]"));
    if (shuts) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  (document.querySelector(".chat") ?? document.body).append(dialog);
  dialog.showModal();
  return dialog;
}
