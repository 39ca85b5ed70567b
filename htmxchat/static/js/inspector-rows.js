import { HELD, KEPT, MOST, numberOf } from "./inspector-held.js";
import { announce, localise } from "./page.js";

/** Characters of a sentence; longer text is a proxy's page. */
const LONGEST = 500;
/** Answers that trying again does not change. */
const FINAL = new Map([
  [401, "You are signed out. Reload the page to sign in."],
  [404, "This run is not there any more."],
]);

/** @typedef {"earlier" | "later"} Side */

/**
 * The stretch of a run's rows that is on the page. It grows at the end that is looked at, by what the links `.more` at
 * its ends lead to, and is cut at the other.
 */
export class Rows {
  #room;
  #edges;
  #placed;
  #changing = false;

  /**
   * @param {HTMLElement} room the `chat-inspector` that has the rows, with their address as `data-events`
   * @param {() => void} placed called when this has put rows in place, or out of it, which are no news
   */
  constructor(room, placed) {
    this.#room = room;
    this.#placed = placed;
    this.#edges = new IntersectionObserver((entries) => this.#reached(entries), { root: this.#body, rootMargin: "300px" });
    for (const link of this.#links) this.#edges.observe(link);
  }

  disconnect() {
    this.#edges.disconnect();
  }

  get first() {
    return /** @type {HTMLDetailsElement | null} */ (this.#list?.firstElementChild ?? null);
  }

  get last() {
    return this.shown.at(-1);
  }

  /** Those that are not put out of sight, because the view stands still. */
  get shown() {
    return /** @type {HTMLDetailsElement[]} */ ([...(this.#list?.children ?? [])]).filter((row) => !row.matches(HELD));
  }

  get #list() {
    return this.#room.querySelector("#inspector-rows");
  }

  get #body() {
    return /** @type {HTMLElement | null} */ (this.#room.querySelector(".room-body"));
  }

  get #links() {
    return this.#room.querySelectorAll(".more");
  }

  /** The link to the rows beyond an end. @param {Side} side */
  link(side) {
    return /** @type {HTMLAnchorElement | null} */ (this.#room.querySelector(`#inspector-${side}`));
  }

  /** A row, by its number. @param {string} number */
  find(number) {
    return rowOf(this.#list, number);
  }

  /** Have a link lead to the rows before or after one; without one there are none. @param {Side} side @param {string} [number] */
  point(side, number) {
    const link = this.link(side);
    if (!link) return;
    const url = new URL(link.href);
    for (const each of ["before", "after"]) url.searchParams.delete(each);
    if (number) url.searchParams.set(side === "earlier" ? "before" : "after", number);
    link.setAttribute("href", url.pathname + url.search);
    link.hidden = !number;
  }

  /** Cut a long stretch at the side that is not looked at. @param {Side} side */
  trim(side) {
    const list = this.#list;
    if (!list || !this.link(side) || list.children.length <= MOST) return;
    const earlier = side === "earlier";
    const held = list.contains(document.activeElement) && document.activeElement;
    while (list.children.length > KEPT) (earlier ? list.firstElementChild : list.lastElementChild)?.remove();
    if (held && !held.isConnected) this.#body?.focus({ preventScroll: true });
    this.point(side, numberOf(earlier ? this.first : this.last));
  }

  /** Fetch the rows that a link leads to, and put them before or after those that are here. @param {Side} side */
  async load(side) {
    const [link, list, body] = [this.link(side), this.#list, this.#body];
    if (!link || !list || !body || this.#changing) return;
    this.#changing = true;
    link.setAttribute("aria-busy", "true");
    const part = await this.#fetch(new URL(link.href).searchParams, link);
    link.removeAttribute("aria-busy");
    if (part) {
      const fromEnd = body.scrollHeight - body.scrollTop;
      const earlier = side === "earlier";
      list[earlier ? "prepend" : "append"](...part.children);
      const held = document.activeElement === link;
      this.point(side, part.dataset[side]);
      if (earlier) body.scrollTop = body.scrollHeight - fromEnd;
      if (held && link.hidden) (earlier ? this.first : this.last)?.querySelector("summary")?.focus({ preventScroll: true });
      this.trim(earlier ? "later" : "earlier");
      this.#placed();
    }
    // When what changed has been drawn, look again: a link may be in sight.
    setTimeout(() => {
      this.#changing = false;
      for (const each of part ? this.#links : []) {
        this.#edges.unobserve(each);
        this.#edges.observe(each);
      }
    });
  }

  /** Put the stretch around a row in place, if the filter shows it. @param {string} number */
  async goTo(number) {
    const part = await this.#fetch(new URLSearchParams({ at: number }));
    if (!part || !rowOf(part, number)) return;
    this.point("earlier", part.dataset.earlier);
    this.point("later", part.dataset.later);
    this.#list?.replaceChildren(...part.children);
    this.#placed();
  }

  /** Show all that a row holds. @param {HTMLDetailsElement} row */
  async open(row) {
    const link = row.querySelector(":scope > .raw > a");
    if (!(link instanceof HTMLAnchorElement)) return;
    const part = await get(link.href, link, () => this.open(row));
    if (!part || !link.isConnected) return;
    const box = document.createElement("div");
    box.className = "raw";
    box.append(copyButton(link.getAttribute("href") ?? ""), part);
    link.parentElement?.replaceWith(box);
    // The server's row does not have it.
    row.setAttribute("hx-morph-skip", "");
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #reached(entries) {
    for (const { target, isIntersecting } of entries) {
      const link = /** @type {HTMLAnchorElement} */ (target);
      if (isIntersecting && !link.hidden) void this.load(link.id === "inspector-earlier" ? "earlier" : "later");
    }
  }

  /** @param {URLSearchParams} query @param {HTMLAnchorElement} [link] */
  async #fetch(query, link) {
    const url = new URL(this.#room.dataset.events ?? "", location.href);
    for (const [name, value] of query) url.searchParams.set(name, value);
    const side = link?.id === "inspector-earlier" ? "earlier" : "later";
    const part = await get(url.pathname + url.search, link, () => this.load(side));
    if (part) localise(part);
    return part;
  }
}

/** @param {Element | null} rows @param {string} number @returns {HTMLDetailsElement | null} */
function rowOf(rows, number) {
  return rows?.querySelector(`#row-${CSS.escape(number)}`) ?? null;
}

/**
 * Fetch one element of this chat. When that fails, the reason stands after the link that leads to it, with a way to try again.
 * @param {string} url @param {HTMLAnchorElement} [link] @param {() => void} [again] @returns {Promise<HTMLElement | null>}
 */
async function get(url, link, again) {
  let sentence = "That could not be loaded.";
  let final = false;
  if (link?.nextElementSibling?.matches(".unloaded")) link.nextElementSibling.remove();
  try {
    const response = await fetch(url, { headers: { "HX-Request": "true" } });
    if (response.ok) {
      const template = document.createElement("template");
      template.innerHTML = await response.text();
      return /** @type {HTMLElement | null} */ (template.content.firstElementChild);
    }
    const said = response.headers.get("Content-Type")?.startsWith("text/plain") ? await response.text() : "";
    final = FINAL.has(response.status);
    sentence = FINAL.get(response.status) ?? (said.length < LONGEST && said ? said : sentence);
  } catch {
    // The sentence says enough.
  }
  announce(sentence);
  link?.after(unloaded(sentence, final ? undefined : again));
  return null;
}

/** @param {string} sentence @param {() => void} [again] */
function unloaded(sentence, again) {
  const place = document.createElement("span");
  place.className = "unloaded";
  place.append(sentence);
  if (!again) return place;
  const button = document.createElement("button");
  button.className = "button";
  button.type = "button";
  button.textContent = "Try again";
  button.addEventListener("click", again);
  place.append(" ", button);
  return place;
}

/** @param {string} url of what it copies */
function copyButton(url) {
  const button = document.createElement("button");
  button.className = "button";
  button.type = "button";
  button.name = "copy";
  button.dataset.kind = "icon";
  button.dataset.url = url;
  button.setAttribute("aria-label", "Copy as JSON");
  button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-copy"/></svg>';
  return button;
}
