"""One busy run with many readers."""

from __future__ import annotations

import time

from scripts.benchmarks.crowd import Crowd
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import Server

RATE, READERS = 500, 50


def throughput(quick: bool) -> list[Table]:
    seconds = 4 if quick else 15
    words = RATE * seconds
    with Server("chat") as server:
        began, cpu = time.perf_counter(), server.cpu()
        _, stream = server.ask(f"words markdown {words} {1 / RATE}")
        with Crowd(server.port, stream, READERS) as crowd:
            result = crowd.result()
        took, cpu = time.perf_counter() - began, server.cpu() - cpu
    rows = [
        Row("server CPU, of one core", [100 * cpu / took], "%"),
        Row("server CPU a reader and second", [1000 * cpu / took / READERS], "ms"),
        Row("seconds from the first word to the last reader's end", [took], "s"),
        Row("readers that got the end", [result["ended"]], limit=READERS, exact=True),
        Row("words that every reader got", [result["words"]], limit=words, exact=True),
        Row("bytes on the wire, a reader", [result["wire"] / 1000], "KB"),
    ]
    return [Table(f"{RATE} events a second for {seconds} s, {READERS} readers", ["htmxchat"], rows)]
