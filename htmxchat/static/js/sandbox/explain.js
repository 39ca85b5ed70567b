/** What to do about an error of a script, where Python's own words do not say it. */

/** @import { End } from "./messages.js" */

/** Errors of anyone who looks for a network. */
const NETWORK = /^(?:urllib\.error\.URLError|socket\.gaierror): |: TLS not supported in this environment$/;
const NO_NETWORK = "There is no network in the sandbox: write the data into the script.";

/** Errors of `asyncio.run()` and its like in a browser that cannot hold a call to WebAssembly up. */
const STACK = /stack switch/;
const NO_STACK = "This browser cannot wait inside a call: write `await main()` at the top level instead of `asyncio.run(main())`.";

/**
 * Give the error at a script's end a sentence that says what to do.
 * @param {End} end @param {number} memory Bytes that Python may use. @param {boolean} packages Whether there is a folder of them.
 */
export function explain({ error }, memory, packages) {
  if (error?.type === "MemoryError" && !error.message) {
    const megabytes = Math.round(memory / 1024 / 1024);
    error.message = `The memory is used up: a script has ${megabytes} MB here. Let it work on less at a time.`;
  }
  if (error && NETWORK.test(`${error.type}: ${error.message}`)) error.message = NO_NETWORK;
  if (error && STACK.test(error.message)) error.message = NO_STACK;
  const module = error?.module;
  if (!module || error.message !== `No module named '${module}'`) return;
  error.message = packages
    ? `No module named '${module}': the package folder of this site has none of that name. Whoever runs the site can add it there.`
    : `No module named '${module}': only Python's standard library is here. Whoever runs this site can offer more with Scripts(packages_url=…).`;
}
