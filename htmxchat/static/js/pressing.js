/** What is pressed twice: a form sends once, and nothing acts in the place of what was just pressed. */

/** Milliseconds for which what comes under a pointer at rest does nothing. */
const SETTLE = 700;
/** Pixels that a pointer at rest may move. */
const REST = 16;
const CONTROLS = "button, a[href], summary, input, select, textarea, label";

/** Let no form be sent, nor another to the same address, while it is being sent. */
export function sendOnce() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
    const stops = event.submitter?.hasAttribute("hx-post");
    const sending = [...document.querySelectorAll("form.htmx-request, form[data-sent]")];
    if (!stops && sending.some((each) => address(each) === address(form))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (!form.hasAttribute("hx-post")) {
      form.setAttribute("data-sent", "");
    }
  }, { capture: true });
  // The page that the browser comes back to can be the one that it left.
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => form.removeAttribute("data-sent")));
}

/** Where a form is sent. @param {Element} form */
const address = (form) => form.getAttribute("action") ?? form.getAttribute("hx-post");

/**
 * Where the reader has pressed something and the pointer still rests, a press that was meant for it, or aimed at nothing
 * new, must not reach what has taken its place: that acts once it has been there for a while, or the pointer has moved.
 */
export function guardPlaces() {
  /** @type {{x: number, y: number, what: string, since: number} | undefined} */
  let rest;
  let due = 0;
  const look = () => {
    due = 0;
    if (!rest) return;
    const what = name(document.elementFromPoint(rest.x, rest.y));
    if (what !== rest.what) Object.assign(rest, { what, since: performance.now() });
  };
  const changed = () => (due ||= requestAnimationFrame(look));
  const changes = new MutationObserver(changed);
  /** @param {MouseEvent} event */
  const near = (event) => rest && Math.hypot(event.clientX - rest.x, event.clientY - rest.y) < REST;
  const leave = () => {
    rest = undefined;
    changes.disconnect();
  };

  document.addEventListener("click", (event) => {
    if (!event.isTrusted || event.detail === 0) return;
    if (near(event)) look();
    else leave();
    if (rest?.what && performance.now() - rest.since < SETTLE) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    const what = name(event.target);
    if (!what) return leave();
    rest = { x: event.clientX, y: event.clientY, what, since: -Infinity };
    changes.observe(document.body, { childList: true, subtree: true });
  }, { capture: true });
  document.addEventListener("pointermove", (event) => rest && !near(event) && leave(), { passive: true });
  document.addEventListener("scroll", () => rest && changed(), { capture: true, passive: true });
}

/** What a control does, so that it is known again when it has been redrawn. @param {EventTarget | null} target */
function name(target) {
  const control = target instanceof Element ? target.closest(CONTROLS) : null;
  if (!control) return "";
  const form = control.closest("form");
  const [action, value] = [form?.getAttribute("action"), control.getAttribute("value")];
  return [control.localName, action, control.getAttribute("name"), value, control.getAttribute("aria-label"), form ? "" : control.textContent].join(" ");
}
