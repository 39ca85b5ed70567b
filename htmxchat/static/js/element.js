/** What the page's custom elements have in common: what they begin when they come into the page ends when they leave it. */
export class ChatElement extends HTMLElement {
  #here = new AbortController();

  connectedCallback() {
    this.#here = new AbortController();
    this.connected();
  }

  disconnectedCallback() {
    this.#here.abort();
    this.disconnected();
  }

  /** The element has come into the page. */
  connected() {}

  /** It has left the page. */
  disconnected() {}

  /**
   * Listen until the element leaves the page.
   * @param {EventTarget} target @param {string} type @param {(event: any) => void} listener @param {AddEventListenerOptions} [options]
   */
  on(target, type, listener, options) {
    target.addEventListener(type, listener, { ...options, signal: this.#here.signal });
  }

  /** Have an observer watch until the element leaves the page. @template {{disconnect(): void}} T @param {T} observer */
  keep(observer) {
    this.#here.signal.addEventListener("abort", () => observer.disconnect());
    return observer;
  }
}
