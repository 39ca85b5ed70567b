/** Switching between versions: by the arrow keys as well, and what was pressed stays where it is. */

/**
 * What is used in the controls of a turn's versions.
 * @param {Event} event @param {Element} group @param {number} top Where they stood then.
 */
export function use(event, group, top) {
  if (event instanceof KeyboardEvent) return press(event.key, group);
  const pressed = event.target instanceof Element && event.target.closest("button[type=submit]");
  if (pressed) hold(group.id, top);
}

/** @param {string} key @param {Element} group */
function press(key, group) {
  const back = getComputedStyle(group).direction === "rtl" ? "ArrowRight" : "ArrowLeft";
  const name = key === back ? "earlier" : ["ArrowLeft", "ArrowRight"].includes(key) ? "later" : "";
  const button = /** @type {HTMLElement | null} */ (name && group.querySelector(`[name=${name}]`));
  if (!button) return;
  button.focus();
  button.click();
}

/** Have the controls that come in place of these stand where they stood. @param {string} id @param {number} top */
function hold(id, top) {
  const turns = document.getElementById("turns");
  const box = turns?.closest(".room-body");
  if (!box || !turns) return;
  const place = () => {
    const now = document.getElementById(id);
    if (!now) return;
    const moved = () => now.getBoundingClientRect().top - top;
    turns.style.marginBlock = "";
    box.scrollTop += moved();
    // What is too short to be scrolled so far has room at its end, or before its beginning, until something is sent.
    const rest = moved();
    if (Math.abs(rest) >= 1) turns.style[rest > 0 ? "marginBlockEnd" : "marginBlockStart"] = `${Math.abs(rest)}px`;
    if (rest > 0) box.scrollTop += rest;
  };
  place();
  // Before anything is drawn: the pointer must not rest on something else meanwhile.
  const changes = new MutationObserver(place);
  changes.observe(turns, { childList: true });
  document.addEventListener("htmx:finally:request", () => changes.disconnect(), { once: true });
  document.addEventListener("chat:sent", () => (turns.style.marginBlock = ""), { once: true });
}
