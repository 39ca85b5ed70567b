/**
 * `<chat-inspector>` holds what is known of a run. The server draws it; this element has the live stream bring its rows,
 * fetches more rows and what they hold when they are looked at, and puts every control on the keyboard.
 */

import { copy } from "./log.js";
import { announce, localise } from "./page.js";

/** Rows that stay on the page; the others are a scroll away. */
const MOST = 1_200;
/** Rows that a window is cut to. */
const KEPT = 800;
/** Pixels from the end within which the reader counts as being there. */
const NEAR = 32;
/** Where the focus goes in a room that comes in place of this one. */
const coming = { row: "" };

class ChatInspector extends HTMLElement {
  /** @type {AbortController | undefined} */
  #listeners;
  /** @type {MutationObserver | undefined} */
  #changes;
  /** @type {IntersectionObserver | undefined} */
  #edges;
  #following = false;
  #loading = false;
  #pausedAt = 0;
  #top = 0;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    this.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.closest("#inspector")?.addEventListener("keydown", (event) => this.#pressed(/** @type {KeyboardEvent} */ (event)), { signal });
    this.closest("#inspector")?.addEventListener("click", (event) => this.#copies(event), { signal });
    this.addEventListener("toggle", (event) => this.#toggled(event.target), { signal, capture: true });
    document.body.addEventListener("chat:changed", () => this.#ended(), { signal });
    this.#body?.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    if (!this.#rows) return;
    this.#changes = new MutationObserver(() => this.#changed());
    this.#changes.observe(this.#rows, { childList: true });
    this.#edges = new IntersectionObserver((entries) => this.#reached(entries), { root: this.#body, rootMargin: "300px" });
    for (const link of this.querySelectorAll(".more")) this.#edges.observe(link);
    this.#following = this.dataset.live !== undefined;
    this.#watch();
    this.#arrive();
  }

  disconnectedCallback() {
    this.#listeners?.abort();
    this.#changes?.disconnect();
    this.#edges?.disconnect();
    const { run } = this.dataset;
    // What comes in its place may want rows of the same run: it has asked for them by then.
    setTimeout(() => document.querySelector(`chat-inspector[data-live][data-run="${run}"]`) || live(run)?.watch(null));
  }

  get #rows() {
    return this.querySelector("#inspector-rows");
  }

  get #body() {
    return /** @type {HTMLElement | null} */ (this.querySelector(".room-body"));
  }

