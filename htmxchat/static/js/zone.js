/**
 * The reader's zone. The server groups the history by the reader's days and writes the reader's times, once a cookie has
 * told it the zone; before that it writes UTC. The times on the page are the reader's in any case (`localise`).
 */

import { localise, notify } from "./page.js";

const DAY = 24 * 60 * 60 * 1000;

/** Tell the server the zone, and draw the days again when they are not the reader's any more. */
export function keepZone() {
  let told = document.getElementById("history-list")?.dataset.zone ?? "";
  let day = new Date().toDateString();
  /** @type {number | undefined} */
  let timer;
  const look = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const today = new Date().toDateString();
    clearTimeout(timer);
    timer = setTimeout(look, untilMidnight());
    if (zone === told && today === day) return;
    if (zone !== told) keepCookie("htmxchat_zone", zone);
    [told, day] = [zone, today];
    localise(document);
    notify("chat:changed");
  };
  // A page that sleeps misses midnight, and travels.
  document.addEventListener("visibilitychange", () => document.hidden || look());
  look();
}

/** Tell the server something of this device. @param {string} name @param {string} value */
export function keepCookie(name, value) {
  const path = /** @type {HTMLAnchorElement | null} */ (document.querySelector(".brand"))?.pathname;
  if (!path) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; path=${path}; max-age=31536000; samesite=lax${secure}`;
}

/** Milliseconds. A day with a change of the clock has more or fewer; it is looked again at its end. */
function untilMidnight() {
  const midnight = new Date();
  midnight.setHours(24, 0, 0, 50);
  return Math.min(Math.max(midnight.valueOf() - Date.now(), 1_000), DAY);
}
