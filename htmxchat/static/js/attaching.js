/**
 * Files come by the button, by drop and by paste. What uploads and shows them is loaded when there are some: here is only
 * what cannot wait for it.
 */

import { warn } from "./page.js";

const NOT_ATTACHED = "Your files could not be attached. Check the connection and try again.";
const INPUT = "chat-files input[type=file]";

/** Begin to watch the page. */
export function watchFiles() {
  /** @param {string} type @param {(event: any) => void} listener */
  const on = (type, listener) => document.addEventListener(type, listener);
  on("focusin", ({ target }) => target instanceof Element && target.matches(INPUT) && void load());
  on("change", ({ target }) => target instanceof HTMLInputElement && target.matches(INPUT) && chosen(target));
  on("paste", pasted);
  on("click", clicked);
  watchDrops(on);
  on("htmx:after:swap", restore);
  restore();
}

/** Where the ids of what is attached and not sent are kept: one list for each conversation and user. @param {Element} files */
export function draftKey(files) {
  const user = files.closest("chat-composer, chat-edit")?.getAttribute("data-user");
  return `htmxchat:files:${user}:${files.closest("form")?.getAttribute("action")}`;
}

/** @param {File[]} files @param {Element | null} form */
async function take(files, form) {
  const where = /** @type {HTMLElement | null | undefined} */ (form?.querySelector("chat-files"));
  const module = await load();
  if (module && where) module.attach(files, where);
  else if (files.length) warn(NOT_ATTACHED);
}

function load() {
  return import("./files.js").catch(() => undefined);
}

/** What was attached before a reload is there again. */
function restore() {
  for (const files of document.querySelectorAll("chat-files:not(:defined)")) {
    try {
      if (files.getAttribute("data-before") || localStorage.getItem(draftKey(files))) void load();
    } catch {
      // Nothing is kept where nothing can be.
    }
  }
}

/** @param {HTMLInputElement} input */
function chosen(input) {
  const files = [...(input.files ?? [])];
  // The same file can be chosen again, and no form sends it twice.
  input.value = "";
  void take(files, input.form);
}

/** @param {ClipboardEvent} event */
function pasted(event) {
  const { clipboardData, target } = event;
  const files = [...(clipboardData?.files ?? [])];
  const form = formAt(target, "#composer");
  if (!files.length || !form) return;
  const kinds = clipboardData?.types ?? [];
  // A part of a table or of a document is text; that it is also there as a picture is for other programs.
  if (kinds.includes("text/plain") && kinds.includes("text/html")) return;
  event.preventDefault();
  void take(files.map(named), form);
}

/** A picture that was copied has no name of its own. @param {File} file */
function named(file) {
  const ending = file.name.match(/^image(\.\w+)$/)?.[1];
  return ending ? new File([file], `Pasted picture${ending}`, { type: file.type }) : file;
}

/**
 * What takes files: a message that is edited, if something happens there, or else the composer of that chat.
 * @param {EventTarget | null} target @param {string} place @returns {HTMLFormElement | null}
 */
function formAt(target, place) {
  const edit = target instanceof Element ? target.closest("chat-edit form:has(chat-files)") : null;
  if (edit) return /** @type {HTMLFormElement} */ (edit);
  const around = target instanceof Element ? target.closest(place) : null;
  const composer = /** @type {HTMLFormElement | null} */ (document.querySelector("#composer:has(chat-files)"));
  return around && composer && (around === composer || around.contains(composer)) ? composer : null;
}

/** Files over the chat are for its composer; the page around it is the host's. @param {(type: string, listener: (event: any) => void) => void} on */
function watchDrops(on) {
  let ours = false;
  /** @param {DragEvent} event */
  const zone = ({ dataTransfer, target }) => {
    if (ours || !dataTransfer?.types.includes("Files")) return null;
    return target instanceof Element && target.closest("input[type=file]") ? null : formAt(target, ".chat, #conversation");
  };
  const leave = () => document.querySelector("form[data-drop]")?.removeAttribute("data-drop");
  on("dragstart", () => (ours = true));
  on("dragend", () => (ours = false));
  on("dragover", (event) => {
    const composer = zone(event);
    if (composer?.dataset.drop === undefined) leave();
    if (!composer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    if (composer.dataset.drop === undefined) void load();
    composer.dataset.drop = "";
  });
  on("dragleave", ({ relatedTarget }) => formAt(relatedTarget, ".chat, #conversation") ?? leave());
  on("drop", (event) => {
    const form = zone(event);
    leave();
    if (!form) return;
    event.preventDefault();
    void take(dropped(event.dataTransfer), form);
  });
}

/** What was dropped. A folder has nothing that could be sent, and is told apart only now. @param {DataTransfer} data */
function dropped(data) {
  const folders = [...data.items].map((item) => item.webkitGetAsEntry?.()?.isDirectory);
  return [...data.files].map((file, place) => (folders[place] ? Object.assign(file, { folder: true }) : file));
}

/** A file opens before the reader's eyes, where it can. @param {MouseEvent} event */
async function clicked(event) {
  const link = event.target instanceof Element ? event.target.closest("a[data-preview]") : null;
  if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const module = await import("./file-window.js").catch(() => undefined);
  if (module) module.showFile(link);
  else location.assign(link.href);
}
