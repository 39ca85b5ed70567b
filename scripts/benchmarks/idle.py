"""Memory of streams on which nothing happens."""

from __future__ import annotations

import time
from statistics import median

from scripts.benchmarks.crowd import Crowd
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import Server

WARM = 50


def idle(quick: bool) -> list[Table]:
    """Measure a run that is silent, beside a bare `StreamingResponse` that sends nothing."""
    count, times = (300, 1) if quick else (3_000, 3)
    chat = median(_chat(count) for _ in range(times))
    raw = median(_raw(count) for _ in range(times))
    row = Row("memory of one stream", [chat / 1000, raw / 1000], "KB", limit=30)
    return [Table(f"{count:,} idle streams; median of {times}", ["htmxchat", "raw Starlette"], [row])]


def _chat(count: int) -> float:
    with Server("chat") as server:
        _, stream = server.ask("silent")
        return _memory(server, stream, count)


def _raw(count: int) -> float:
    with Server("bare") as server:
        return _memory(server, "/idle", count)


def _memory(server: Server, path: str, count: int) -> float:
    with Crowd(server.port, path, WARM, hold=True):
        before = _settled(server)
        with Crowd(server.port, path, count, hold=True):
            return (_settled(server) - before) / count


def _settled(server: Server) -> int:
    time.sleep(2)
    return server.memory()
