"""What the list costs a user who has 10,000 conversations: shown, searched, pinned, archived."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, text

from htmxchat import Store
from htmxchat.store import tables as t
from htmxchat.text.cleaning import searchable
from scripts.benchmarks.report import Row, Table
from tests.servers import Postgres, postgres_binaries

CONVERSATIONS, ANSWER = 10_000, 1_000  # characters an answer
LIMIT = 50.0  # ms
_WORDS = [f"{a}{b}{c}" for a in "bcdfgklmnprst" for b in ("an", "el", "ir", "os", "um") for c in "adeilnorsty"]
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def history(quick: bool) -> list[Table]:
    """Measure with a SQLite file, and with PostgreSQL where it is; the store alone, medians."""
    count, times = (2_000, 7) if quick else (CONVERSATIONS, 25)
    columns: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        columns["SQLite file"] = asyncio.run(_measure(f"sqlite:///{Path(folder) / 'chat.db'}", count, times))
    if binaries := postgres_binaries():
        server = Postgres(binaries)
        try:
            server.start()
            columns["PostgreSQL"] = asyncio.run(_measure(server.url, count, times))
        finally:
            server.remove()
    rows = []
    for name in columns["SQLite file"]:
        values = [each[name] for each in columns.values()]
        rows.append(Row(name, values, "ms", limit=LIMIT, judged=max(range(len(values)), key=values.__getitem__)))
    return [Table(f"{count:,} conversations of a user, each with an answer of {ANSWER:,} characters", [*columns], rows)]


async def _measure(url: str, count: int, times: int) -> dict[str, float]:
    store = Store(url)
    await store.open()
    ids = await store.database.write(lambda db: _fill(db, count))
    await store.database.write(_analyze)
    chats, pick = store.conversations, random.Random(1)
    archived = await chats.list_archived("ann", limit=1)
    page = await chats.list_conversations("ann")
    middle = page
    for _ in range(5):
        middle = await chats.list_conversations("ann", cursor=middle.cursor)

    async def pin() -> None:
        await chats.pin_conversation("ann", pick.choice(ids), True)

    async def archive() -> None:
        await chats.archive_conversation("ann", pick.choice(ids), True)

    work: dict[str, Callable[[], Awaitable[object]]] = {
        "the list": lambda: chats.list_conversations("ann"),
        "older ones, the seventh page": lambda: chats.list_conversations("ann", cursor=middle.cursor),
        "what a page asks every other second": lambda: chats.overview("ann", ids[-1]),
        "the archive": lambda: chats.list_archived("ann"),
        "a search that finds many": lambda: chats.list_conversations("ann", "ana"),
        "a search that finds one": lambda: chats.list_conversations("ann", "needle"),
        "a search that finds nothing": lambda: chats.list_conversations("ann", "qqqq zzzz"),
        "a search of the archive": lambda: chats.list_archived("ann", "needle"),
        "a pin": pin,
        "to archive one": archive,
    }
    assert archived.items and page.items[0].pinned
    found = {name: await _median(each, times) for name, each in work.items()}
    await store.close()
    return found


async def _median(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Return the median in milliseconds, after one that nobody counts."""
    await work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        took.append((time.perf_counter() - began) * 1_000)
    return sorted(took)[times // 2]


def _fill(db: Connection, count: int) -> list[str]:
    """Insert the conversations of one user, a tenth of them archived and twenty pinned, and as many of another's."""
    pick, ids = random.Random(2), []
    for user in "ann", "ben":
        conversations, turns, runs = [], [], []
        for number in range(count):
            id, at = f"{'a' if user == 'ann' else 'b'}{number:031x}", _FIRST + timedelta(minutes=number)
            shelf = -1 if number % 10 == 0 else 1 if number % (count // 20) == 1 else 0
            said, answer = " ".join(pick.choices(_WORDS, k=12)), " ".join(pick.choices(_WORDS, k=ANSWER // 5))
            if number == count // 2 + 1:
                answer += " needle"
            row = {"user_id": user, "title": said[:40], "folded": searchable(said[:40]), "shelf": shelf}
            conversations.append({"id": id, "created_at": at, "updated_at": at, "head": id, **row})
            turns.append({"id": id, "conversation_id": id, "text": said, "folded": searchable(said), "created_at": at})
            run = {"id": id, "conversation_id": id, "turn_id": id, "user_id": user, "state": "completed"}
            log = [[1, at.isoformat(), "TextDelta", {"text": answer}]]
            runs.append({**run, "created_at": at, "text": answer, "folded": searchable(answer), "log": log})
            ids += [id] * (user == "ann" and shelf == 0)
        for table, rows in (t.conversations, conversations), (t.turns, turns), (t.runs, runs):
            db.execute(insert(table), rows)
    return ids


def _analyze(db: Connection) -> None:
    # What a database does by itself in time.
    db.execute(text("ANALYZE"))
