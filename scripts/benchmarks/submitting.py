"""Many people who send a message at once, to three processes behind nginx, on one PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from random import Random
from statistics import quantiles

from scripts.benchmarks.report import Row, Table
from tests.fleet.conversation import Conversation
from tests.fleet.site import Site
from tests.servers import Postgres, nginx_program, postgres_binaries

PEOPLE, WORDS, RATE = 60, 100, 20.0


def submitting(quick: bool) -> list[Table]:
    """Measure the first messages after a start, and later ones. No table without nginx and PostgreSQL."""
    nginx, binaries = nginx_program(), postgres_binaries()
    if nginx is None or binaries is None:
        print("No nginx or no PostgreSQL: nothing was measured of messages sent at once.\n", file=sys.stderr)
        return []
    database = Postgres(binaries)
    try:
        database.start()
        with tempfile.TemporaryDirectory() as folder, Site(Path(folder), database, nginx) as site:
            first = asyncio.run(_send(site, 0))
            later = [each for wave in range(1, 2 if quick else 4) for each in asyncio.run(_send(site, wave))]
    finally:
        database.remove()
    table = Table(
        f"{PEOPLE} people send a message at once, to 3 processes behind nginx: {WORDS} words, {RATE:g} a second",
        ["after a start", "later"],
    )
    for name, cut, limit in (("median", 9, None), ("95th percentile", 18, 400)):
        values = [1000 * quantiles(seconds, n=20, method="inclusive")[cut] for seconds in (first, later)]
        table.rows.append(Row(f"from sending to the answer of the server, {name}", values, "ms", limit=limit))
    return [table]


async def _send(site: Site, wave: int) -> list[float]:
    """Return how many seconds each message took. Everyone reads the answer to its end."""
    people = [Conversation(f"wave-{wave}-{number}", "resumable", WORDS, RATE) for number in range(PEOPLE)]
    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        for each in people:
            tasks.create_task(each.take_part(site.nginx.port, Random()))
    return [(each.taken or 0.0) - each.sent for each in people]
