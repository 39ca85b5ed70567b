/** Changes a title in its row: Enter and a click elsewhere save it, Escape leaves it as it was. */

import { notify } from "./page.js";

/**
 * @param {HTMLElement} row the link
 * @param {string} url where the title is sent
 * @param {() => void} back gives the row the focus
 */
export function rename(row, url, back) {
  const item = row.closest("li");
  const title = row.querySelector(".cut");
  if (!item || !title || item.querySelector(".rename")) return;
  const before = title.textContent ?? "";
  const form = document.createElement("form");
  const field = document.createElement("input");
  form.className = "rename";
  form.method = "post";
  form.action = url;
  form.setAttribute("hx-post", url);
  form.setAttribute("hx-swap", "none");
  Object.assign(field, { name: "title", value: before, maxLength: 200, required: true, autocomplete: "off", dir: "auto" });
  field.setAttribute("aria-label", "Title");
  form.append(field);
  // The list may be drawn again meanwhile, but not this row.
  item.dataset.edit = "";
  row.hidden = true;
  row.before(form);
  htmx.process(form);
  field.focus();
  field.select();

  let over = false;
  const leave = () => {
    if (over) return;
    over = true;
    const focused = form.contains(document.activeElement);
    form.remove();
    row.hidden = false;
    delete item.dataset.edit;
    if (focused) back();
    // What was not drawn is drawn now.
    document.getElementById("history-list")?.removeAttribute("data-tag");
    notify("chat:changed");
  };
  form.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
  });
  form.addEventListener("submit", (event) => {
    if (field.value.trim() !== before) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    leave();
  }, { capture: true });
  form.addEventListener("focusout", () => {
    if (over || form.matches(".htmx-request")) return;
    if (field.checkValidity()) form.requestSubmit();
    else leave();
  });
  form.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = /** @type {CustomEvent<{ctx: HtmxContext}>} */ (event).detail;
    if (!ctx.response || ctx.response.status >= 400) return field.focus();
    title.textContent = field.value.trim();
    leave();
  });
}
