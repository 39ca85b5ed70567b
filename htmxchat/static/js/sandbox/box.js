/** The frame that holds the sandbox, seen from the page: opens it, talks with it, notices when it is gone. */

import { Trouble } from "./trouble.js";

/** What frame.js speaks. */
const PROTOCOL = 1;
/** Milliseconds between two questions whether the frame is there, and how many it may leave unanswered. */
const PING = 2_000;
const PATIENCE = 4;
/** Milliseconds after its `load` event in which the document must have said that it is the sandbox. */
const AFTER_LOAD = 1_000;

export class Box {
  #frame;
  #port;
  /** @type {number | undefined} */
  #pings;
  #asked = 0;
  #answered = 0;
  /** Takes what the frame says. @type {(message: any) => void} */
  onmessage = () => {};
  /** Called once, when the frame is found to be gone. @type {() => void} */
  oncrash = () => {};

  /** @param {HTMLIFrameElement} frame @param {MessagePort} port */
  constructor(frame, port) {
    this.#frame = frame;
    this.#port = port;
    port.addEventListener("message", ({ data }) => this.#hear(data));
    port.addEventListener("messageerror", () => this.#crashed());
    // Some browsers say so when the other end is gone; for the others there are the pings.
    port.addEventListener("close", () => this.#crashed());
    port.start();
  }

  /** @param {string} url @param {AbortSignal} signal @returns {Promise<Box>} */
  static async open(url, signal) {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.referrerPolicy = "no-referrer";
    frame.title = "Python sandbox";
    frame.tabIndex = -1;
    frame.hidden = true;
    const ready = new Promise((resolve, reject) => {
      const listening = new AbortController();
      const options = { signal: listening.signal };
      /** @param {Trouble} [trouble] */
      const end = (trouble) => (listening.abort(), trouble ? reject(trouble) : resolve(undefined));
      addEventListener(
        "message",
        ({ source, data }) => source === frame.contentWindow && data?.type === "sandbox" && end(),
        options,
      );
      // An error page loads, too. Ours speaks before it has loaded.
      frame.addEventListener("load", () => setTimeout(() => end(new Trouble("frame-refused")), AFTER_LOAD), options);
      signal.addEventListener("abort", () => end(signal.reason), options);
    });
    frame.src = url;
    document.body.append(frame);
    try {
      signal.throwIfAborted();
      await ready;
    } catch (error) {
      frame.remove();
      throw error;
    }
    const { port1, port2 } = new MessageChannel();
    const box = new Box(frame, port1);
    // The frame's origin is opaque: it has no name to send this to. The port goes to anyone who is in that frame, and a
    // document that could get there is one of this site.
    frame.contentWindow?.postMessage({ type: "connect" }, "*", [port2]);
    return box;
  }

  /** @param {Record<string, unknown>} message @param {Transferable[]} [transfer] */
  post(message, transfer = []) {
    this.#port.postMessage(message, transfer);
  }

  /** @param {boolean} on Whether to ask the frame, again and again, if it is there. */
  watch(on) {
    clearInterval(this.#pings);
    this.#pings = undefined;
    this.#answered = this.#asked;
    if (on) this.#pings = setInterval(() => this.#ping(), PING);
  }

  remove() {
    this.watch(false);
    this.oncrash = this.onmessage = () => {};
    this.#port.close();
    this.#frame.remove();
  }

  #ping() {
    const gone = !this.#frame.contentWindow; // someone has taken it out of the page
    if (gone || this.#asked - this.#answered >= PATIENCE) this.#crashed();
    else this.post({ type: "ping", number: ++this.#asked });
  }

  #crashed() {
    const { oncrash } = this;
    this.watch(false);
    this.oncrash = () => {};
    oncrash();
  }

  /** @param {any} message */
  #hear(message) {
    if (message.type === "pong") this.#answered = message.number;
    else if (message.type === "connected" && message.protocol !== PROTOCOL) {
      this.onmessage({ type: "down", reason: "version", run: 0, message: "" });
    } else this.onmessage(message);
  }
}
