/** One file on its way to the server, and its tile. */

import { FRAGMENT, tilesOf } from "./files-draft.js";
import { fileSize } from "./files-limits.js";

/** @import { Draft } from "./files-draft.js" */

const TILE = `<li class="file"><span class="thumb"><svg class="icon" aria-hidden="true"><use href="#i-file"/></svg></span>
  <span class="name" dir="auto"></span><span class="meta"></span>
  <button class="button" data-kind="icon" type="button" name="remove"><svg class="icon" aria-hidden="true"><use href="#i-cross"/></svg></button></li>`;
const UNCLEAR = "the server did not say why.";

export class Upload {
  /** @type {"waiting" | "running" | "failed" | "done"} */
  state = "waiting";
  tile = /** @type {HTMLElement} */ (tilesOf(TILE.replace(/>\s+</g, "><"))[0]);
  #file;
  #url;
  #draft;
  #request = new XMLHttpRequest();

  /** @param {File} file @param {string} url @param {Draft} draft */
  constructor(file, url, draft) {
    this.#file = file;
    this.#url = url;
    this.#draft = draft;
    const name = this.tile.querySelector(".name");
    if (name) name.textContent = file.name;
    this.wait();
  }

  get name() {
    return this.#file.name;
  }

  /** It can begin. */
  wait() {
    this.#draw("waiting", "Cancel", "Waiting");
  }

  /** It cannot be sent, whatever is tried. @param {string} why */
  refuse(why) {
    this.tile.toggleAttribute("data-refused", true);
    this.#draw("failed", "Remove", `${why[0]?.toUpperCase()}${why.slice(1)}`);
  }

  /** Upload it. Returns why the server does not take it; nothing when it does, or when it can be tried again. */
  async start() {
    this.#draw("running", "Cancel", `0% of ${fileSize(this.#file.size)}`);
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", this.name);
    bar.value = 0;
    this.tile.append(bar);
    const { status, responseText } = await this.#send(bar);
    bar.remove();
    if (status === 200) return this.#arrived(responseText);
    if (status === 0 || status >= 500) return this.#failed();
    const why = responseText.startsWith("<") || !responseText ? UNCLEAR : responseText;
    this.refuse(why);
    return why;
  }

  /** Stop it; nothing of it stays on the server. */
  cancel() {
    this.state = "done";
    this.#request.abort();
  }

  /** @param {HTMLProgressElement} bar */
  #send(bar) {
    const request = (this.#request = new XMLHttpRequest());
    const body = new FormData();
    body.append("upload", this.#file, this.name);
    request.open("POST", this.#url);
    for (const [name, value] of Object.entries(FRAGMENT)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = loaded / total;
      this.#say(loaded < total ? `${Math.floor((100 * loaded) / total)}% of ${fileSize(this.#file.size)}` : "Storing");
    });
    return new Promise((/** @type {(answer: XMLHttpRequest) => void} */ resolve) => {
      request.addEventListener("loadend", () => resolve(request));
      request.send(body);
    });
  }

  /** @param {string} html */
  #arrived(html) {
    const [tile] = tilesOf(html);
    if (!tile?.dataset.file) return this.#failed();
    if (this.state === "done") return this.#draft.discard(tile); // it was cancelled too late
    this.state = "done";
    this.#draft.add(tile.dataset.file);
    const focused = this.tile.contains(document.activeElement);
    this.tile.replaceWith(tile);
    if (focused) tile.querySelector("button")?.focus();
  }

  #failed() {
    if (this.state === "done") return;
    this.#draw("failed", "Remove", "Failed. ");
    const retry = document.createElement("button");
    retry.className = "retry";
    retry.type = "button";
    retry.append("Retry");
    retry.setAttribute("aria-label", `Retry ${this.name}`);
    this.tile.querySelector(".meta")?.append(retry);
  }

  /** @param {"waiting" | "running" | "failed"} state @param {string} button @param {string} words */
  #draw(state, button, words) {
    this.state = state;
    this.tile.dataset.state = state;
    const remove = this.tile.querySelector("[name=remove]");
    remove?.setAttribute("aria-label", `${button} ${this.name}`);
    remove?.setAttribute("title", button);
    this.#say(words);
  }

  /** @param {string} words */
  #say(words) {
    const meta = this.tile.querySelector(".meta");
    if (meta && meta.textContent !== words) meta.textContent = words;
  }
}
