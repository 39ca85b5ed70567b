/**
 * `<chat-inspector>` holds what is known of a run. The server draws it; this element has the live stream bring its rows,
 * has more of them fetched when they are looked at, and puts every control on the keyboard.
 */

import { ChatElement } from "./element.js";
import { Following } from "./following.js";
import { Rows } from "./inspector-rows.js";
import { copy } from "./log.js";
import { announce } from "./page.js";

/** Where the focus goes in a room that comes in place of this one. */
const coming = { row: "" };

class ChatInspector extends ChatElement {
  /** @type {Rows | undefined} */
  #rows;
  /** While rows may come. @type {Following | undefined} */
  #following;
  #pausedAt = 0;

  connected() {
    const room = this.closest("#inspector") ?? this;
    this.on(room, "keydown", (event) => this.#pressed(event));
    this.on(room, "click", (event) => this.#copies(event));
    this.on(this, "click", (event) => this.#clicked(event));
    this.on(this, "toggle", ({ target }) => this.#toggled(target), { capture: true });
    this.on(document, "chat:changed", () => this.#ended());
    const [body, list] = [this.#body, this.querySelector("#inspector-rows")];
    if (!body || !list) return;
    this.#rows = this.keep(new Rows(this));
    this.keep(new MutationObserver(() => this.#changed())).observe(list, { childList: true });
    if (this.dataset.live !== undefined) {
      this.#following = this.keep(new Following(body, list, (_, on) => this.#press(String(on))));
    }
    this.#watch();
    // What was opened before this script came.
    for (const row of this.#rows.all) this.#toggled(row);
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

  /** @param {string} name */
  #button(name) {
    return /** @type {HTMLButtonElement | null} */ (this.querySelector(`button[name=${name}]`));
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

  /** Say whether the end is followed. To say the same again would have the browser style the page anew. @param {string} on */
  #press(on) {
    const button = this.#button("follow");
    if (button?.getAttribute("aria-pressed") !== on) button?.setAttribute("aria-pressed", on);
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
    this.#noMore();
    if (this.#pausedAt) this.#rows?.point("later", String(this.#pausedAt));
    this.#pausedAt = 0;
  }

  /** None can be added to these rows. */
  #noMore() {
    this.removeAttribute("data-live");
    this.#following?.disconnect();
    this.#following = undefined;
  }

  #changed() {
    if (this.#rows?.changing) return;
    this.#following?.settle();
    if (this.#following?.on) this.#rows?.trim("earlier");
  }

  // Rows

  /** Show a row, wherever it is. @param {string} seq @param {string} href where it is found when the filter hides it */
  async #show(seq, href) {
    if (!this.#rows?.find(seq) && (await this.#rows?.goTo(seq)) && this.dataset.live !== undefined) {
      this.#noMore(); // these are not the last rows
      live(this.dataset.run)?.watch(null);
    }
    const row = this.#rows?.find(seq);
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
    const wanted = location.hash.startsWith("#event-") ? this.#rows?.find(location.hash.slice(7)) : null;
    if (end) this.#enter(end);
    else if (wanted) this.#enter(wanted, true);
    else if (this.#following) this.#following.follow(true);
    else if (this.#endsHere) this.#showEnd();
  }

  #showEnd() {
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
    if (next instanceof HTMLDetailsElement) this.#enter(next);
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
    for (const row of this.#rows?.all ?? []) row.setAttribute("data-cleared", "");
    const earlier = this.#rows?.link("earlier");
    this.#button("clear")?.setAttribute("aria-pressed", "true");
    if (earlier && this.#rows?.last) earlier.hidden = true;
    announce("The view is clear. Show all brings the rows back.");
  }

  #unclear() {
    this.#button("clear")?.setAttribute("aria-pressed", "false");
    for (const row of this.querySelectorAll("[data-cleared]")) row.removeAttribute("data-cleared");
    const earlier = this.#rows?.link("earlier");
    if (earlier?.search.includes("before=")) earlier.hidden = false;
  }

  /** @param {EventTarget | null} target */
  #toggled(target) {
    if (target instanceof HTMLDetailsElement && target.matches("#inspector-rows > [open]")) void this.#rows?.open(target);
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
    if (name === "follow") this.#following?.follow(!this.#following.on);
    if (name === "clear") this.#button("clear")?.getAttribute("aria-pressed") === "true" ? this.#unclear() : this.#clear();
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const seq = link.getAttribute("data-row");
    if (seq) {
      event.preventDefault();
      void this.#show(seq, link.getAttribute("href") ?? "");
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

/** The element that keeps a run's turn up to date, while the run is live. @param {string} [run] */
function live(run) {
  return /** @type {import("./live.js").ChatLive | null} */ (document.querySelector(`chat-live[data-run="${run}"]`));
}

customElements.define("chat-inspector", ChatInspector);
