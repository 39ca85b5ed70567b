/** Notices of the system, once the reader has asked for them on this device. */

import { load, save } from "./composer.js";

const WANTED = "htmxchat:notify";

/** Whether this browser can show any here. */
export function mayNotify() {
  return "Notification" in window && isSecureContext;
}

/** Whether the reader wants them, and the browser still allows them. */
export function wantsNotices() {
  return mayNotify() && load(WANTED) === "yes" && Notification.permission === "granted";
}

/** Ask the browser; whether it allows them. */
export async function wantNotices() {
  const allowed = (await Notification.requestPermission()) === "granted";
  save(WANTED, allowed ? "yes" : "");
  return allowed;
}

/** Show none from now on. */
export function forbidNotices() {
  save(WANTED, "");
}

/** @param {string} title @param {string} body @param {string} run The run that it is about: one notice for each. */
export function notice(title, body, run) {
  if (!wantsNotices()) return;
  try {
    const shown = new Notification(title, { body, tag: run });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // Where only a service worker may show one, the mark in the title says it.
  }
}
