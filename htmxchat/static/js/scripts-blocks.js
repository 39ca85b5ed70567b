/** "Run in browser" on the Python blocks of finished answers, and the way from a block or a proposal to its script. */

import { ChatElement } from "./element.js";
import { notify } from "./page.js";

const PYTHON = /^language-(?:python|python3|py)$/i;

/** Put the button on every block that has none. The server takes the code from the answer itself, by the block's number. */
export function offerToRun() {
  for (const turn of document.querySelectorAll('#turns .turn[data-role="assistant"]:not([aria-busy])')) {
    for (const block of blocks(turn)) {
      const actions = block.closest("figure")?.querySelector(".actions");
      if (actions && !actions.querySelector("[name=run]")) actions.append(button());
    }
  }
}

/**
 * @param {Element} button
 * @returns {{run: string, block: string, code: string} | undefined} What the button would run.
 */
export function blockOf(button) {
  const turn = button.closest(".turn");
  const code = button.closest("figure")?.querySelector("code");
  if (!turn || !code) return undefined;
  return { run: turn.id.replace("turn-", ""), block: String(blocks(turn).indexOf(code)), code: code.textContent ?? "" };
}

/** @param {Element} turn */
function blocks(turn) {
  const found = [...turn.querySelectorAll(".turn-body figure.code code")];
  return found.filter((code) => PYTHON.test(code.getAttribute("class") ?? ""));
}

function button() {
  const made = document.createElement("button");
  made.className = "button";
  made.type = "button";
  made.name = "run";
  made.dataset.kind = "quiet";
  const [icon, use] = ["svg", "use"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#i-play");
  icon.append(use);
  made.append(icon, "Run in browser");
  return made;
}

/** `<chat-proposal>` is a script in an answer. When it comes, or says something else, the queue has changed. */
class ChatProposal extends ChatElement {
  static observedAttributes = ["data-state"];

  connected() {
    this.#tell();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#tell();
  }

  #tell() {
    notify("chat:scripts");
  }
}

customElements.define("chat-proposal", ChatProposal);
