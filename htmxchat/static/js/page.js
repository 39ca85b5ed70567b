/** What all rooms share: times in the reader's words, and sentences for the reader. */

const HOUR = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const WEEK = 6 * 24 * 60 * 60 * 1000;
/** Milliseconds for which a warning is shown. */
const SHOWN = 8_000;

/**
 * Rewrite every `<time datetime>` in `root`, which the server writes in UTC, in the reader's zone and language.
 * @param {ParentNode} root
 */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.getAttribute("datetime") ?? "");
    if (Number.isNaN(at.valueOf())) continue;
    const form = element.getAttribute("data-form");
    element.textContent = form === "exact" ? EXACT.format(at) : form === "short" ? short(at) : HOUR.format(at);
    element.setAttribute("title", FULL.format(at));
  }
}

/** @param {Date} at */
function short(at) {
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return HOUR.format(at);
  return now.valueOf() - at.valueOf() < WEEK ? WEEKDAY.format(at) : DAY.format(at);
}

/**
 * Tell every room of this page. The event comes from the body, where htmx's `from:body` hears it, and bubbles to the
 * document, where the elements do.
 * @param {string} type
 */
export function notify(type) {
  document.body.dispatchEvent(new Event(type, { bubbles: true }));
}

/** Tell a screen reader. @param {string} words */
export function announce(words) {
  const status = document.getElementById("status");
  if (!status) return;
  status.removeAttribute("data-shown");
  status.textContent = words;
}

/** Tell every reader, for a while, or until there is something else to say. @param {string} words */
export function warn(words) {
  announce(words);
  const status = document.getElementById("status");
  if (!status) return;
  status.setAttribute("data-shown", words);
  const listeners = new AbortController();
  status.addEventListener("click", () => done(), { signal: listeners.signal });
  const done = () => {
    clearTimeout(timer);
    listeners.abort();
    news.disconnect();
    if (status.getAttribute("data-shown") === words) status.removeAttribute("data-shown");
  };
  const timer = setTimeout(done, SHOWN);
  const news = new MutationObserver(() => status.textContent !== words && done());
  news.observe(status, { childList: true });
}

/** The element that a link to a place of this page leads to. @param {string} hash */
export function leadsTo(hash) {
  return document.getElementById(hash.slice(1));
}
