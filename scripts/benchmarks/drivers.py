"""What the store's work costs with each async driver for PostgreSQL that is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import ROOT
from tests.servers import Postgres, postgres_binaries

DRIVERS = ("asyncpg", "psycopg")
WORK = ("start a run", "append the batches of 50 runs", "read news of 50 runs, four events each", "the same, no news")


def drivers(quick: bool) -> list[Table]:
    """Measure a process of the store alone, and PostgreSQL on the same machine. No table without PostgreSQL."""
    there = [driver for driver in DRIVERS if find_spec(driver)]
    if (binaries := postgres_binaries()) is None or not there:
        print("No PostgreSQL, or no driver for it: nothing was measured of drivers.\n", file=sys.stderr)
        return []
    server = Postgres(binaries)
    try:
        server.start()
        found = [_measure(server.url.replace("asyncpg", driver), 20 if quick else 100) for driver in there]
    finally:
        server.remove()
    cpu = Table("PostgreSQL, CPU time of the store's process for each", there)
    wall = Table("PostgreSQL, until it is done", there)
    for work in WORK:
        cpu.rows.append(Row(work, [each[work]["cpu"] for each in found], "ms"))
        wall.rows.append(Row(work, [each[work]["wall"] for each in found], "ms"))
    return [cpu, wall]


def _measure(url: str, count: int) -> dict[str, dict[str, float]]:
    command = [sys.executable, "-m", "scripts.benchmarks.drivers_process", url, str(count)]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    measured: dict[str, dict[str, float]] = json.loads(out)
    return measured
