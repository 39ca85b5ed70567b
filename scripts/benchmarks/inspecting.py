"""The run inspector: a run of 10,000 events, and a live one of 500 events a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from playwright.sync_api import Browser, Page

from scripts.benchmarks.browser import chromium, meter
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import Server

_EVENTS = 10_000
_A_SECOND = 500

_SCROLL = """async () => {
  const body = document.querySelector('#inspector .room-body')
  const times = []
  let last = performance.now()
  for (let frame = 0; frame < 120; frame++) {
    body.scrollBy(0, 400)
    const now = await new Promise(requestAnimationFrame)
    times.push(now - last)
    last = now
  }
  times.sort((a, b) => a - b)
  return [times[60], times[114]]
}"""
_DONE = "article[data-role=assistant][data-state=completed]"


def inspecting(quick: bool) -> list[Table]:
    return [_history(3 if quick else 7), _live(5 if quick else 15)]


def _history(times: int) -> Table:
    with chromium() as browser, Server("chat") as server, meter(browser) as page_meter:
        page = page_meter.page
        page.goto(f"{server.url}/chat/")
        page.fill("#text", f"stages {_EVENTS} 0")
        page.press("#text", "Enter")
        page.wait_for_selector(_DONE)
        first = "#inspector-rows > details"
        opened = [_timed(page, lambda: page.click("a[name=inspect]"), first) for _ in range(times)]
        size, answer = server.get(page.evaluate("location.pathname"))
        kinds = [("StageChanged", "TextDelta")[number % 2] for number in range(times)]
        typed = [_timed(page, lambda kind=kind: _choose(page, kind), ".found") for kind in kinds]  # type: ignore[misc]
        _choose(page, "")
        page.wait_for_selector(".found", state="detached")
        sought = _timed(page, lambda: page.fill("#inspector-q", "stage 7777"), ".found")
        page.fill("#inspector-q", "")
        page.wait_for_selector(".found", state="detached")
        ended = _timed(
            page,
            lambda: page.locator("[data-end=last]").dispatch_event("click"),
            "#inspector-rows > [data-type=RunEnded]",
        )
        page.locator("[data-end=first]").dispatch_event("click")
        page.wait_for_selector("#row-1")
        middle, slow = page.evaluate(_SCROLL)
    rows = [
        Row("open, from the click to the rows", [1000 * median(opened)], "ms", limit=1000),
        Row("the whole page on the server", [1000 * answer], "ms", limit=1000),
        Row("its size, before compression", [size / 1000], "KB"),
        Row("filter by type", [1000 * median(typed)], "ms", limit=1000),
        Row("search, with 250 ms of waiting for the next key", [1000 * sought], "ms", limit=1500),
        Row("jump to the end", [1000 * ended], "ms", limit=1000),
        Row("scrolling 48,000 pixels: a frame, median", [middle], "ms", limit=20),
        Row("the same, 95th percentile", [slow], "ms", limit=50),
    ]
    return Table(f"The inspector with a run of {_EVENTS:,} events; medians of {times}", ["htmxchat"], rows)


def _live(seconds: int) -> Table:
    with chromium() as browser:
        without, beside = _follow(browser, seconds, inspect=False), _follow(browser, seconds, inspect=True)
    names = ("server CPU, of one core", "the page's main thread is busy", "wire, a second", "the end came late by")
    units = ("%", "%", "KB", "s")
    rows = [Row(name, [a, b], unit) for name, a, b, unit in zip(names, without, beside, units, strict=True)]
    title = f"A live run of {_A_SECOND} events a second, half of them words, for {seconds} s"
    return Table(title, ["turn alone", "with inspector"], rows)


def _follow(browser: Browser, seconds: int, *, inspect: bool) -> tuple[float, float, float, float]:
    with Server("chat") as server, meter(browser) as page_meter:
        page = page_meter.page
        page.goto(f"{server.url}/chat/")
        page.fill("#text", f"stages {_A_SECOND * seconds} {1 / _A_SECOND}")
        page.press("#text", "Enter")
        began = time.perf_counter()
        page.wait_for_selector("article[data-role=assistant][data-state=running]")
        if inspect:
            page.click("a[name=inspect]")
        cpu, busy = server.cpu(), page_meter.task_seconds()
        page.wait_for_selector(_DONE)
        took = time.perf_counter() - began
        return (
            100 * (server.cpu() - cpu) / took,
            100 * (page_meter.task_seconds() - busy) / took,
            page_meter.wire("/stream") / 1000 / took,
            took - seconds,
        )


def _choose(page: Page, kind: str) -> None:
    page.select_option("#inspector-type", kind)


def _timed(page: Page, act: Callable[[], object], until: str) -> float:
    """Return the seconds from an action until something is shown that was not."""
    page.evaluate("until => document.querySelectorAll(until).forEach(it => it.remove())", until)
    began = time.perf_counter()
    act()
    page.wait_for_selector(until)
    return time.perf_counter() - began
