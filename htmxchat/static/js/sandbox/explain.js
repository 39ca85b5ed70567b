/** Adds advice to errors of a script whose Python message has none. */

/** @import { End } from "./messages.js" */

/** Errors of scripts that use the network. */
const NETWORK = /^(?:urllib\.error\.URLError|socket\.gaierror): |: TLS not supported in this environment$/;
const NO_NETWORK = "The sandbox has no network access. Write the data into the script.";

/** Errors of `asyncio.run()` and the like in a browser without WebAssembly stack switching. */
const STACK = /stack switch/;
const NO_STACK = "This browser cannot wait inside a call: write `await main()` at the top level instead of `asyncio.run(main())`.";

/**
 * Add advice to a script's error.
 * @param {End} end @param {number} memory Bytes that Python may use. @param {boolean} packages Whether there is a folder of them.
 */
export function explain({ error }, memory, packages) {
  if (error?.type === "MemoryError" && !error.message) {
    const megabytes = Math.round(memory / 1024 / 1024);
    error.message = `Out of memory: a script can use ${megabytes} MB here. Process less data at a time.`;
  }
  if (error && NETWORK.test(`${error.type}: ${error.message}`)) error.message = NO_NETWORK;
  if (error && STACK.test(error.message)) error.message = NO_STACK;
  const module = error?.module;
  if (!module || error.message !== `No module named '${module}'`) return;
  error.message = packages
    ? `No module named '${module}': this site's package folder does not have it. The site's operator can add it.`
    : `No module named '${module}': only Python's standard library is available. The site's operator can add packages with Scripts(packages_url=…).`;
}
