/** What is shown, as text without any marks: paragraphs apart, lists with their signs, code and formulas as written. */

const BLOCKS = "p, h1, h2, h3, h4, h5, h6, ul, ol, dl, dt, dd, li, pre, blockquote, table, tr, figure, div, details, section, aside";
const SKIPPED = "button, .actions, .hidden, .stage, chat-live, chat-proposal, label.button, svg, form, figcaption, .ledger";

/** @param {Node} root */
export function plain(root) {
  const lines = text(root).split("\n").map((line) => line.trimEnd());
  return lines.join("\n").replace(/\n{3,}/g, "\n\n").trim();
}

/** @param {Node} node @returns {string} */
function text(node) {
  if (node instanceof Text) return words(node);
  if (!(node instanceof Element)) return [...node.childNodes].map(text).join("");
  if (node.matches(SKIPPED)) return "";
  if (node.matches(".math")) return node.querySelector("annotation")?.textContent ?? "";
  if (node.matches("pre")) return `\n\n${node.textContent}\n\n`;
  if (node.matches("br")) return "\n";
  if (node.matches("img")) return node.getAttribute("alt") ?? "";
  if (node.matches("a.cite")) return `[${node.textContent}]`;
  const inside = [...node.childNodes].map(text).join("");
  if (node.matches("li")) return `${sign(node)}${inside.trim().replaceAll("\n", "\n  ")}\n`;
  if (node.matches("td, th")) return `${inside.trim()}${node.nextElementSibling ? "\t" : ""}`;
  if (node.matches("tr")) return `${inside}\n`;
  return node.matches(BLOCKS) ? `\n\n${inside}\n\n` : inside;
}

/** White space between blocks is none. @param {Text} node */
function words({ data, parentElement }) {
  const between = !data.trim() && data.includes("\n") && (!parentElement || parentElement.matches(BLOCKS) && !parentElement.matches("p, li, dd, td, th"));
  return between ? "" : data.replace(/\s+/g, " ");
}

/** @param {Element} item */
function sign(item) {
  const list = item.parentElement;
  if (!list?.matches("ol")) return "- ";
  return `${Number(list.getAttribute("start") ?? 1) + [...list.children].indexOf(item)}. `;
}