  /** @param {string} name */
  #button(name) {
    return /** @type {HTMLButtonElement | null} */ (this.querySelector(`button[name=${name}]`));
  }

  /** @param {"earlier" | "later"} name */
  #more(name) {
    return /** @type {HTMLAnchorElement | null} */ (this.querySelector(`#inspector-${name}`));
  }

  // The live stream

  /** Have the turn's stream bring the rows too, from those on, that the page has. @param {number} [from] @param {boolean} [paused] */
  #watch(from = Number(this.dataset.last), paused = false) {
    if (this.dataset.live === undefined) return;
    const wanted = new URL(this.dataset.events ?? "", location.href).searchParams;
    wanted.set("rows", String(from));
    if (paused) wanted.set("paused", "1");
    live(this.dataset.run)?.watch(wanted);
  }

  #pause() {
    const button = this.#button("pause");
    if (!button) return;
    const paused = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(paused));
    button.querySelector("use")?.setAttribute("href", paused ? "#i-play" : "#i-pause");
    if (paused) {
      this.#pausedAt = live(this.dataset.run)?.rowsSeen ?? 0;
      this.#watch(this.#pausedAt, true);
      announce("Paused. New rows are counted.");
    } else {
      const count = this.querySelector("#inspector-new");
      if (count) count.textContent = "";
      this.#watch(this.#pausedAt);
      this.#pausedAt = 0;
      announce("Live again.");
    }
  }

  /** The run has ended; what came while the view was paused is there to be read. */
  #ended() {
    if (live(this.dataset.run) || this.dataset.live === undefined) return;
    this.removeAttribute("data-live");
    const later = this.#more("later");
    if (!this.#pausedAt || !later) return;
    this.#point(later, "after", String(this.#pausedAt));
    this.#pausedAt = 0;
  }

  #follow(on = !this.#following) {
    this.#following = on;
    this.#button("follow")?.setAttribute("aria-pressed", String(on));
    if (on) this.#toEnd();
  }

  #toEnd() {
    const body = this.#body;
    if (body) body.scrollTop = body.scrollHeight;
  }

  /** Only the reader scrolls up: rows that come move the end away, not the reader. */
  #scrolled() {
    const body = this.#body;
    if (!body || this.dataset.live === undefined) return;
    const atEnd = body.scrollHeight - body.scrollTop - body.clientHeight < NEAR;
    if (!atEnd && body.scrollTop < this.#top && this.#following) this.#follow(false);
    else if (atEnd && !this.#following && body.scrollTop > this.#top) this.#follow(true);
    this.#top = body.scrollTop;
  }

  #changed() {
    const rows = this.#rows;
    if (!rows || this.#loading) return;
    if (this.#following) {
      this.#trim("earlier");
      this.#toEnd();
    }
  }

  // Rows

  /** Take rows away at the side that is not looked at, and have the link lead to them. @param {"earlier" | "later"} side */
  #trim(side) {
    const rows = this.#rows;
    const link = this.#more(side);
    if (!rows || !link || rows.children.length <= MOST) return;
    const last = side === "earlier" ? KEPT : 0;
    while (rows.children.length > KEPT) (last ? rows.firstElementChild : rows.lastElementChild)?.remove();
    const edge = side === "earlier" ? rows.firstElementChild : rows.lastElementChild;
    this.#point(link, side === "earlier" ? "before" : "after", edge?.getAttribute("data-seq") ?? "");
  }

  /** @param {HTMLAnchorElement} link @param {string} name @param {string} seq */
  #point(link, name, seq) {
    const url = new URL(link.href);
    for (const each of ["before", "after"]) url.searchParams.delete(each);
    if (seq) url.searchParams.set(name, seq);
    link.setAttribute("href", url.pathname + url.search);
    link.hidden = !seq;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #reached(entries) {
    for (const { target, isIntersecting } of entries) {
      const link = /** @type {HTMLAnchorElement} */ (target);
      if (isIntersecting && !link.hidden) void this.#load(link.id === "inspector-earlier" ? "earlier" : "later");
    }
  }

  /** Fetch the rows that a link leads to, and put them before or after those that are here. @param {"earlier" | "later"} side */
  async #load(side) {
    const link = this.#more(side);
    const rows = this.#rows;
    const body = this.#body;
    if (!link || !rows || !body || this.#loading) return;
    this.#loading = true;
    link.setAttribute("aria-busy", "true");
    const part = await this.#fetch(new URL(link.href).searchParams);
    link.removeAttribute("aria-busy");
    if (part) {
      const fromEnd = body.scrollHeight - body.scrollTop;
      const earlier = side === "earlier";
      rows[earlier ? "prepend" : "append"](...part.children);
      this.#point(link, earlier ? "before" : "after", part.dataset[side] ?? "");
      if (earlier) body.scrollTop = body.scrollHeight - fromEnd;
      this.#trim(earlier ? "later" : "earlier");
    }
    // When what changed has been drawn, look again: a link may be in sight.
    setTimeout(() => {
      this.#loading = false;
      for (const each of part ? this.querySelectorAll(".more") : []) {
        this.#edges?.unobserve(each);
        this.#edges?.observe(each);
      }
    });
  }

  /** @param {URLSearchParams} query @returns {Promise<HTMLElement | null>} */
  async #fetch(query) {
    const url = new URL(this.dataset.events ?? "", location.href);
    for (const [name, value] of query) url.searchParams.set(name, value);
    const html = await get(url.pathname + url.search);
    const part = html === null ? null : parse(html);
    if (part) localise(part);
    return part;
  }

  /** Show a row, wherever it is. @param {string} seq @param {string} href where it is found when the filter hides it */
  async #show(seq, href) {
    if (!this.#row(seq)) {
      const part = await this.#fetch(new URLSearchParams({ at: seq }));
      if (part && rowOf(part, seq)) this.#put(part);
    }
    const row = this.#row(seq);
    if (!row) location.assign(href);
    else this.#enter(row, true);
  }

  /** Put another stretch of rows in place. @param {HTMLElement} part */
  #put(part) {
    const [earlier, later] = [this.#more("earlier"), this.#more("later")];
    if (earlier) this.#point(earlier, "before", part.dataset.earlier ?? "");
    if (later) this.#point(later, "after", part.dataset.later ?? "");
    if (part.dataset.later && this.dataset.live !== undefined) {
      // These are not the last rows, so none can be added to them.
      this.removeAttribute("data-live");
      live(this.dataset.run)?.watch(null);
    }
    this.#loading = true;
    this.#rows?.replaceChildren(...part.children);
    setTimeout(() => (this.#loading = false));
  }

  /** @param {string} seq */
  #row(seq) {
    return rowOf(this.#rows, seq);
  }

  /** @param {HTMLDetailsElement} row @param {boolean} [open] */
  #enter(row, open = false) {
    if (this.#following) this.#follow(false);
    if (open) row.open = true;
    row.querySelector("summary")?.focus({ preventScroll: true });
    row.scrollIntoView({ block: open ? "center" : "nearest" });
  }

  /** Go where the address, or what was pressed before, leads. */
  #arrive() {
    const row = coming.row;
    coming.row = "";
    const rows = this.#rows;
    const wanted = location.hash.startsWith("#event-") && this.#row(location.hash.slice(7));
    if (row) this.#enter(/** @type {HTMLDetailsElement} */ (row === "first" ? rows?.firstElementChild : rows?.lastElementChild) ?? document.createElement("details"));
    else if (wanted) this.#enter(wanted, true);
    else if (this.#following) this.#toEnd();
  }

  /** @param {number} step */
  #move(step) {
    const rows = this.#rows;
    const here = document.activeElement?.closest("[data-seq]");
    const next = here ? (step > 0 ? here.nextElementSibling : here.previousElementSibling) : rows?.firstElementChild;
    if (next instanceof HTMLDetailsElement) this.#enter(next);
  }

  /** @param {"first" | "last"} end */
  #go(end) {
    const rows = this.#rows;
    const rest = this.#more(end === "first" ? "earlier" : "later");
    const row = end === "first" ? rows?.firstElementChild : rows?.lastElementChild;
    if (rest?.hidden && row instanceof HTMLDetailsElement) {
      this.#enter(row);
      return;
    }
    coming.row = end;
    /** @type {HTMLElement | null} */ (this.querySelector(`[data-end=${end}]`))?.click();
  }

  #clear() {
    for (const row of this.#rows?.children ?? []) row.setAttribute("data-cleared", "");
    const rows = this.#rows;
    const earlier = this.#more("earlier");
    const last = rows?.lastElementChild?.getAttribute("data-seq");
    this.#button("clear")?.setAttribute("aria-pressed", "true");
    if (earlier && last) earlier.hidden = true;
    announce("The view is clear. Show all brings the rows back.");
  }

  #unclear() {
    this.#button("clear")?.setAttribute("aria-pressed", "false");
    for (const row of this.querySelectorAll("[data-cleared]")) row.removeAttribute("data-cleared");
    const earlier = this.#more("earlier");
    if (earlier?.search.includes("before=")) earlier.hidden = false;
  }

  // What a row holds

  /** @param {EventTarget | null} target */
  #toggled(target) {
    const row = target instanceof HTMLDetailsElement && target.matches("#inspector-rows > [open]") ? target : null;
    const link = row?.querySelector(":scope > .raw > a");
    if (link instanceof HTMLAnchorElement) void this.#open(link);
  }

  /** @param {HTMLAnchorElement} link */
  async #open(link) {
    const html = await get(link.href);
    const part = html === null ? null : parse(html);
    if (!part || !link.isConnected) return;
    const button = document.createElement("button");
    button.className = "button";
    button.type = "button";
    button.name = "copy";
    button.dataset.kind = "icon";
    button.dataset.url = link.getAttribute("href") ?? "";
    button.setAttribute("aria-label", "Copy as JSON");
    button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-copy"/></svg>';
    const box = document.createElement("div");
    box.className = "raw";
    box.append(button, part);
    link.parentElement?.replaceWith(box);
  }

  // Controls

  /** @param {Event} event */
  #copies(event) {
    const button = event.target instanceof Element ? event.target.closest("button[name=copy]") : null;
    if (button instanceof HTMLButtonElement) void copy(button);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a");
    const name = target?.closest("button")?.name;
    if (name === "pause") this.#pause();
    if (name === "follow") this.#follow();
    if (name === "clear") this.#button("clear")?.getAttribute("aria-pressed") === "true" ? this.#unclear() : this.#clear();
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const seq = link.getAttribute("data-row");
    if (seq) {
      event.preventDefault();
      void this.#show(seq, link.getAttribute("href") ?? "");
    } else if (link.classList.contains("more")) {
      event.preventDefault();
      void this.#load(link.id === "inspector-earlier" ? "earlier" : "later");
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : null;
    const typing = target?.closest("input, select, textarea");
    const search = /** @type {HTMLInputElement | null} */ (this.querySelector("#inspector-q"));
    if (event.key === "Escape") {
      const menu = target?.closest("details.key-help[open], chat-menu");
      if (menu instanceof HTMLDetailsElement) menu.open = false;
      else if (typing) this.#body?.focus();
      else if (!menu) /** @type {HTMLElement | null} */ (this.closest(".side")?.querySelector("a.shut"))?.click();
      return;
    }
    if (typing && !(typing === search && event.key === "ArrowDown")) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => this.#move(1),
      ArrowUp: () => this.#move(-1),
      Home: () => this.#go("first"),
      End: () => this.#go("last"),
      "/": () => search?.focus(),
      t: () => /** @type {HTMLElement | null} */ (this.querySelector("#inspector-type"))?.focus(),
      p: () => this.#button("pause")?.click(),
      f: () => this.#button("follow")?.click(),
      c: () => this.#button("clear")?.click(),
      e: () => /** @type {HTMLElement | null} */ (this.querySelector("#inspector-problem a"))?.click(),
    };
    const run = this.#rows ? keys[event.key] : undefined;
    if (!run) return;
    event.preventDefault();
    run();
  }
}

/**
 * The row that holds an event. The number of a row that grows rises, so a link drawn a moment ago has an earlier one.
 * @param {Element | null} rows @param {string} seq
 */
function rowOf(rows, seq) {
  const wanted = Number(seq);
  const all = /** @type {HTMLDetailsElement[]} */ ([...(rows?.children ?? [])]);
  return all.find(({ dataset: { first, seq: last } }) => Number(first ?? last) <= wanted && wanted <= Number(last)) ?? null;
}

/** The element that keeps a run's turn up to date, while the run is live. @param {string} [run] */
function live(run) {
  return /** @type {import("./live.js").ChatLive | null} */ (document.querySelector(`chat-live[data-run="${run}"]`));
}

/** @param {string} url */
async function get(url) {
  try {
    const response = await fetch(url, { headers: { "HX-Request": "true" } });
    if (response.ok) return await response.text();
  } catch {
    // As below.
  }
  announce("That could not be loaded. Try again.");
  return null;
}

/** @param {string} html of one element, from this page's own server */
function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return /** @type {HTMLElement | null} */ (template.content.firstElementChild);
}

customElements.define("chat-inspector", ChatInspector);
