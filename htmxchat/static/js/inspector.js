/**
 * `<chat-inspector>` holds what is known of a run. The server draws it; this element has the live stream bring its rows,
 * has more of them fetched when they are looked at, and puts every control on the keyboard.
 */

import { ChatElement } from "./element.js";
import { Following } from "./following.js";
import { followBranch } from "./inspector-branch.js";
import { Held, numberOf } from "./inspector-held.js";
import { Rows } from "./inspector-rows.js";
import { announce } from "./page.js";

/** Where the focus goes in a room that comes in place of this one. */
const coming = { row: "" };

class ChatInspector extends ChatElement {
  /** @type {Rows | undefined} */
  #rows;
  /** While rows may come. @type {Following | undefined} */
  #following;
  /** @type {MutationObserver | undefined} */
  #changes;
  #late = false;
  /** While they stand still. @type {Held | undefined} */
  #held;

  static observedAttributes = ["data-events", "data-last"];

  attributeChangedCallback() {
    // When all of the answer is in place, and before anything else comes.
    if (this.#rows) queueMicrotask(() => this.#filtered());
  }

  connected() {
    const room = this.closest("#inspector") ?? this;
    this.on(room, "keydown", (event) => this.#pressed(event));
    this.on(this, "click", (event) => this.#clicked(event));
    this.on(this, "toggle", ({ target }) => this.#toggled(target), { capture: true });
    this.on(document, "chat:changed", () => this.#ended());
    this.keep(followBranch(this));
    const list = this.#list;
    if (!list) return;
    this.#changes = this.keep(new MutationObserver((changes) => this.#changed(changes)));
    this.#changes.observe(list, { childList: true });
    this.#rows = this.keep(new Rows(this, () => this.#placed()));
    this.#follow();
    this.#watch();
    // What was opened before this script came.
    for (const row of this.#rows.shown) this.#toggled(row);
    this.#arrive();
  }

  disconnected() {
    const { run } = this.dataset;
    // What comes in its place may want rows of the same run: it has asked for them by then.
    setTimeout(() => document.querySelector(`chat-inspector[data-live][data-run="${run}"]`) || live(run)?.watch(null));
  }

  get #body() {
    return /** @type {HTMLElement | null} */ (this.querySelector(".room-body"));
  }

  get #list() {
    return /** @type {HTMLElement | null} */ (this.querySelector("#inspector-rows"));
  }

  /** @param {string} name */
  #button(name) {
    return /** @type {HTMLButtonElement | null} */ (this.querySelector(`button[name=${name}]`));
  }

  // The live stream

  /** Have the turn's stream bring the rows too, from those on that the page has. */
  #watch() {
    if (this.dataset.live === undefined) return;
    const wanted = new URL(this.dataset.events ?? "", location.href).searchParams;
    wanted.set("rows", this.dataset.last ?? "");
    const turn = live(this.dataset.run);
    if (turn) turn.watch(wanted);
    else if (!this.#late) this.#catchUp();
  }

  /** The run has ended while this was on its way: have the room drawn as it is now. */
  #catchUp() {
    this.#late = true;
    const { url } = /** @type {HTMLElement | null} */ (this.closest(".side"))?.dataset ?? {};
    const { search } = new URL(this.dataset.events ?? "", location.href);
    if (url) void htmx.ajax("GET", url + search, { target: "#inspector", swap: "outerMorph" });
  }

  /** Stay at the end while rows may come. */
  #follow() {
    const [body, list] = [this.#body, this.#list];
    if (this.dataset.live === undefined) this.#following?.disconnect();
    if (this.dataset.live === undefined || !body || !list) this.#following = undefined;
    else this.#following ??= this.keep(new Following(body, list, (_, on) => this.#press(String(on))));
  }

  /** Say whether the end is followed. To say the same again would have the browser style the page again. @param {string} on */
  #press(on) {
    const button = this.#button("follow");
    if (button?.getAttribute("aria-pressed") !== on) button?.setAttribute("aria-pressed", on);
  }

  #pause() {
    const list = this.#list;
    if (!list) return;
    if (this.#held) {
      const first = this.#held.release();
      if (first) this.#rows?.point("earlier", numberOf(first));
    }
    this.#hold(this.#held ? undefined : new Held(list));
    announce(this.#held ? "Paused. New rows are counted." : "Live again.");
  }

  /** Have the rows stand still, or not. @param {Held} [held] */
  #hold(held) {
    this.#held = held;
    this.#changes?.takeRecords();
    this.#button("pause")?.setAttribute("data-kind", held ? "primary" : "quiet");
    this.#button("pause")?.querySelector("use")?.setAttribute("href", held ? "#i-play" : "#i-pause");
    this.#count();
    this.#following?.settle();
  }

  /** Say what the button does that has the rows stand still or continue, and how many have come. */
  #count() {
    const count = this.#held?.words;
    const words = this.#held ? `Resume${count && `, ${count}`}` : "Pause";
    if (this.#button("pause")?.title !== words) this.#name("pause", words);
  }

