"""Many runs in one process: those that wait for their users, and those that write."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import ROOT
from tests.servers import Postgres, postgres_binaries

WAITING = 300


def runs(quick: bool) -> list[Table]:
    """Measure in memory, with a SQLite file, and with PostgreSQL where it is; the backend alone, without pages."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        places = {"in memory": None, "SQLite file": folder}
        if binaries := postgres_binaries():
            server = Postgres(binaries)
            stack.callback(server.remove)
            server.start()
            places["PostgreSQL"] = server.url
        waiting = Table(f"{WAITING} runs that wait for their users, nobody looking", list(places))
        shares = [_measure("waiting", WAITING, place)["share"] for place in places.values()]
        waiting.rows.append(Row("share of a core", shares, "%", limit=1))
        live = Table("Runs that write 50 times a second, a reader each", list(places))
        for count in (50,) if quick else (50, 100, 200):
            found = [_measure("live", count, place) for place in places.values()]
            name = f"{count} runs: delay, 95th percentile"
            live.rows.append(Row(name, [each["p95"] for each in found], "ms", limit=150))
            live.rows.append(Row(f"{count} runs: share of a core", [each["share"] for each in found], "%"))
        return [waiting, live]


def _measure(what: str, count: int, place: str | None) -> dict[str, float]:
    """Measure in a process of its own; every SQLite file is a new one."""
    url = place or ""
    if place and "://" not in place:
        url = f"sqlite:///{tempfile.mkdtemp(dir=Path(place))}/chat.db"
    command = [sys.executable, "-m", "scripts.benchmarks.runs_process", what, str(count), url]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    measured: dict[str, float] = json.loads(out)
    return measured
