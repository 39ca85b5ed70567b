/** What can be done with the code and the tables of finished answers: wrap, number the lines, download. */

const BLOCKS = '#turns .turn[data-role="assistant"]:not([aria-busy]) .turn-body :is(figure.code, .prose div.table)';
/** Fewer lines need no number, and no file. */
const FEW = 3;
const ENDINGS = new Map(Object.entries({
  "bash": "sh", "c++": "cpp", "c#": "cs", "csharp": "cs", "javascript": "js", "markdown": "md", "powershell": "ps1",
  "python": "py", "python3": "py", "ruby": "rb", "rust": "rs", "shell": "sh", "text": "txt", "typescript": "ts",
  "yaml": "yml", "zsh": "sh",
}));
const ENDING = /^[a-z0-9]{1,8}$/;
/** A spreadsheet runs what begins so, unless it is a number. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?[0-9][0-9.,]*%?$/;

/** Put the tools on every block that has none. */
export function equip() {
  if (document.querySelector("#turns .turn[aria-busy]")) return;
  for (const block of document.querySelectorAll(BLOCKS)) {
    if (block.querySelector("[name=wrap], [name=download]")) continue;
    if (block.localName === "div") block.append(tableDownload());
    else equipCode(block);
  }
}

function tableDownload() {
  const made = button("download", "CSV");
  made.title = "Download as CSV";
  made.setAttribute("aria-label", made.title);
  return made;
}

/** @param {Element} figure */
function equipCode(figure) {
  const actions = figure.querySelector(".actions"), code = figure.querySelector("pre");
  if (!actions || !code) return;
  const made = [];
  if (code.scrollWidth > code.clientWidth || figure.hasAttribute("data-wrap")) made.push(toggle(figure, "wrap", "Wrap"));
  if (lines(code) >= FEW) made.push(toggle(figure, "numbers", "Numbers"), button("download", "Download"));
  actions.prepend(...made);
}

/** @param {Element} code */
function lines(code) {
  return (code.textContent ?? "").split("\n").length;
}

/** @param {string} name @param {string} words */
function button(name, words) {
  const made = document.createElement("button");
  made.className = "button";
  made.type = "button";
  made.name = name;
  made.dataset.kind = "quiet";
  made.textContent = words;
  return made;
}

/** @param {Element} figure @param {string} name @param {string} words */
function toggle(figure, name, words) {
  const made = button(name, words);
  made.setAttribute("aria-pressed", String(figure.hasAttribute(`data-${name}`)));
  return made;
}

/** @param {Event} event */
function pressed(event) {
  const target = event.target instanceof Element ? event.target.closest("#turns button") : null;
  const block = target?.closest("figure.code, div.table");
  if (!(target instanceof HTMLButtonElement) || !block) return;
  if (target.name === "download") download(block);
  if (target.name !== "wrap" && target.name !== "numbers") return;
  const on = block.toggleAttribute(`data-${target.name}`);
  target.setAttribute("aria-pressed", String(on));
  const code = block.querySelector("pre");
  if (target.name === "numbers" && code) {
    code.dataset.lines = Array.from({ length: lines(code) }, (_, line) => line + 1).join("\n");
  }
}

/** @param {Element} block */
function download(block) {
  const code = block.querySelector("code");
  const isTable = block.localName === "div";
  const text = isTable ? csv(block) : `${code?.textContent ?? ""}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: isTable ? "text/csv" : "text/plain" }));
  link.download = isTable ? "table.csv" : `code.${ending(code?.className.replace("language-", "").toLowerCase() ?? "")}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {string} language */
function ending(language) {
  return ENDINGS.get(language) ?? (ENDING.test(language) ? language : "txt");
}

/** @param {Element} block */
function csv(block) {
  const rows = [...block.querySelectorAll("tr")].map((row) => [...row.cells].map(cell).join(","));
  return `\ufeff${rows.join("\r\n")}\r\n`;
}

/** @param {HTMLTableCellElement} element */
function cell(element) {
  const shown = /** @type {HTMLElement} */ (element.cloneNode(true));
  for (const formula of shown.querySelectorAll(".math")) {
    formula.replaceWith(`$${formula.querySelector("annotation")?.textContent ?? ""}$`);
  }
  for (const end of shown.querySelectorAll("br")) end.replaceWith("\n");
  const text = (shown.textContent ?? "").trim();
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

for (const type of ["chat:changed", "htmx:after:swap"]) document.addEventListener(type, equip);
document.addEventListener("click", pressed);
equip();
