/** Several rows of the list at once. Which are selected is what the checkboxes say; the server draws them. */

import { announce } from "./page.js";

/**
 * @param {import("./history-keys.js").List} list
 * @param {() => HTMLAnchorElement[]} rows
 * @param {(row: HTMLElement | null | undefined) => void} go gives a row the focus
 */
export function select(list, rows, go) {
  /** The row that a range begins with, and the one to select when the checkboxes are there. */
  let anchor = "";
  let wanted = "";
  const form = () => /** @type {HTMLFormElement | null} */ (list.querySelector("#selected"));
  /** @param {Element | null | undefined} row */
  const box = (row) => /** @type {HTMLInputElement | null} */ (row?.parentElement?.querySelector("input[name=conversation]") ?? null);
  /** @param {string} name */
  const press = (name) => /** @type {HTMLElement | null} */ (list.querySelector(`a[name=${name}]`))?.click();

  const count = (/** @type {boolean} */ aloud) => {
    const words = form()?.querySelector(".count");
    if (!words) return;
    const number = rows().filter((row) => box(row)?.checked).length;
    words.textContent = number ? `${number} selected` : (words.getAttribute("data-none") ?? "");
    for (const button of form()?.querySelectorAll("[name=action]") ?? []) /** @type {HTMLButtonElement} */ (button).disabled = !number;
    if (aloud) announce(words.textContent);
  };
  /** @param {Element} row @param {boolean} [is] */
  const mark = (row, is) => {
    const mine = box(row);
    if (mine) mine.checked = is ?? !mine.checked;
    anchor = row.id;
    count(true);
  };
  /** Select all rows from the last one to this one. @param {HTMLAnchorElement} row */
  const extend = (row) => {
    const all = rows();
    const from = Math.max(0, all.findIndex((each) => each.id === anchor));
    const to = all.indexOf(row);
    for (const each of all.slice(Math.min(from, to), Math.max(from, to) + 1)) mark(each, true);
  };
  const all = () => {
    const every = rows().every((row) => box(row)?.checked);
    for (const row of rows()) mark(row, !every);
  };
  /** @param {string} action */
  const act = (action) => /** @type {HTMLButtonElement | null} */ (form()?.querySelector(`[name=action][value=${action}]`))?.click();

  list.on(list, "change", ({ target }) => target instanceof Element && target.matches("li > input") && count(true));
  // Before htmx hears of it.
  list.on(list, "click", (/** @type {MouseEvent} */ event) => {
    const target = event.target instanceof Element ? event.target : null;
    const row = /** @type {HTMLAnchorElement | null} */ (target?.closest("li > a[data-conversation]") ?? null);
    const own = target?.closest("li > input")?.nextElementSibling;
    if (target?.closest("[name=all]")) return all();
    if (own) {
      if (event.shiftKey) extend(/** @type {HTMLAnchorElement} */ (own));
      anchor = own.id;
    }
    if (!row || event.ctrlKey || event.metaKey || (!form() && !event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    if (form() && event.shiftKey) extend(row);
    else toggle(row);
    go(row);
  }, { capture: true });
  list.on(list, "submit", ({ target }) => {
    const open = /** @type {HTMLInputElement | null} */ (form()?.querySelector("[name=open]"));
    const [id, last] = document.getElementById("composer")?.getAttribute("action")?.split("/").slice(-2) ?? [];
    if (target === form() && open) open.value = last === "messages" && id ? decodeURIComponent(id) : "";
  }, { capture: true });
  // What was selected is done with.
  list.on(list, "htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.id === "selected" && (ctx.response?.status ?? 500) < 400) press("done");
  });

  /** @param {HTMLAnchorElement} row */
  const toggle = (row) => {
    if (form()) return mark(row);
    wanted = row.id;
    press("select");
  };

  return {
    get on() {
      return form() !== null;
    },
    act,
    extend,
    toggle,
    /** The list was drawn. */
    drawn() {
      count(false);
      const row = wanted && form() ? document.getElementById(wanted) : null;
      if (!row) return;
      wanted = "";
      mark(row, true);
      go(row);
    },
    /** @param {KeyboardEvent} event */
    pressed(event) {
      if (event.key === "Escape") press("done");
      else if (event.key !== "a" || !(event.ctrlKey || event.metaKey) || event.target instanceof HTMLInputElement && event.target.type === "search") return;
      else all();
      event.preventDefault();
    },
  };
}
