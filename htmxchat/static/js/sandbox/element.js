/**
 * `<python-runner>` shows a script that the reader can change, run and stop, on any page that may load these files.
 *
 *     <script type="module" src="/chat/static/latest/js/sandbox/element.js"></script>
 *     <python-runner label="Primes">print([n for n in range(2, 50) if all(n % d for d in range(2, n))])</python-runner>
 *
 * Attributes, all optional: `label`, what the script is called; `frame`, `runtime`, `packages`, `timeout`,
 * `load-timeout`, `idle-timeout`, `memory` and `keep`, the runner's options. It has no shadow root, so the page's style sheet
 * applies; `data-state` is `idle`, `loading`, `running`, `done`, `failed`, `cancelled` or `timed-out`. When a run has
 * ended it dispatches `python:result`, with the result as `detail`.
 *
 * @module
 */

import { Runner } from "./runner.js";
import { show, showError } from "./values.js";

/** @import { Progress } from "./files.js" */
/** @import { Result } from "./messages.js" */

const OPTIONS = /** @type {const} */ (["frame", "runtime", "packages"]);
const NUMBERS = /** @type {const} */ ({
  timeout: "timeout",
  loadTimeout: "load-timeout",
  idleTimeout: "idle-timeout",
  memory: "memory",
});
const WORDS = /** @type {const} */ ({
  done: "Done",
  failed: "Failed",
  cancelled: "Stopped",
  "timed-out": "Stopped: it took too long",
});

export class PythonRunner extends HTMLElement {
  /** @type {Runner | undefined} */
  #runner;
  #code = document.createElement("textarea");
  #run = button("Run");
  #stop = button("Stop");
  #status = document.createElement("p");
  #progress = document.createElement("progress");
  #output = document.createElement("div");

  connectedCallback() {
    if (this.#code.isConnected) return;
    const label = this.getAttribute("label") || "Python script";
    this.#code.value = unindent(this.textContent ?? "");
    this.#code.rows = Math.min(20, this.#code.value.split("\n").length + 1);
    this.#code.spellcheck = false;
    this.#code.setAttribute("aria-label", label);
    this.#output.setAttribute("role", "group");
    this.#output.setAttribute("aria-label", `${label}: output`);
    this.#status.setAttribute("role", "status");
    this.#progress.setAttribute("aria-label", "Loading Python");
    this.#progress.hidden = true;
    this.#run.addEventListener("click", () => void this.run());
    this.#stop.addEventListener("click", () => this.stop());
    this.#code.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.run();
    });
    this.#state("idle", "");
    this.replaceChildren(this.#code, this.#run, this.#stop, this.#progress, this.#status, this.#output);
  }

  disconnectedCallback() {
    // Moved within the page, it is connected again at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#runner?.close();
      this.#runner = undefined;
    });
  }

  /** Run what the text area holds. @returns {Promise<Result | null>} `null` when it runs already, or cannot. */
  async run() {
    if (this.dataset.state === "loading" || this.dataset.state === "running") return null;
    this.#state("loading", "Loading Python");
    this.#output.replaceChildren();
    try {
      this.#runner ??= new Runner(this.#options());
    } catch (error) {
      this.#state("failed", `This runner's attributes cannot be used. ${error}`);
      return null;
    }
    const result = await this.#runner.run(this.#code.value, {
      onProgress: (progress) => this.#loading(progress),
      onOutput: ({ stream, text }) => this.#print(stream, text),
    });
    this.#state(result.state, WORDS[result.state]);
    const cut = document.createElement("p");
    cut.textContent = "There was more than is shown here.";
    this.#output.append(
      ...(result.truncated ? [cut] : []),
      ...[result.value, ...result.pictures].flatMap((value) => (value ? [show(value)] : [])),
      ...(result.error ? [showError(result.error)] : []),
    );
    this.dispatchEvent(new CustomEvent("python:result", { detail: result, bubbles: true }));
    return result;
  }

  stop() {
    this.#runner?.stop();
  }

  /** @param {Progress} progress */
  #loading({ phase, loaded, total }) {
    if (phase === "running") return this.#state("running", "Running");
    this.#status.textContent = phase === "packages" ? "Loading packages" : "Loading Python";
    if (total) Object.assign(this.#progress, { max: total, value: loaded });
    else this.#progress.removeAttribute("value");
  }

  /** @param {string} stream @param {string} text */
  #print(stream, text) {
    const last = this.#output.lastElementChild;
    if (last instanceof HTMLElement && last.dataset.stream === stream) return last.append(text);
    const block = document.createElement("pre");
    block.dataset.stream = stream;
    block.append(text);
    this.#output.append(block);
  }

  /** @param {string} state @param {string} words */
  #state(state, words) {
    this.dataset.state = state;
    this.#status.textContent = words;
    this.#progress.hidden = state !== "loading";
    const busy = state === "loading" || state === "running";
    // Not `disabled`, which would take the focus away from anyone who has just pressed it.
    this.#stop.setAttribute("aria-disabled", String(!busy));
    this.#run.setAttribute("aria-disabled", String(busy));
  }

  #options() {
    const given = OPTIONS.flatMap((name) => (this.hasAttribute(name) ? [[name, this.getAttribute(name)]] : []));
    const numbers = Object.entries(NUMBERS).flatMap(([name, attribute]) => {
      const value = Number.parseFloat(this.getAttribute(attribute) ?? "");
      return value > 0 ? [[name, value]] : [];
    });
    return { ...Object.fromEntries([...given, ...numbers]), keep: this.hasAttribute("keep") };
  }
}

/** @param {string} text */
function button(text) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  return made;
}

/** @param {string} text As it stands in the page. @returns {string} Without what every line begins with, or empty lines around. */
function unindent(text) {
  const lines = text.replace(/^\s*\n/, "").trimEnd().split("\n");
  const indents = lines.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length);
  const indent = indents.length ? Math.min(...indents) : 0;
  return lines.map((line) => line.slice(indent)).join("\n");
}

customElements.define("python-runner", PythonRunner);
