/** The page's script: one module a room, and what htmx lacks. */

import "./composer.js";
import "./history.js";
import "./live.js";
import "./log.js";
import "./menu.js";
import { localise } from "./times.js";

/**
 * The swap style `attributes`: the target takes over the attributes of the fragment's first element. Its children stay,
 * so that a turn can change its state without being sent again.
 * @param {string} style
 * @param {Element} target
 * @param {DocumentFragment} fragment
 */
function swapAttributes(style, target, fragment) {
  const source = fragment.firstElementChild;
  if (style !== "attributes" || !source) return false;
  for (const { name } of [...target.attributes]) {
    if (!source.hasAttribute(name) && !name.startsWith("data-htmx")) target.removeAttribute(name);
  }
  for (const { name, value } of source.attributes) target.setAttribute(name, value);
  return [];
}

htmx.registerExtension("chat", { handle_swap: swapAttributes });

localise(document);
document.addEventListener("htmx:after:process", (event) => {
  if (event.target instanceof Element) localise(event.target);
});
