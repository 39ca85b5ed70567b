/**
 * What a sandbox may say, read as data. Python can forge every message: nothing passes here but text, numbers and lists
 * of the shapes below, and no more of them than a result may hold.
 */

/** @import { Cell, Picture, ScriptEnd, ScriptResult, ScriptValue, TableValue } from "./result.d.ts" */

/**
 * How a run ended, at most `MOST_RESULT` bytes as JSON. `error` is there unless it is done; of the sandbox's own, `type` is
 * one of `Trouble`. The server knows which code ran.
 *
 * @typedef {Omit<ScriptResult, "code"> & {state: ScriptEnd}} Result
 */

/** @typedef {{type: "imports", names: string[]}} Imports What the script imports and Python does not have. */
/** @typedef {{type: "begun"}} Begun The packages are loaded, the script begins. */
/** @typedef {{type: "output", stream: "stdout" | "stderr", text: string}} Output */
/**
 * How it ended. `fatal`, `packages` and `broken` say why there is no result: Python crashed, a package cannot be loaded,
 * the worker could not do what it was told.
 * @typedef {{type: "end", value: ScriptValue | null, pictures: Picture[], truncated: boolean, fatal: string,
 *   packages: string, broken: string, error: {type: string, message: string, traceback: string, module: string} | null}} End
 */

/** Bytes of a result as JSON in UTF-8, and how they are shared out. */
export const MOST_RESULT = 1_000_000;
export const MOST_OUTPUT = 220_000;
const MOST_VALUE = 230_000;
const MOST_PICTURES = 500_000;
const MOST_ERROR = 40_000;
const MOST_NAMES = 200;

const encoder = new TextEncoder();
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MODULE = /^[\p{L}_][\p{L}\p{N}_]{0,99}$/u;

/** @param {unknown} value @returns {number} Bytes of it as JSON. */
export function size(value) {
  return encoder.encode(JSON.stringify(value)).length;
}

/** @param {string} text @param {number} most @returns {string} As much of the text as fits into that many bytes of JSON. */
export function fit(text, most) {
  if (size(text) <= most) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (size(text.slice(0, middle)) <= most) low = middle;
    else high = middle - 1;
  }
  return text.slice(0, low).replace(/[\ud800-\udbff]$/, "");
}

/** @param {unknown} text What a worker said. @returns {Imports | Begun | Output | End | null} `null` when it means nothing. */
export function read(text) {
  const message = parse(text);
  switch (message.type) {
    case "imports":
      return { type: "imports", names: list(message.names, MOST_NAMES).filter((name) => MODULE.test(string(name))) };
    case "begun":
      return { type: "begun" };
    case "output": {
      const stream = message.stream === "stderr" ? "stderr" : "stdout";
      return { type: "output", stream, text: string(message.text) };
    }
    case "end":
      return end(message);
    default:
      return null;
  }
}

/** @param {Record<string, unknown>} message @returns {End} */
function end(message) {
  const value = readValue(message.value);
  let room = MOST_PICTURES - (value?.kind === "image" ? size(value) : 0);
  const pictures = list(message.pictures, 100).map(readValue);
  const kept = [];
  for (const picture of pictures) {
    if (picture?.kind !== "image" || (room -= size(picture)) < 0) continue;
    kept.push(picture);
  }
  const error = record(message.error);
  return {
    type: "end",
    value,
    pictures: kept,
    truncated: message.truncated === true || kept.length < pictures.length || (!value && message.value != null),
    fatal: fit(string(message.fatal), 4_000),
    packages: fit(string(message.packages), 4_000),
    broken: fit(string(message.broken), 4_000),
    error: error && {
      type: fit(string(error.type), 1_000) || "Error",
      message: fit(string(error.message), 8_000),
      traceback: fit(string(error.traceback), MOST_ERROR - 10_000),
      module: string(error.module).slice(0, 100),
    },
  };
}

/** @param {unknown} given @returns {ScriptValue | null} */
function readValue(given) {
  const value = record(given);
  if (value?.kind === "text") {
    const format = value.format === "html" ? "html" : "plain";
    return { kind: "text", text: fit(string(value.text), MOST_VALUE), format };
  }
  if (value?.kind === "table") return readTable(value);
  if (value?.kind === "image" && (value.type === "image/png" || value.type === "image/svg+xml")) {
    const base64 = string(value.base64);
    const usable = base64.length <= MOST_PICTURES && base64.length % 4 === 0 && BASE64.test(base64);
    return usable ? { kind: "image", type: value.type, base64 } : null;
  }
  return null;
}

/** @param {Record<string, unknown>} value @returns {TableValue} */
function readTable(value) {
  const columns = list(value.columns, 50).map((name) => string(name).slice(0, 400));
  let room = MOST_VALUE - size(columns) - 200;
  const rows = [];
  for (const given of list(value.rows, 500)) {
    const row = list(given, columns.length).map(cell);
    while (row.length < columns.length) row.push(null);
    room -= size(row) + 1;
    if (room < 0) break;
    rows.push(row);
  }
  const total = Math.max(count(value.total), rows.length);
  return { kind: "table", columns, rows, total, width: Math.max(count(value.width), columns.length) };
}

/** @param {unknown} value @returns {Cell} */
function cell(value) {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  return string(value).slice(0, 500);
}

/** @param {unknown} text @returns {Record<string, unknown>} */
function parse(text) {
  try {
    return record(JSON.parse(string(text))) ?? {};
  } catch {
    return {};
  }
}

/** @param {unknown} value @returns {Record<string, unknown> | null} */
function record(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? /** @type {Record<string, unknown>} */ (value)
    : null;
}

/** @param {unknown} value @param {number} most @returns {any[]} */
function list(value, most) {
  return Array.isArray(value) ? value.slice(0, most) : [];
}

/** @param {unknown} value */
function string(value) {
  return typeof value === "string" ? value : "";
}

/** @param {unknown} value */
function count(value) {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