  /** @param {string} name @param {string} words */
  #name(name, words) {
    const button = this.#button(name);
    if (!button) return;
    if (button.title) button.title = words;
    button.querySelector(".words")?.replaceChildren(words);
  }

  #ended() {
    if (!live(this.dataset.run) && this.dataset.live !== undefined) this.#noMore();
  }

  /** None can be added to these rows; what came while the view stood still is there to be read. */
  #noMore() {
    this.removeAttribute("data-live");
    if (this.#held) this.#pause();
    this.#following?.disconnect();
    this.#following = undefined;
    live(this.dataset.run)?.watch(null);
  }

  /** Another filter: the same room shows other rows. */
  #filtered() {
    if (!this.isConnected) return;
    this.#follow();
    this.#watch();
    this.#hold();
    this.#toEnd();
  }

  /** @param {MutationRecord[]} changes what has come, and gone */
  #changed(changes) {
    this.#held?.add(changes);
    this.#changes?.takeRecords();
    this.#count();
    this.#following?.settle();
    if (this.#following?.on && !this.#held) this.#rows?.trim("earlier");
  }

  /** Rows were put in place that are no news. Where the end was cut off, what comes next does not join on. */
  #placed() {
    this.#changes?.takeRecords();
    if (this.dataset.live !== undefined && this.#rows?.link("later")?.hidden === false) this.#noMore();
  }

  // Rows

  /** Show a row, wherever it is. @param {string} number @param {string} href where it is found when the filter hides it */
  async #show(number, href) {
    if (this.#held && !this.#rows?.find(number)?.checkVisibility()) this.#pause();
    if (!this.#rows?.find(number)) await this.#rows?.goTo(number);
    const row = this.#rows?.find(number);
    if (row) this.#enter(row, true);
    else location.assign(href);
  }

  /** @param {HTMLDetailsElement} row @param {boolean} [open] */
  #enter(row, open = false) {
    this.#following?.follow(false);
    if (open) row.open = true;
    row.querySelector("summary")?.focus({ preventScroll: true });
    row.scrollIntoView({ block: open ? "center" : "nearest" });
  }

  /** Go where the address, or what was pressed before, leads. */
  #arrive() {
    const end = coming.row === "first" ? this.#rows?.first : coming.row === "last" ? this.#rows?.last : null;
    coming.row = "";
    const wanted = location.hash.startsWith("#row-") ? this.#rows?.find(location.hash.slice(5)) : null;
    if (end) this.#enter(end);
    else if (wanted) this.#enter(wanted, true);
    else this.#toEnd();
  }

  #toEnd() {
    if (this.#following) this.#following.follow(true);
    if (this.#following || !this.#endsHere) return;
    const show = () => this.#rows?.last?.scrollIntoView({ block: "end" });
    show();
    // Rows have their own heights once they have been in sight.
    requestAnimationFrame(() => requestAnimationFrame(show));
  }

  /** Whether these are the run's last rows and not its first, which are looked at from their end. */
  get #endsHere() {
    return this.#rows?.link("earlier")?.hidden === false && this.#rows.link("later")?.hidden !== false;
  }

  /** @param {number} step */
  #move(step) {
    const here = document.activeElement?.closest("[data-seq]");
    const next = here ? (step > 0 ? here.nextElementSibling : here.previousElementSibling) : this.#rows?.first;
    if (next instanceof HTMLDetailsElement && next.checkVisibility()) this.#enter(next);
  }

  /** @param {"first" | "last"} end */
  #go(end) {
    const rest = this.#rows?.link(end === "first" ? "earlier" : "later");
    const row = this.#rows?.[end];
    if (rest?.hidden && row) {
      this.#enter(row);
      return;
    }
    coming.row = end;
    /** @type {HTMLElement | null} */ (this.querySelector(`[data-end=${end}]`))?.click();
  }

  #clear() {
    for (const row of this.#rows?.shown ?? []) row.setAttribute("data-cleared", "");
    const earlier = this.#rows?.link("earlier");
    this.#name("clear", "Show cleared rows");
    if (earlier && this.#rows?.last) earlier.hidden = true;
    announce("The view is clear.");
  }

  #unclear() {
    this.#name("clear", "Clear the view");
    for (const row of this.querySelectorAll("[data-cleared]")) row.removeAttribute("data-cleared");
    const earlier = this.#rows?.link("earlier");
    if (earlier?.search.includes("before=")) earlier.hidden = false;
  }

  /** @param {EventTarget | null} target */
  #toggled(target) {
    if (target instanceof HTMLDetailsElement && target.matches("#inspector-rows > [open]")) void this.#rows?.open(target);
  }

  // Controls

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a");
    const name = target?.closest("button")?.name;
    if (name === "pause") this.#pause();
    if (name === "follow") this.#following?.follow(!this.#following.on);
    if (name === "clear") this.querySelector("[data-cleared]") ? this.#unclear() : this.#clear();
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const number = link.getAttribute("data-row");
    if (number) {
      event.preventDefault();
      void this.#show(number, link.getAttribute("href") ?? "");
    } else if (link.classList.contains("more")) {
      event.preventDefault();
      void this.#rows?.load(link.id === "inspector-earlier" ? "earlier" : "later");
    }
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : null;
    const typing = target?.closest("input, select, textarea");
    const search = /** @type {HTMLInputElement | null} */ (this.querySelector("#inspector-q"));
    if (event.key === "Escape") {
      const menu = target?.closest("chat-menu");
      if (typing) this.#body?.focus();
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

/** The element that keeps a run's turn up to date, while the run is live. @param {string} [run] */
function live(run) {
  return /** @type {import("./live.js").ChatLive | null} */ (document.querySelector(`chat-live[data-run="${run}"]`));
}

customElements.define("chat-inspector", ChatInspector);
