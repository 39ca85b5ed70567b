"""The empty page, with nothing in the browser's cache."""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Browser

from scripts.benchmarks.browser import chromium, meter
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import Server

_TIMES = """() => {
  const { domContentLoadedEventEnd, loadEventEnd } = performance.getEntriesByType('navigation')[0]
  return [domContentLoadedEventEnd, loadEventEnd]
}"""


def first_load(quick: bool) -> list[Table]:
    times = 3 if quick else 9
    with chromium() as browser, Server("chat") as server:
        runs = [_load(browser, server) for _ in range(times)]
    wire, requests, hosts, ready, load = (median(values) for values in zip(*runs, strict=True))
    rows = [
        Row("bytes on the wire", [wire / 1000], "KB", limit=55),
        Row("requests", [requests], limit=12),
        Row("other hosts", [hosts], limit=0, exact=True),
        Row("DOMContentLoaded", [ready], "ms"),
        Row("load", [load], "ms"),
    ]
    return [Table(f"First load of the empty page, nothing cached; median of {times}", ["htmxchat"], rows)]


def _load(browser: Browser, server: Server) -> tuple[float, ...]:
    with meter(browser) as page_meter:
        page_meter.page.goto(f"{server.url}/chat/")
        page_meter.page.wait_for_load_state("networkidle")
        ready, load = page_meter.page.evaluate(_TIMES)
        hosts = page_meter.other_hosts(f"127.0.0.1:{server.port}")
        return page_meter.wire(), page_meter.requests(), hosts, ready, load
