/**
 * The palette: conversations, searched by the server, and what can be done on this page, in one list below a field. What
 * is done is the press of what does it on the page, so the palette offers what the page does, and nothing else.
 */

import { openWindow } from "./windows.js";

/** Milliseconds without a key before the server is asked. */
const PAUSE = 200;
const FRAGMENT = { "HX-Request": "true", "HX-Request-Type": "partial", "HX-Source": "dialog" };
const FRAME = `<label class="hidden" for="palette-words">Go to a conversation, or do something</label>
<input id="palette-words" type="text" role="combobox" aria-autocomplete="list" aria-expanded="true" aria-controls="palette-list" autocomplete="off" spellcheck="false" dir="auto" placeholder="Go to a conversation, or do something">
<div id="palette-list" role="listbox" aria-label="What was found" tabindex="-1"></div><p role="status" class="hidden"></p>`;

/** What can be done: the words, and what does it. Without words it says itself what it does. @type {[string, string][]} */
const ACTIONS = [
  ["Stop the answer", "#composer [name=stop]"],
  ["New conversation", "#history .room-head .button, .another"],
  ["Search conversations", "#search"],
  ["Open the inspector", ".opener[data-room=inspector]"],
  ["Close the inspector", "#inspector:not([hidden]) a.shut"],
  ["Open the scripts", ".opener[data-room=scripts]"],
  ["Close the scripts", "#scripts:not([hidden]) a.shut"],
  ["Copy the last answer", "#turns > .turn:last-of-type [name=copy]"],
  ["Answer again", "#turns > .turn:last-of-type [name=retry]"],
  ["Attach a file", "#composer [name=attach]"],
  ["Keys and notices", ".room-head > [name=keys]"],
  ["", ".room-head chat-menu .menu :is(a, button)"],
  ["", "#history .room-foot :is(a, button)"],
];

/** @typedef {{words: string, press: () => void, note?: string}} Entry */

/** Show the palette; a second press of its key closes it. */
export async function openPalette() {
  const shown = /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog.palette"));
  if (shown) return shown.close();
  const actions = doable();
  const dialog = await openWindow("palette", FRAME.replaceAll("\n", ""));
  if (!dialog) return;
  dialog.setAttribute("aria-label", "Palette");
  new Palette(dialog, actions).begin();
}

/** What can be done now. @returns {Entry[]} */
function doable() {
  /** @type {Entry[]} */
  const found = [];
  for (const [words, selector] of ACTIONS) {
    const elements = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]);
    for (const element of words ? elements.slice(0, 1) : elements) {
      const said = words || (element.getAttribute("aria-label") ?? element.textContent ?? "").trim();
      const press = () => (element instanceof HTMLInputElement ? element.focus() : element.click());
      if (said && !element.hasAttribute("disabled")) found.push({ words: said, press });
    }
  }
  return found;
}

class Palette {
  #dialog;
  #actions;
  #field;
  #list;
  /** @type {Entry[]} What is listed, in its order. */
  #entries = [];
  /** @type {Entry[]} */
  #conversations = [];
  #place = 0;
  #failed = false;
  /** @type {AbortController | undefined} */
  #question;
  /** @type {number | undefined} */
  #timer;

  /** @param {HTMLDialogElement} dialog @param {Entry[]} actions */
  constructor(dialog, actions) {
    this.#dialog = dialog;
    this.#actions = actions;
    this.#field = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
    this.#list = /** @type {HTMLElement} */ (dialog.querySelector("[role=listbox]"));
  }

  begin() {
    this.#field.focus();
    this.#field.addEventListener("input", () => this.#typed());
    this.#field.addEventListener("keydown", (event) => this.#pressed(event));
    this.#list.addEventListener("click", ({ target }) => this.#clicked(target));
    this.#dialog.addEventListener("close", () => this.#question?.abort());
    void this.#ask();
    this.#draw();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#place = 0;
    this.#draw();
    this.#timer = setTimeout(() => this.#ask(), PAUSE);
  }

