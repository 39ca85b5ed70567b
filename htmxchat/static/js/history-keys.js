/**
 * The list by keyboard: one row is a stop of the Tab key, arrows move among the rows. And several rows at once: a click, or
 * Space, selects while the list has checkboxes, and with Shift all rows from the last one.
 */

import { announce } from "./page.js";
import { rename } from "./history-rename.js";
import { select } from "./history-select.js";

/** @typedef {HTMLElement & {on: (target: EventTarget, type: string, listener: (event: any) => void, options?: AddEventListenerOptions) => void, fill: (details: HTMLDetailsElement) => void}} List */

/** Begin to watch the list. @param {List} list */
export function attend(list) {
  /** The id of the row that is a stop of the Tab key. */
  let stop = "";
  const rows = () => /** @type {HTMLAnchorElement[]} */ ([...list.querySelectorAll("a[data-conversation]")]);
  const rove = () => {
    const all = rows();
    const at = all.find((row) => row.id === stop) ?? all.find((row) => row.hasAttribute("aria-current")) ?? all[0];
    for (const row of all) {
      for (const each of [row, ...(row.parentElement?.querySelectorAll("summary, input") ?? [])]) {
        /** @type {HTMLElement} */ (each).tabIndex = row === at ? 0 : -1;
      }
    }
  };
  /** @param {HTMLElement | null | undefined} row */
  const go = (row) => {
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  };
  const selecting = select(list, rows, go);

  /** @param {HTMLElement} row @returns the menu of a row, with what is in it */
  const menuOf = (row) => {
    const details = row.parentElement?.querySelector("details");
    if (details) list.fill(details);
    return details;
  };

  /** Change the title of a row in its place. @param {HTMLElement} row */
  const retitle = (row) => {
    const details = menuOf(row);
    const link = /** @type {HTMLAnchorElement | null} */ (details?.querySelector(".menu > a") ?? null);
    if (details) details.open = false;
    if (link) rename(row, link.href, () => go(document.getElementById(row.id)));
    return link !== null;
  };

  /** @param {HTMLAnchorElement} row */
  const remove = (row) => {
    const all = rows();
    const next = all[all.indexOf(row) + 1] ?? all[all.indexOf(row) - 1];
    const form = /** @type {HTMLFormElement | null | undefined} */ (menuOf(row)?.querySelector("form[action$=delete]"));
    if (!form) return;
    form.requestSubmit();
    // Undo takes the focus when it comes; who works by keyboard goes on with the list.
    const back = () => go(next?.isConnected ? next : rows()[0]);
    const undone = new MutationObserver(() => {
      undone.disconnect();
      setTimeout(back);
    });
    const place = list.querySelector("#undo");
    if (place) undone.observe(place, { childList: true });
  };

  /** @param {KeyboardEvent} event @param {HTMLAnchorElement} row @returns {boolean} whether the key is one of the list's */
  const act = (event, row) => {
    const all = rows();
    const place = all.indexOf(row);
    const other = event.altKey || event.ctrlKey || event.metaKey;
    switch (other ? "" : event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        const to = all[place + (event.key === "ArrowDown" ? 1 : -1)];
        if (event.shiftKey && to && selecting.on) selecting.extend(to);
        go(to ?? (event.key === "ArrowUp" ? list.querySelector("#search") : list.querySelector(".older")));
        return true;
      }
      case "Home":
      case "End":
        go(event.key === "Home" ? all[0] : all.at(-1));
        return true;
      case "F2":
        return retitle(row);
      case "Delete":
        if (selecting.on) selecting.act("delete");
        else remove(row);
        return true;
      case " ":
        selecting.toggle(row);
        return true;
      default:
        return false;
    }
  };

  list.on(list, "focusin", ({ target }) => {
    const row = target instanceof Element ? target.closest("#history-list li")?.querySelector("a[data-conversation]") : null;
    if (!row || row.id === stop) return;
    stop = row.id;
    rove();
  });
  list.on(list, "keydown", (event) => {
    const { target } = event;
    if (!(target instanceof HTMLElement) || event.defaultPrevented) return;
    const row = target.matches("a[data-conversation]") ? target : target.matches("li > input") ? target.nextElementSibling : null;
    if (row && act(event, /** @type {HTMLAnchorElement} */ (row))) event.preventDefault();
    else if (target.id === "search" && event.key === "ArrowDown" && rows()[0]) {
      event.preventDefault();
      go(rows()[0]);
    } else if (selecting.on) selecting.pressed(event);
  });
  // Before htmx hears of it.
  list.on(list, "click", (event) => {
    const row = event.target instanceof Element && event.target.closest("li .menu > a")?.closest("li")?.querySelector("a[data-conversation]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    retitle(row);
  }, { capture: true });
  list.on(list, "dblclick", (event) => {
    const row = event.target instanceof Element && event.target.closest("a[data-conversation]");
    if (row && !selecting.on && retitle(row)) event.preventDefault();
  });
  // The menu goes when something is chosen, and its row keeps the focus.
  list.on(list, "click", ({ target }) => {
    const chosen = target instanceof Element && target.closest("li .menu button");
    if (chosen) /** @type {HTMLElement | null} */ (chosen.closest("li")?.querySelector("a[data-conversation]"))?.focus();
  });
  list.on(document, "htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.localName === "chat-live") return;
    rove();
    selecting.drawn();
    const found = list.querySelector("#history-list > .count, #history-list > .nothing")?.textContent;
    if (ctx.sourceElement?.id === "search-form" && found) announce(found);
  });
  rove();
  selecting.drawn();
}
