/**
 * `<chat-form>` is in a form that the agent asks with: it says below a field what is right, keeps what is typed until it
 * is answered, and shows which arguments of a call were changed.
 */

import { Draft } from "./draft.js";
import { ChatElement } from "./element.js";
import { Place } from "./forms-place.js";

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */

const FIELDS = "input:not([type=hidden]), select, textarea";

class ChatForm extends ChatElement {
  #draft = new Draft("");
  #sending = false;
  #id = "";
  /** @type {Place | undefined} */
  #place;

  connected() {
    const form = this.closest("form");
    if (!form) return;
    const [turns, box] = [document.getElementById("turns"), this.closest(".room-body")];
    if (turns && box) this.#place = this.keep(new Place(turns, box));
    this.#id = form.id;
    this.#draft = new Draft(key(form));
    if (!this.hasAttribute("data-returned")) this.#restore();
    this.on(this, "input", ({ target }) => this.#changed(target));
    this.on(this, "invalid", (event) => this.#invalid(event), { capture: true });
    // What was sent and is drawn as answered before its own answer has come was not too late.
    this.on(form, "htmx:before:request", () => this.#send(form));
    this.on(this, "click", ({ target }) => target instanceof Element && target.closest("[name=undo]") && this.#undo());
    for (const group of this.querySelectorAll("[data-optional]")) this.#need(group);
    this.#checkAll();
    this.#show();
    /** @type {HTMLElement | null} */ (this.querySelector(`:is(${FIELDS})[aria-invalid], [aria-invalid] input`))?.focus();
  }

  disconnected() {
    // A form that is drawn again in its place continues with the draft.
    queueMicrotask(() => {
      const record = document.getElementById(this.#id);
      if (!record || record.matches("form")) return;
      this.#place?.hold(record);
      // Another page or tab has answered it.
      if (!this.#sending) this.#tooLate();
    });
  }

  /** @returns {Control[]} */
  get #controls() {
    return /** @type {Control[]} */ ([...this.querySelectorAll(FIELDS)]);
  }

  /** @param {EventTarget | null} target */
  #changed(target) {
    if (!(target instanceof Element)) return;
    const group = target.closest("[data-optional]");
    if (group) this.#need(group);
    this.#checkAll();
    const field = target.closest(".field, .args > div");
    if (field?.querySelector(".wrong")) this.#right(field, target);
    this.#show();
    this.#draft.save(values(this.#controls));
  }

  #restore() {
    const kept = this.#draft.load();
    if (!kept) return;
    for (const control of this.#controls) {
      const texts = kept[control.name] ?? [];
      if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = texts.includes(control.value);
      else if (texts.length) control.value = texts[0];
    }
  }

  /** What an optional group needs is needed once anything in it is filled in. @param {Element} group */
  #need(group) {
    const controls = /** @type {Control[]} */ ([...group.querySelectorAll(FIELDS)]);
    const touched = controls.some(isChanged);
    for (const control of controls) {
      if (control.closest("[data-needed]")) control.required = touched;
    }
  }

  #checkAll() {
    this.#controls.forEach((control) => this.#check(control));
  }

  /** What HTML cannot check. @param {Control} control */
  #check(control) {
    let wrong = false;
    const set = control.closest("fieldset[data-most]");
    if (set) {
      const boxes = /** @type {HTMLInputElement[]} */ ([...set.querySelectorAll("input")]);
      const count = boxes.filter((box) => box.checked).length;
      const needed = Number(set.getAttribute("data-least") ?? 0);
      const empty = count === 0 && (set.hasAttribute("data-may-be-empty") || !this.#isNeeded(set));
      wrong = !empty && (count < needed || count > Number(set.getAttribute("data-most")));
      wrong = wrong && control === boxes[0];
    } else if (control instanceof HTMLTextAreaElement && control.value) {
      const least = Number(control.dataset.shortest ?? 0);
      wrong = [...control.value].length < least || (control.hasAttribute("data-json") && !isJson(control.value));
    }
    control.setCustomValidity(wrong ? rule(control) : "");
  }

  /** Whether a set of boxes is in a group that is left out. @param {Element} set */
  #isNeeded(set) {
    const group = set.closest("[data-optional]");
    if (!group) return true;
    return /** @type {Control[]} */ ([...group.querySelectorAll(FIELDS)]).some(isChanged);
  }

