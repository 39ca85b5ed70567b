/**
 * What happens to an answer while nobody looks. Where the reader stopped is noted when the page is left or hidden; when it
 * went on for a while without them, a line stands there until they have read on. When a long answer ends meanwhile, or the
 * agent waits for them, the window's title says so, and a notice does, if the reader wants any.
 *
 * The line is drawn by a style, at an attribute that the server knows nothing of: it is put there again when a patch has
 * taken it away.
 */

import { LEFT } from "./asides.js";
import { load, save } from "./composer.js";
import { notice } from "./notices.js";
import { loadStyles } from "./windows.js";

/** Milliseconds that an answer takes at least to be told of. */
const LONG = 10_000;
/** Milliseconds without the reader from which on what came is new to them. */
const AWAY = 5_000;
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const LIVE = "#turns .turn[aria-busy]";
const MARK = "● ";
/** Milliseconds between two looks at an answer that nobody sees. */
const EVERY = 3_000;
const LIVING = ["queued", "running", "stopping"];
const WAITING = "suspended";
const ENDS = new Map([["failed", "The answer failed."], ["cancelled", "The answer was stopped."]]);

/**
 * Where the reader stopped in an answer: at which of its blocks, and how much of that one there was.
 * @typedef {{run: string, block: number, length: number, at: number}} Place
 */

/** The answers that this page has seen written, and since when. @type {Map<string, number>} */
const seen = new Map();
/** @type {number | undefined} */
let timer;
/** @type {Place | undefined} */
let left = stored();
/** @type {Element | undefined} */
let marked;
/** @type {IntersectionObserver | undefined} */
let reading;

/** The blocks of an answer, in their order: paragraphs, lists, code, and what is no text. @param {Element} turn */
function blocks(turn) {
  const parts = [...turn.querySelectorAll(":scope > .turn-body > .parts > *")];
  return parts.flatMap((part) => (part.matches(".prose") ? [...part.children] : [part]));
}

/** @param {Element} element */
const length = (element) => element.textContent?.length ?? 0;

/** The reader leaves. What they have not read on from an earlier time stays where it was. */
function leave() {
  const turn = /** @type {HTMLElement | null} */ (document.querySelector(LIVE));
  if (!turn) return;
  ask(turn, turn.dataset.state === WAITING);
  if (marked?.isConnected) return;
  const all = blocks(turn);
  const last = all.at(-1);
  left = { run: turn.id, block: all.length - 1, length: last ? length(last) : 0, at: Date.now() };
  save(LEFT, JSON.stringify(left));
}

/** The reader is back. */
function arrive() {
  if (document.hidden) return;
  clearTimeout(timer);
  const chat = document.querySelector(".chat");
  if (chat?.hasAttribute("data-ended")) {
    chat.removeAttribute("data-ended");
    if (document.title.startsWith(MARK)) document.title = document.title.slice(MARK.length);
  }
  if (left && Date.now() - left.at < AWAY) forget();
  mark();
}

/** Have the line stand above the first block that was not all there. */
function mark() {
  if (!left || marked?.hasAttribute("data-since") && marked.isConnected) return;
  const turn = document.getElementById(left.run);
  if (!turn) return;
  const all = blocks(turn);
  const grown = left.block < 0 || length(all[left.block] ?? turn) > left.length;
  const first = all[Math.max(0, grown ? left.block : left.block + 1)];
  if (!first) return;
  marked = first;
  const words = `Since you left, ${HOUR.format(left.at)}`;
  void loadStyles().then(() => first === marked && first.setAttribute("data-since", words));
  watch(first);
}

/** Once the line was seen and is out of sight again, it was read past. @param {Element} first */
function watch(first) {
  let was = false;
  reading?.disconnect();
  reading = new IntersectionObserver(([{ isIntersecting }]) => {
    if (was && !isIntersecting && first.isConnected && !document.hidden) forget();
    was ||= isIntersecting && !document.hidden;
  });
  reading.observe(first);
}

function forget() {
  reading?.disconnect();
  marked?.removeAttribute("data-since");
  marked = left = undefined;
  save(LEFT, "");
}

function stored() {
  try {
    const { run, block, length, at } = JSON.parse(load(LEFT) || "{}");
    const usable = typeof run === "string" && [block, length, at].every(Number.isFinite);
    return usable ? /** @type {Place} */ ({ run, block, length, at }) : undefined;
  } catch {
    return undefined;
  }
}

/** What has come may be new to the reader. */
function look() {
  const turn = document.querySelector(LIVE);
  if (turn && !seen.has(turn.id)) seen.set(turn.id, performance.now());
  if (left && !document.hidden) mark();
}

/**
 * Ask now and then how an answer stands: a page out of sight has no stream.
 * @param {HTMLElement} turn @param {boolean} known Whether the reader knows that it waits for them.
 */
function ask(turn, known) {
  clearTimeout(timer);
  const address = turn.querySelector("chat-live")?.getAttribute("data-poll")?.replace(/poll$/, "state");
  timer = setTimeout(async () => {
    if (!document.hidden || !address) return;
    const response = await fetch(address).catch(() => undefined);
    const state = response?.ok ? await response.text().catch(() => "") : "";
    if (!document.hidden || (response && response.status >= 400 && response.status < 500)) return;
    const waits = state === WAITING;
    if (waits && !known) tell(turn.id, "The agent waits for you.");
    if (!state || waits || LIVING.includes(state)) ask(turn, state ? waits : known);
    else if (performance.now() - (seen.get(turn.id) ?? 0) >= LONG) tell(turn.id, ENDS.get(state) ?? "The answer is complete.");
  }, EVERY);
}

/** @param {string} run @param {string} words */
function tell(run, words) {
  document.querySelector(".chat")?.setAttribute("data-ended", "");
  if (!document.title.startsWith(MARK)) document.title = `${MARK}${document.title.replace(/^○ /, "")}`;
  notice(document.title.slice(MARK.length), words, run);
}

document.addEventListener("visibilitychange", () => (document.hidden ? leave() : arrive()));
addEventListener("pagehide", leave);
addEventListener("pageshow", ({ persisted }) => persisted && arrive());
document.addEventListener("chat:sending", forget);
for (const type of ["htmx:after:swap", "chat:changed"]) document.addEventListener(type, look);
look();
arrive();
