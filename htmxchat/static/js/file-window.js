/** Shows what is in a file, over the page: Escape closes it, and the focus is back where it was. */

import { FRAGMENT } from "./files-draft.js";
import { loadStyle } from "./late.js";

const UNREACHABLE = "The chat cannot be reached. Check the connection and try again.";
const FRAME = `<dialog class="file-window" aria-labelledby="file-name"><header>
  <h2 id="file-name" dir="auto"></h2><span class="meta"></span>
  <a class="button" data-kind="quiet" download><svg class="icon" aria-hidden="true"><use href="#i-download"/></svg>Download</a>
  <button class="button" data-kind="icon" type="button" aria-label="Close" title="Close" autofocus><svg class="icon" aria-hidden="true"><use href="#i-cross"/></svg></button>
  </header><div class="body" tabindex="0"></div></dialog>`;

/** @param {HTMLAnchorElement} link The name in a file's tile. */
export async function showFile(link) {
  loadStyle("file-window")?.catch(() => {});
  const dialog = newDialog(link);
  const body = dialog.querySelector(".body");
  const response = await fetch(link.dataset.preview ?? "", { headers: FRAGMENT }).catch(() => undefined);
  const text = response ? await response.text().catch(() => "") : "";
  if (!dialog.open || !body) return;
  if (response?.ok) body.innerHTML = text;
  else body.textContent = text.startsWith("<") || !text ? UNREACHABLE : text;
}

/** @param {HTMLAnchorElement} link */
function newDialog(link) {
  const template = document.createElement("template");
  template.innerHTML = FRAME.replace(/>\s+</g, "><");
  const dialog = /** @type {HTMLDialogElement} */ (template.content.firstElementChild);
  const put = (/** @type {string} */ place, /** @type {string} */ words) => {
    const element = dialog.querySelector(place);
    if (element) element.textContent = words;
  };
  put("h2", link.textContent ?? "");
  put(".meta", link.closest(".file")?.querySelector(".meta")?.textContent ?? "");
  put(".body", "Loading…");
  dialog.querySelector("a")?.setAttribute("href", link.href);
  dialog.querySelector("button")?.addEventListener("click", () => dialog.close());
  // What is beside it closes it.
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  (link.closest(".htmxchat") ?? document.body).append(dialog);
  dialog.showModal();
  return dialog;
}