  /** Say what is right in its place. @param {Event} event */
  #invalid(event) {
    event.preventDefault();
    const control = /** @type {Control} */ (event.target);
    const field = control.closest(".field, .args > div");
    if (!field || field.querySelector(".wrong")) return;
    const wrong = document.createElement("p");
    wrong.className = "wrong";
    wrong.id = `${control.id}-wrong`;
    wrong.textContent = rule(control);
    field.append(wrong);
    const described = field.matches("fieldset") ? field : control;
    described.setAttribute("aria-invalid", "true");
    const before = described.getAttribute("aria-describedby");
    described.setAttribute("aria-describedby", [before, wrong.id].filter(Boolean).join(" "));
    this.#count();
    if (document.activeElement !== control && this.querySelector(".wrong") === wrong) control.focus();
  }

  /** Take back what was said of a field once it is right. @param {Element} field @param {Element} target */
  #right(field, target) {
    const control = /** @type {Control} */ (target);
    if ([...field.querySelectorAll(FIELDS)].some((each) => !(/** @type {Control} */ (each).validity.valid))) return;
    const wrong = field.querySelector(".wrong");
    for (const each of [field, control]) {
      each.removeAttribute("aria-invalid");
      const left = (each.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== wrong?.id).join(" ");
      if (left) each.setAttribute("aria-describedby", left);
      else each.removeAttribute("aria-describedby");
    }
    wrong?.remove();
    this.#count();
  }

  #count() {
    const count = this.querySelectorAll(".field > .wrong, .args .wrong").length;
    const said = this.querySelector(".row > .meta");
    if (said) said.textContent = count ? `${count} field${count === 1 ? "" : "s"} to correct` : "";
  }

  /** Which arguments are not as the agent gave them. */
  #show() {
    let edited = false;
    for (const row of this.querySelectorAll(".args > [data-was]")) {
      const control = /** @type {Control} */ (row.querySelector(FIELDS));
      const changed = isChanged(control) || (row.hasAttribute("data-edited") && this.hasAttribute("data-returned"));
      edited ||= changed;
      row.toggleAttribute("data-edited", changed);
      const was = row.querySelector(".was");
      if (was) was.textContent = changed ? row.getAttribute("data-was") : "";
    }
    const approve = this.querySelector("[name=decision][value=approve]");
    if (approve) approve.textContent = edited ? "Approve with changes" : "Approve";
    const undo = this.querySelector("[name=undo]");
    if (undo instanceof HTMLElement) undo.hidden = !edited || this.hasAttribute("data-returned");
  }

  #undo() {
    for (const control of this.#controls) {
      if (!control.closest(".args")) continue;
      reset(control);
      this.#changed(control);
    }
  }

  /** Forget what was typed once it has been taken, even if the form has left the page by then. @param {HTMLFormElement} form */
  #send(form) {
    this.#sending = true;
    const listeners = new AbortController();
    document.addEventListener("htmx:finally:request", (event) => {
      const { ctx } = /** @type {CustomEvent<{ctx: HtmxContext}>} */ (event).detail;
      if (ctx.sourceElement !== form) return;
      listeners.abort();
      this.#sending = Boolean(ctx.response && ctx.response.status < 400);
      if (this.#sending) this.#draft.forget();
    }, { signal: listeners.signal });
  }

  /** Say that it is too late, and what was typed. */
  #tooLate() {
    const written = this.#controls.filter(isChanged).map((control) => said(control)).filter(Boolean);
    this.#draft.forget();
    const error = document.getElementById("composer-error");
    if (!error || !written.length) return;
    error.textContent = `This question is no longer open. You had written: ${written.join("; ")}`;
  }
}

/** One for each question, as it is worded, and user. @param {HTMLFormElement} form */
function key(form) {
  const composer = /** @type {HTMLElement | null} */ (document.querySelector("chat-composer"));
  const hidden = (/** @type {string} */ name) => form.querySelector(`input[type=hidden][name=${name}]`)?.getAttribute("value");
  return `htmxchat:answer:${composer?.dataset.user}:${form.getAttribute("action")}:${hidden("request")}:${hidden("digest")}`;
}

/** @param {Control[]} controls @returns {Record<string, string[]>} */
function values(controls) {
  /** @type {Record<string, string[]>} */
  const kept = {};
  for (const control of controls) {
    const texts = (kept[control.name] ??= []);
    if (!(control instanceof HTMLInputElement) || control.type !== "checkbox") texts.push(control.value);
    else if (control.checked) texts.push(control.value);
  }
  return kept;
}

/** Whether a control holds something else than when it was drawn. @param {Control} control */
function isChanged(control) {
  if (control instanceof HTMLSelectElement) {
    return [...control.options].some((each, place) => each.selected !== first(control, each, place));
  }
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked !== control.defaultChecked;
  return control.value !== control.defaultValue;
}

/** Whether an option is the initial choice. @param {HTMLSelectElement} select @param {HTMLOptionElement} option @param {number} place */
function first(select, option, place) {
  return [...select.options].some((each) => each.defaultSelected) ? option.defaultSelected : place === 0;
}

/** @param {Control} control */
function reset(control) {
  if (control instanceof HTMLSelectElement) {
    [...control.options].forEach((each, place) => (each.selected = first(control, each, place)));
  } else if (control instanceof HTMLInputElement && control.type === "checkbox") {
    control.checked = control.defaultChecked;
  } else {
    control.value = control.defaultValue;
  }
}

/** What a control holds, with its name. @param {Control} control */
function said(control) {
  // What has left the page has no `labels`.
  const label = control.closest("label") ?? control.closest(".field, .args > div")?.querySelector("label");
  const name = (label?.querySelector("span") ?? label)?.textContent ?? "";
  if (control instanceof HTMLSelectElement) return `${name}: ${control.selectedOptions[0]?.textContent ?? ""}`;
  if (control instanceof HTMLInputElement && control.type === "checkbox") return control.checked ? name : "";
  return control.value.trim() && `${name}: ${control.value}`;
}

/** What is right, in a sentence. @param {Control} control */
function rule(control) {
  return control.closest("[data-rule]")?.getAttribute("data-rule") ?? "Needs an answer";
}

/** @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

customElements.define("chat-form", ChatForm);
