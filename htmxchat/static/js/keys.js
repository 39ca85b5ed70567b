/** The sheet of keys: those that do something on this page as it is now, and what this device is to be told. */

import { forbidNotices, mayNotify, wantNotices, wantsNotices } from "./notices.js";
import { openWindow } from "./windows.js";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const LIST = "#history-list a[data-conversation]";
const COMMAND = MAC ? "⌘" : "Ctrl";

/**
 * Each key: what it does, its names, and what must be on the page for it to do that.
 * @type {[string, [string, string[], string?][]][]}
 */
const KEYS = [
  ["Conversation", [
    ["Send", ["Enter"], "#composer"],
    ["New line", ["Shift", "Enter"], "#composer"],
    ["Edit the last question", ["↑"], "#turns a[name=edit]"],
    ["Stop the answer", ["Esc"], "#composer"],
    ["Version before, after", ["←", "→"], "#turns .versions"],
    ["Quote what is selected", ["Tab"], "#turns .turn"],
  ]],
  ["Conversations", [
    ["Row before, after", ["↑", "↓"], LIST],
    ["First, last row", ["Home", "End"], LIST],
    ["Rename", ["F2"], "#history-list li details"],
    ["Delete", ["Del"], "#history-list li details"],
    ["Select", ["Space"], "#history-list :is(a[name=select], li > input)"],
  ]],
  ["Page", [
    ["Go to, or do", [COMMAND, "K"]],
    ["This sheet", ["?"]],
    ["Close what is open", ["Esc"]],
  ]],
  ["Inspector", [
    ["Row before, after", ["↑", "↓"], "#inspector chat-inspector"],
    ["Search the rows", ["/"], "#inspector #inspector-q"],
    ["Only one type of row", ["T"], "#inspector #inspector-type"],
    ["Pause, resume", ["P"], "#inspector [name=pause]"],
    ["Follow the newest", ["F"], "#inspector [name=follow]"],
  ]],
];

/** Show the sheet. */
export async function openSheet() {
  const dialog = await openWindow("keys", `<header><h2 id="keys-head">Keys</h2><button class="button" data-kind="icon" type="button" data-shut aria-label="Close" title="Close"><svg class="icon" aria-hidden="true"><use href="#i-cross"/></svg></button></header><div class="sections">${sections()}</div>`);
  dialog?.setAttribute("aria-labelledby", "keys-head");
  if (dialog && mayNotify()) dialog.append(notices());
}

function sections() {
  return KEYS.map(([name, keys]) => {
    const here = keys.filter(([, , needs]) => !needs || document.querySelector(needs));
    const rows = here.map(([words, names]) => `<div><dt>${words}</dt><dd>${names.map((key) => `<kbd>${key}</kbd>`).join(" ")}</dd></div>`);
    return rows.length ? `<section><h3>${name}</h3><dl>${rows.join("")}</dl></section>` : "";
  }).join("");
}

/** Whether this device tells when a long answer ends. */
function notices() {
  const label = document.createElement("label");
  label.className = "choice";
  label.innerHTML = `<input type="checkbox" name="notify"><span>Notify me when a long answer ends or the agent asks, and this page is out of sight<small></small></span>`;
  const box = /** @type {HTMLInputElement} */ (label.querySelector("input"));
  const said = /** @type {HTMLElement} */ (label.querySelector("small"));
  said.role = "status";
  box.checked = wantsNotices();
  box.addEventListener("change", async () => {
    if (!box.checked) return forbidNotices();
    box.checked = await wantNotices();
    said.textContent = box.checked ? "" : "The browser does not allow it. Its settings for this site do.";
  });
  return label;
}
