/** When another branch of the conversation is shown, the inspector shows the run in the place of the one that it shows. */

/** @param {HTMLElement} room @returns {MutationObserver} What watches for it. */
export function followBranch(room) {
  let before = answers();
  const changes = new MutationObserver(() => {
    const [shown, url] = [answers(), /** @type {HTMLElement | null} */ (room.closest(".side"))?.dataset.url ?? ""];
    const run = /\/runs\/([^/?]+)/.exec(url)?.[1] ?? "";
    const place = before.indexOf(run);
    before = shown;
    // A page that leaves the conversation closes the inspector too.
    if (place >= 0 && !shown.includes(run)) requestAnimationFrame(() => room.isConnected && leave(run, url, place));
  });
  const turns = document.getElementById("turns");
  if (turns) changes.observe(turns, { childList: true });
  return changes;
}

/** The runs whose answers are shown. */
function answers() {
  const shown = [...document.querySelectorAll("#turns > .turn[data-role=assistant]")];
  return shown.map(({ id }) => id.replace("turn-", ""));
}

/** @param {string} run @param {string} url @param {number} place */
function leave(run, url, place) {
  const shown = answers();
  const id = shown[place] ?? shown.at(-1);
  if (!id || shown.includes(run)) return;
  const next = url.replace(run, id).replace(/\?.*/, "");
  const addressed = location.pathname === new URL(url, location.href).pathname;
  void htmx.ajax("GET", next, { target: "#inspector", swap: "outerMorph" });
  if (addressed) history.replaceState(history.state, "", next);
}
