"""One answer of 1,500 words, 5 ms apart, to one browser."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from playwright.sync_api import Browser, Page

from scripts.benchmarks.browser import chromium, meter
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import Server

WORDS, PAUSE = 1_500, 0.005


class Cost(NamedTuple):
    wire: float
    task: float
    cpu: float
    words: float
    messages: float


def streaming(quick: bool) -> list[Table]:
    """Measure plain and Markdown words, beside a page that appends each word as it comes."""
    times = 1 if quick else 3
    with chromium() as browser:
        return [_compare(browser, kind, times) for kind in ("plain", "markdown")]


def _compare(browser: Browser, kind: str, times: int) -> Table:
    title = f"Streaming: {WORDS:,} {kind} words, {PAUSE * 1000:.0f} ms each, one browser; median of {times}"
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder, "chat.db"))
        costs = [
            _median(times, lambda: _chat(browser, kind)),
            _median(times, lambda: _chat(browser, kind, database)),
            _median(times, lambda: _bare(browser, kind)),
        ]
    wire, task, cpu, words, messages = zip(*costs, strict=True)
    return Table(
        title,
        ["htmxchat", "with SQLite", "bare append"],
        [
            Row("bytes on the wire", [size / 1000 for size in wire], "KB", limit=66),
            Row("browser task time", task, "s", limit=3.4),
            Row("server CPU time", cpu, "s", limit=0.5),
            Row("words shown", words, limit=WORDS, exact=True),
            Row("messages", messages),
        ],
    )


def _chat(browser: Browser, kind: str, db: str | None = None) -> Cost:
    with Server("chat", *(["--db", db] if db else [])) as server, meter(browser) as page_meter:
        page = page_meter.page
        page.goto(f"{server.url}/chat/")
        page.wait_for_load_state("networkidle")
        page.fill("#composer textarea", f"words {kind} {WORDS} {PAUSE}")
        cpu, task = server.cpu(), page_meter.task_seconds()
        page.press("#composer textarea", "Enter")
        page_meter.wait_for_end()
        task, cpu = page_meter.task_seconds() - task, server.cpu() - cpu
        shown = _words(page, "article.turn[data-role=assistant] .turn-body")
        return Cost(page_meter.wire("/stream"), task, cpu, shown, page_meter.messages())


def _bare(browser: Browser, kind: str) -> Cost:
    with Server("bare") as server, meter(browser) as page_meter:
        page = page_meter.page
        page.goto(f"{server.url}/page/{kind}/{WORDS}/{PAUSE}")
        page.wait_for_load_state("networkidle")
        page.evaluate("document.addEventListener('end', () => { document.title = 'ended' }, true)")
        cpu, task = server.cpu(), page_meter.task_seconds()
        page.dispatch_event("#answer", "begin")
        page.wait_for_function("document.title === 'ended'", polling=100)
        task, cpu = page_meter.task_seconds() - task, server.cpu() - cpu
        return Cost(page_meter.wire("/stream"), task, cpu, _words(page, "#answer"), page_meter.messages())


def _words(page: Page, selector: str) -> int:
    """Return how many words stand there, in order and each once."""
    found = re.findall(r"word(\d+)", page.locator(selector).last.inner_text())
    return len(found) if found == [str(number) for number in range(len(found))] else 0


def _median(times: int, measure: Callable[[], Cost]) -> Cost:
    runs = [measure() for _ in range(times)]
    return Cost(*(median(values) for values in zip(*runs, strict=True)))
