"""Answers from 10 KB to 1 MB, as fast as the agent yields: does twice the text cost twice as much?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from statistics import median

from playwright.sync_api import Browser

from scripts.benchmarks.browser import chromium, meter
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import Server
from scripts.benchmarks.texts import KINDS

SIZES = {"10 KB": 10_000, "30 KB": 30_000, "100 KB": 100_000, "300 KB": 300_000, "1 MB": 1_000_000}
TINY = 100
LIMIT = 1.1
LOADS = 3
LARGE = 300_000  # from here on, once is exact enough


def growth(quick: bool) -> Iterator[Table]:
    """Yield one table for each kind of text."""
    sizes = dict(list(SIZES.items())[: 4 if quick else 5])
    times = 1 if quick else 3
    with Server("chat") as server, chromium() as browser:
        for kind in KINDS:
            yield _grow(browser, server, kind, sizes, times)


def _grow(browser: Browser, server: Server, kind: str, sizes: dict[str, int], times: int) -> Table:
    cpu, wire, frames, load = _columns(_serve(server, kind, size, times) for size in (TINY, *sizes.values()))
    task, show = _columns(_show(browser, server, kind, size, times) for size in (TINY, *sizes.values()))
    return Table(
        f"Growth, {kind}, as fast as it comes (exponent over the last three sizes, less what 100 bytes cost)",
        [*sizes, "exponent"],
        [
            _row("server CPU time", "s", cpu, sizes, LIMIT),
            _row("bytes on the wire", "KB", wire, sizes, LIMIT),
            Row("messages", [*frames[1:], None]),
            _row("GET of the conversation", "s", load, sizes, LIMIT),
            _row("browser task time, watching", "s", task, sizes, LIMIT),
            _row("browser task time, opening it later", "s", show, sizes, LIMIT),
        ],
        "^",
    )


def exponent(sizes: list[int], costs: list[float]) -> float:
    """Return the slope of the line through the logarithms: 1 when the cost doubles with the size, 2 when it squares."""
    points = [(math.log(size), math.log(cost)) for size, cost in zip(sizes, costs, strict=True)]
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum((x - x_mean) ** 2 for x, _ in points)


def _row(name: str, unit: str, costs: tuple[float, ...], sizes: dict[str, int], limit: float) -> Row:
    tiny, *rest = costs
    own = [cost - tiny for cost in rest[-3:]]
    # A cost that hardly differs from that of a tiny answer says nothing about growth.
    slope = exponent(list(sizes.values())[-3:], own) if min(own) > tiny / 4 else None
    return Row(name, [*rest, slope], unit, limit=limit, judged=len(rest))


def _columns(rows: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    return list(zip(*rows, strict=True))


def _serve(server: Server, kind: str, size: int, times: int) -> tuple[float, ...]:
    runs = []
    for _ in range(times if size < LARGE else 1):
        cpu = server.cpu()
        conversation, stream = server.ask(f"text {size} {kind}")
        streamed = server.follow(stream)
        cpu = server.cpu() - cpu
        seconds = min(server.get(conversation)[1] for _ in range(LOADS))
        runs.append((cpu, streamed.wire / 1000, streamed.messages, seconds))
    return tuple(median(values) for values in zip(*runs, strict=True))


def _show(browser: Browser, server: Server, kind: str, size: int, times: int) -> tuple[float, ...]:
    runs = [_watch(browser, server, kind, size) for _ in range(times if size < LARGE else 1)]
    return tuple(median(values) for values in zip(*runs, strict=True))


def _watch(browser: Browser, server: Server, kind: str, size: int) -> tuple[float, float]:
    """Return the task time of watching an answer, and of opening its conversation afterwards."""
    with meter(browser) as page_meter:
        page = page_meter.page
        page.goto(f"{server.url}/chat/")
        page.wait_for_load_state("networkidle")
        page.fill("#composer textarea", f"text {size} {kind}")
        task = page_meter.task_seconds()
        page.press("#composer textarea", "Enter")
        page_meter.wait_for_end()
        watching = page_meter.task_seconds() - task
        address = page.url
    with meter(browser) as page_meter:
        page_meter.page.goto(address)
        page_meter.page.wait_for_load_state("networkidle")
        return watching, page_meter.task_seconds()
