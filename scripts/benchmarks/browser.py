"""A headless Chromium, and what a page costs it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# The page itself says when the answer has ended: to look for that at every frame costs more than to show a long answer.
_FOLLOW = """
window.benchMessages = 0;
document.addEventListener("htmx:sse:after:message", () => { window.benchMessages += 1; });
window.benchEnded = new Promise((resolve) => {
  document.addEventListener("htmx:sse:close", ({ detail }) => detail.reason === "message" && resolve());
});
"""


def find_chromium() -> str | None:
    """Return the path of a Chromium: `CHROMIUM`, or the first that is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def meter(browser: Browser) -> Iterator[Meter]:
    """Open a page of a browser that has nothing in its cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        yield Meter(context.new_page())
    finally:
        context.close()


class Meter:
    """Counts what one page sends for and what it computes."""

    def __init__(self, page: Page) -> None:
        page.set_default_timeout(600_000)
        page.add_init_script(_FOLLOW)
        self.page = page
        self._cdp = page.context.new_cdp_session(page)
        self._urls: dict[str, str] = {}
        self._bytes: dict[str, int] = {}
        self._cdp.on("Network.requestWillBeSent", self._asked)
        self._cdp.on("Network.responseReceived", self._began)
        self._cdp.on("Network.dataReceived", self._received)
        self._cdp.on("Network.loadingFinished", self._finished)
        self._cdp.send("Network.enable")
        self._cdp.send("Performance.enable")

    def task_seconds(self) -> float:
        """Return how long the page's main thread has been busy so far."""
        metrics = self._cdp.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    def messages(self) -> int:
        """Return how many server-sent events have been shown."""
        return int(self.page.evaluate("window.benchMessages"))

    def wait_for_end(self) -> None:
        """Return when the answer that streams has ended, and is complete."""
        self.page.evaluate("window.benchEnded")
        self.page.wait_for_selector("article.turn[data-state=completed][data-role=assistant]", state="attached")

    def wire(self, path: str = "") -> int:
        """Return the bytes that came over the network, as they were encoded, for URLs that hold `path`."""
        return sum(size for request, size in self._bytes.items() if path in self._urls.get(request, ""))

    def requests(self) -> int:
        return len(self._urls)

    def other_hosts(self, host: str) -> int:
        """Return how many hosts besides `host` (with its port) were asked."""
        return len({urlsplit(url).netloc for url in self._urls.values()} - {host})

    def _asked(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("http"):
            self._urls[event["requestId"]] = event["request"]["url"]

    def _began(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], event["response"]["encodedDataLength"])

    def _received(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], event["encodedDataLength"])

    def _finished(self, event: dict[str, Any]) -> None:
        # The total, headers included. A stream that the page closes has no such event.
        self._bytes[event["requestId"]] = int(event["encodedDataLength"])

    def _add(self, request: str, size: float) -> None:
        self._bytes[request] = self._bytes.get(request, 0) + int(size)
