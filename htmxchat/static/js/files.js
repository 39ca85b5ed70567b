/**
 * `<chat-files>` in the composer, or in a message that is edited: files are uploaded as soon as they are there, each with its
 * tile, and go with the message that is sent next. What is attached is a draft: it is there again after a reload, and in other tabs.
 */

import { draftKey } from "./attaching.js";
import { ChatElement } from "./element.js";
import { Draft, fetchTiles } from "./files-draft.js";
import { problem } from "./files-limits.js";
import { Upload } from "./files-upload.js";
import { announce } from "./page.js";

/** How many uploads are under way at a time: a browser opens six connections to a host, and needs some for the rest. */
const AT_ONCE = 3;

/** Milliseconds before the server is asked again for what is attached. */
const AGAIN = 3_000;

/** What is not uploaded yet, by its draft: it continues while the reader is elsewhere. @type {Map<string, Upload[]>} */
const unfinished = new Map();

/** Attach files to what is being written. @param {File[]} files @param {HTMLElement} where A `chat-files`. */
export function attach(files, where) {
  // The room may have been drawn again while this came.
  const there = where.isConnected ? where : document.querySelector("#composer chat-files");
  /** @type {ChatFiles | null} */ (there)?.attach(files);
}

class ChatFiles extends ChatElement {
  connected() {
    const form = this.#form;
    if (form) form.enctype = "application/x-www-form-urlencoded";
    for (const upload of this.#uploads) this.#list.append(upload.tile);
    this.on(this.#list, "click", (event) => this.#clicked(event));
    this.on(window, "storage", ({ key }) => key === this.#draft.key && void this.#restore());
    this.on(window, "beforeunload", (event) => busy() && event.preventDefault());
    this.on(document, "htmx:before:request", ({ detail: { ctx } }) => ctx.sourceElement === this.#form && this.#sent());
    const changed = this.keep(new MutationObserver(() => this.#changed()));
    changed.observe(this.#list, { childList: true, subtree: true, attributeFilter: ["data-state"] });
    this.#changed();
    void this.#restore();
  }

  get #draft() {
    const { before } = this.dataset;
    return new Draft(draftKey(this), before?.split(" ").filter(Boolean));
  }

  get #form() {
    return this.closest("form");
  }

  get #list() {
    return /** @type {HTMLElement} */ (this.closest("form")?.querySelector(":scope > .files"));
  }

  get #uploads() {
    return unfinished.get(this.#draft.key) ?? [];
  }

  /** @param {File[]} files */
  attach(files) {
    /** @type {string[]} */
    const refused = [];
    for (const file of files) {
      const upload = new Upload(uniquely(file, this.#list), this.dataset.url ?? "", this.#draft);
      const wrong = problem(file, this.dataset, this.#list.querySelectorAll(":scope > :not([data-refused])").length);
      if (wrong) {
        upload.refuse(wrong);
        refused.push(`${upload.name} is not attached: ${wrong}.`);
      }
      unfinished.set(this.#draft.key, [...this.#uploads, upload]);
      this.#list.append(upload.tile);
    }
    this.#list.lastElementChild?.scrollIntoView({ block: "nearest" });
    if (document.activeElement === document.body) this.#form?.querySelector("textarea")?.focus();
    const begun = files.length - refused.length;
    announce([...refused, begun ? `Uploading ${count(begun)}.` : ""].filter(Boolean).join(" "));
    this.#proceed();
  }

  /** Begin what waits, and let go of what is over. */
  #proceed() {
    const { key } = this.#draft;
    const running = [...unfinished.values()].flat().filter(({ state }) => state === "running").length;
    for (const upload of this.#uploads.filter(({ state }) => state === "waiting").slice(0, Math.max(0, AT_ONCE - running))) {
      void upload.start().then((refusal) => {
        if (refusal) announce(`${upload.name} is not attached: ${refusal}`);
        const left = (unfinished.get(key) ?? []).filter(({ state }) => state !== "done");
        unfinished.set(key, left);
        if (upload.state === "done" && !left.some(({ state }) => state !== "failed")) announce(told(left.length));
        this.#proceed();
      });
    }
  }

  /** Have here what is attached, whichever page attached it. A message that is being sent has its own. */
  async #restore() {
    const here = new Set(ids(this.#list));
    const kept = new Set(this.#draft.ids);
    for (const tile of this.#list.querySelectorAll("[data-file]")) {
      if (!kept.has(tile.getAttribute("data-file") ?? "")) tile.remove();
    }
    const missing = [...kept].filter((id) => !here.has(id));
    if (!missing.length) return;
    this.toggleAttribute("data-loading", true);
    this.#changed();
    const tiles = await fetchTiles(this.dataset.url ?? "", missing);
    this.toggleAttribute("data-loading", tiles === undefined);
    if (!tiles) setTimeout(() => this.isConnected && this.#restore(), AGAIN);
    else {
      const found = tiles.map((tile) => tile.dataset.file ?? "");
      const all = new Map([...tiles, ...this.#list.querySelectorAll("[data-file]")].map((tile) => [tile.getAttribute("data-file"), tile]));
      this.#list.prepend(...[...kept].flatMap((id) => all.get(id) ?? []));
      this.#draft.remove(missing.filter((id) => !found.includes(id)));
    }
    this.#changed();
  }

  /** @param {Event} event */
  #clicked({ target }) {
    const button = target instanceof Element ? target.closest("button[name=remove], button.retry") : null;
    const tile = /** @type {HTMLElement | null} */ (button?.closest(".file"));
    if (!button || !tile) return;
    const upload = this.#uploads.find((each) => each.tile === tile);
    if (button.matches(".retry")) {
      upload?.wait();
      tile.querySelector("button")?.focus();
      return this.#proceed();
    }
    const next = tile.nextElementSibling ?? tile.previousElementSibling;
    upload?.cancel();
    unfinished.set(this.#draft.key, this.#uploads.filter((each) => each !== upload));
    this.#draft.discard(tile);
    tile.remove();
    /** @type {HTMLElement | null | undefined} */ (
      next?.querySelector("[name=remove]") ?? this.#form?.querySelector("textarea")
    )?.focus();
    announce(`${tile.querySelector(".name")?.textContent} removed.`);
    this.#proceed();
  }

  /** The tiles go with the message; they come back when it does. */
  #sent() {
    const tiles = [...this.#list.children];
    const [form, draft, list, listeners] = [this.#form, this.#draft, this.#list, new AbortController()];
    // A message that is edited keeps its tiles until another stands in its place.
    const edits = this.dataset.before !== undefined;
    if (!tiles.length && !edits) return;
    if (!edits) list.replaceChildren();
    // The room may be another one by then.
    document.addEventListener("htmx:finally:request", (event) => {
      const { ctx } = /** @type {CustomEvent<{ctx: HtmxContext}>} */ (event).detail;
      if (ctx.sourceElement !== form) return;
      listeners.abort();
      if (ctx.response && ctx.response.status < 400) draft.sent(tiles.map((tile) => tile.getAttribute("data-file") ?? ""));
      else if (!edits) list.prepend(...tiles);
    }, { signal: listeners.signal });
  }

  /** Say how far it is, and why nothing can be sent yet. */
  #changed() {
    const number = (/** @type {string} */ states) => this.#list.querySelectorAll(`:scope > :is(${states})`).length;
    const [running, failed] = [number("[data-state=waiting], [data-state=running]"), number("[data-state=failed]")];
    const loading = this.hasAttribute("data-loading");
    const words = [running && `${running} uploading`, failed && `${failed} failed`, loading && "Looking for your files"];
    const pending = this.querySelector(".pending");
    if (pending) pending.textContent = words.filter(Boolean).join(", ");
    const text = this.#form?.querySelector("textarea");
    if (text) text.required = !this.#list.childElementCount;
    const hold = loading
      ? "The files of this message are not here yet. Wait a moment, then send it."
      : running
        ? "A file is still being uploaded. Wait until it is there, or remove it, then send the message."
        : failed
          ? "A file is not attached. Try it again or remove it, then send the message."
          : "";
    if (hold) this.setAttribute("data-hold", hold);
    else this.removeAttribute("data-hold");
    const said = this.#form?.querySelector("[role=alert] [data-files]");
    if (said && said.textContent !== hold) hold ? (said.textContent = hold) : said.remove();
  }
}

/** Whether the page would lose what it uploads. */
function busy() {
  return [...unfinished.values()].flat().some(({ state }) => state === "waiting" || state === "running");
}

/** @param {Element} list */
function ids(list) {
  return [...list.querySelectorAll("[data-file]")].map((tile) => tile.getAttribute("data-file") ?? "");
}

/** A second picture from the clipboard has a name of its own. @param {File} file @param {Element} list */
function uniquely(file, list) {
  const [stem, ending] = [file.name.replace(/\.\w+$/, ""), file.name.match(/\.\w+$/)?.[0] ?? ""];
  if (stem !== "Pasted picture") return file;
  const names = [...list.querySelectorAll(".name")].map(({ textContent }) => textContent);
  let name = file.name;
  for (let number = 2; names.includes(name); number += 1) name = `${stem} ${number}${ending}`;
  return new File([file], name, { type: file.type });
}

/** @param {number} failed */
function told(failed) {
  return failed ? `Uploads are done, but ${count(failed)} failed.` : "All files are attached.";
}

/** @param {number} files */
function count(files) {
  return files === 1 ? "1 file" : `${files} files`;
}

customElements.define("chat-files", ChatFiles);
