"""Many runs in one process: those that wait for their users, and those that write."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import ROOT

WAITING = 300


def runs(quick: bool) -> list[Table]:
    """Measure in memory and with a SQLite file; the backend alone, without pages."""
    columns = ["in memory", "SQLite file"]
    shares = [_measure("waiting", WAITING, file)["share"] for file in (False, True)]
    waiting = Table(f"{WAITING} runs that wait for their users, nobody looking", columns)
    waiting.rows.append(Row("share of a core", shares, "%", limit=1))
    live = Table("Runs that write 50 times a second, a reader each", columns)
    for count in (50,) if quick else (50, 100, 200):
        found = [_measure("live", count, file) for file in (False, True)]
        live.rows.append(Row(f"{count} runs: delay, 95th percentile", [each["p95"] for each in found], "ms", limit=150))
        live.rows.append(Row(f"{count} runs: share of a core", [each["share"] for each in found], "%"))
    return [waiting, live]


def _measure(what: str, count: int, file: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/chat.db" if file else ""
        command = [sys.executable, "-m", "scripts.benchmarks.runs_process", what, str(count), url]
        out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    measured: dict[str, float] = json.loads(out)
    return measured
