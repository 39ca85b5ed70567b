/** Times in the reader's zone and language. The server writes them in UTC. */

const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const WEEK = 6 * 24 * 60 * 60 * 1000;

/**
 * Rewrite every `<time datetime>` in `root`.
 * @param {ParentNode} root
 */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.getAttribute("datetime") ?? "");
    if (Number.isNaN(at.valueOf())) continue;
    element.textContent = element.getAttribute("data-form") === "short" ? short(at) : HOUR.format(at);
    element.setAttribute("title", FULL.format(at));
  }
}

/** @param {Date} at */
function short(at) {
  const now = new Date();
  if (at.toDateString() === now.toDateString()) return HOUR.format(at);
  return now.valueOf() - at.valueOf() < WEEK ? WEEKDAY.format(at) : DAY.format(at);
}
