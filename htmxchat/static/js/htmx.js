/** What this page uses of htmx that htmx does not document, in one place: another version may do it differently. */

/** The mark of the elements that htmx has made its own. */
const POWERED = "data-htmx-powered";
/** What the reader or this page has said of an element, and the server knows nothing of. */
const OWN = ["open", "data-held", "data-feedback"];

/**
 * What hx-sse tells of its connection: what it reads, and what ends its wait for the next attempt.
 * @typedef {{reader: ReadableStreamDefaultReader | null, delayCanceller: (() => void) | null}} Connection
 */

/** Whether htmx has made an element its own. @param {Element} element */
export function isPowered(element) {
  return element.hasAttribute(POWERED);
}

/** A copy that htmx does not know. To put it in the element's place ends what htmx does there. @template {Element} E @param {E} element */
export function unpowered(element) {
  const copy = /** @type {E} */ (element.cloneNode(true));
  copy.removeAttribute(POWERED);
  return copy;
}

/** Do not wait for the next attempt to connect. @param {Connection | undefined} connection */
export function connectNow(connection) {
  connection?.delayCanceller?.();
}

/** Close a connection, and open the next. @param {Connection | undefined} connection */
export function connectAnew(connection) {
  void connection?.reader?.cancel();
}

/** Give the page an address, as if htmx had: Back from it has htmx restore the page. @param {string} url */
export function pushAddress(url) {
  history.pushState({ htmx: true }, "", url);
}

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
    if (!source.hasAttribute(name) && !OWN.includes(name) && !name.startsWith("data-htmx")) target.removeAttribute(name);
  }
  for (const { name, value } of source.attributes) target.setAttribute(name, value);
  return [];
}

/**
 * The way down from a target to the element that changes, `path:2-1`: each number is a child, counted from the last. A
 * selector that says so has the browser look at everything in the target.
 * @param {Element} _source
 * @param {{tasks: {target: Element | null, swapSpec?: {path?: string | number}}[]}} detail
 */
function goDown(_source, { tasks }) {
  for (const task of tasks) {
    for (const step of String(task.swapSpec?.path ?? "").split("-").filter(Boolean)) {
      let child = task.target?.lastElementChild ?? null;
      for (let before = Number(step); child && before > 1; before--) child = child.previousElementSibling;
      task.target = child;
    }
  }
}

/**
 * What the page has already is not sent again, and what is older than it changes nothing: an answer can come late. That
 * a run waits for a script is known in its answer alone, so it stays, and the result of the script is unfolded.
 * @param {HTMLElement} node
 * @param {{newNode: HTMLElement}} detail
 */
function isNewer({ dataset: shown }, { newNode }) {
  const { dataset: fresh } = newNode;
  // What is being written is not taken away.
  if (shown?.edit !== undefined) return false;
  if (fresh && shown?.awaited !== undefined) {
    newNode.setAttribute("data-awaited", "");
    newNode.querySelector("details")?.setAttribute("open", "");
  }
  return fresh?.same === undefined && !(Number(fresh?.revision) < Number(shown?.revision));
}

htmx.registerExtension("chat", {
  handle_swap: swapAttributes,
  htmx_before_morph_node: isNewer,
  htmx_before_swap: goDown,
});