  /** Ask the server for conversations, the first page at once. */
  async #ask() {
    this.#question?.abort();
    const question = (this.#question = new AbortController());
    const list = /** @type {HTMLAnchorElement | null} */ (document.querySelector(".tabs a[data-room=history]"));
    const url = new URL(list?.href ?? "", location.href);
    url.searchParams.set("q", this.#field.value.trim());
    try {
      const response = await fetch(url, { headers: FRAGMENT, signal: question.signal });
      if (!response.ok) throw new Error(`${response.status}`);
      this.#conversations = conversations(await response.text());
      this.#failed = false;
    } catch {
      if (question.signal.aborted) return;
      this.#failed = true;
    }
    this.#draw();
  }

  #draw() {
    const words = this.#field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const doable = this.#actions.filter((each) => words.every((word) => each.words.toLowerCase().includes(word)));
    const conversations = this.#failed ? [] : this.#conversations;
    // What was typed names a conversation more often than an action.
    this.#entries = words.length ? [...conversations, ...doable] : [...doable, ...conversations];
    const groups = [group("Conversations", conversations), group("Actions", doable)];
    this.#list.replaceChildren(...(words.length ? groups : groups.reverse()).filter((each) => each !== undefined));
    [...this.#list.querySelectorAll("[role=option]")].forEach((option, place) => (option.id = `palette-${place}`));
    this.#place = Math.min(this.#place, Math.max(0, this.#entries.length - 1));
    this.#mark();
    const status = this.#dialog.querySelector("[role=status]");
    const count = this.#entries.length;
    const said = this.#failed ? "Conversations cannot be searched now." : count ? `${count} found.` : "Nothing found.";
    if (!count || this.#failed) this.#list.append(note(said));
    if (status && status.textContent !== said) status.textContent = said;
  }

  #mark() {
    const options = [...this.#list.querySelectorAll("[role=option]")];
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.#place)));
    const marked = options[this.#place];
    if (marked) this.#field.setAttribute("aria-activedescendant", marked.id);
    else this.#field.removeAttribute("aria-activedescendant");
    marked?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.isComposing) return;
    const last = this.#entries.length - 1;
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: this.#place < last ? this.#place + 1 : 0, ArrowUp: this.#place > 0 ? this.#place - 1 : last };
    if (event.key in moves) this.#place = Math.max(0, moves[event.key]);
    else if (event.key === "Enter") this.#press();
    else return;
    event.preventDefault();
    this.#mark();
  }

  /** @param {EventTarget | null} target */
  #clicked(target) {
    const option = target instanceof Element ? target.closest("[role=option]") : null;
    if (!option) return;
    this.#place = [...this.#list.querySelectorAll("[role=option]")].indexOf(option);
    this.#press();
  }

  #press() {
    const entry = this.#entries[this.#place];
    if (!entry) return;
    this.#dialog.close();
    entry.press();
  }
}

/** The conversations of a list that the server has drawn. @param {string} html @returns {Entry[]} */
function conversations(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const links = /** @type {HTMLAnchorElement[]} */ ([...template.content.querySelectorAll("a[data-conversation]")]);
  return links.map((link) => ({
    words: link.querySelector(".cut")?.textContent ?? "",
    note: link.querySelector(".passage")?.textContent ?? "",
    press: () => open(link),
  }));
}

/** Open a conversation as its link in the list does. @param {HTMLAnchorElement} found */
function open(found) {
  const link = /** @type {HTMLAnchorElement} */ (document.importNode(found, true));
  link.removeAttribute("id");
  link.hidden = true;
  document.querySelector(".chat")?.append(link);
  htmx.process(link);
  link.click();
  document.addEventListener("htmx:finally:request", () => link.remove(), { once: true });
}

/** @param {string} name @param {Entry[]} entries */
function group(name, entries) {
  if (!entries.length) return undefined;
  const made = document.createElement("div");
  made.role = "group";
  made.setAttribute("aria-label", name);
  const head = document.createElement("p");
  head.setAttribute("aria-hidden", "true");
  head.textContent = name;
  made.append(head, ...entries.map(option));
  return made;
}

/** @param {Entry} entry */
function option({ words, note: said = "" }) {
  const made = document.createElement("div");
  made.role = "option";
  made.dir = "auto";
  made.append(words);
  if (said) {
    const passage = document.createElement("span");
    passage.textContent = said;
    made.append(" ", passage);
  }
  return made;
}

/** @param {string} words */
function note(words) {
  const made = document.createElement("p");
  made.className = "nothing";
  made.setAttribute("aria-hidden", "true");
  made.textContent = words;
  return made;
}
