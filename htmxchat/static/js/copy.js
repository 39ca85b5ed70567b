/** Copies code, answers and what the inspector shows, where `button[name=copy]` stands. */

import { announce } from "./page.js";

/** Milliseconds for which a button says that it has copied. */
const SAID = 2_000;

document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("chat-log button[name=copy], #inspector button[name=copy]") : null;
  if (button instanceof HTMLButtonElement) void copy(button);
});

/** @param {HTMLButtonElement} button It says how that went. @param {string} [text] Something else than what is its own. */
export async function copy(button, text) {
  const own = text ?? button.closest("figure")?.querySelector("code")?.textContent;
  try {
    await write(typeof own === "string" ? Promise.resolve(own) : fetchText(button.dataset.url ?? ""));
    say(button, "Copied");
  } catch {
    say(button, "Could not copy");
  }
}

/** @param {string} url */
async function fetchText(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The answer's text could not be fetched: ${response.status}`);
  return response.text();
}

/**
 * Safari allows the clipboard only in the same turn as the click, so it is given the promise of the text.
 * A page on plain http has no clipboard; there the old way still works.
 * @param {Promise<string>} text
 */
async function write(text) {
  if (navigator.clipboard && "ClipboardItem" in window) {
    const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
    return navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
  }
  const box = document.createElement("textarea");
  box.value = await text;
  box.className = "hidden";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  if (!done) throw new Error("The browser did not copy.");
}

/** @param {HTMLButtonElement} button @param {string} words */
function say(button, words) {
  const shape = button.querySelector("use");
  announce(`${words}.`);
  button.setAttribute("data-said", words);
  shape?.setAttribute("href", words === "Copied" ? "#i-check" : "#i-alert");
  setTimeout(() => {
    button.removeAttribute("data-said");
    shape?.setAttribute("href", "#i-copy");
  }, SAID);
}
