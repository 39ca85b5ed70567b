/** Shows what a script has come to. Whatever a value holds, it becomes text or a picture: never markup, never a request. */

/** @import { Picture, ScriptError, ScriptValue, TableValue } from "./result.d.ts" */

/** @param {ScriptValue} value @returns {HTMLElement} A `pre`, a `table` or an `img`. */
export function show(value) {
  if (value.kind === "table") return showTable(value);
  if (value.kind === "image") return showImage(value);
  return element("pre", value.text);
}

/** @param {ScriptError} error @returns {HTMLElement} */
export function showError({ origin, message, traceback }) {
  const shown = document.createElement("div");
  if (traceback) shown.append(element("pre", traceback));
  // Python's own message is the last line of its traceback, unless the sandbox knows more.
  if (origin === "sandbox" || !traceback.includes(message)) shown.append(element("p", message));
  return shown;
}

/** @param {Picture} image @returns {HTMLImageElement} */
function showImage({ type, base64 }) {
  const image = document.createElement("img");
  // An SVG in an `img` runs no script and loads nothing.
  image.src = `data:${type};base64,${base64}`;
  image.alt = "A picture that the script has drawn";
  return image;
}

/** @param {TableValue} value @returns {HTMLElement} */
function showTable({ columns, rows, total, width }) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const name of columns) {
    const cell = element("th", name);
    cell.setAttribute("scope", "col");
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const value of row) {
      const cell = line.insertCell();
      cell.textContent = value === null ? "" : String(value);
      if (typeof value === "number") cell.dataset.kind = "number";
    }
  }
  if (rows.length < total || columns.length < width) {
    const shown = [`${rows.length} of ${total} rows`, `${columns.length} of ${width} columns`];
    table.createCaption().textContent = shown.join(", ");
  }
  return table;
}

/** @param {string} name @param {string} text */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
