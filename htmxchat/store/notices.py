"""What a transaction tells other processes, on databases that can: PostgreSQL, by NOTIFY.

A notice only says where to look. Anyone who misses one finds out by looking now and then.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from sqlalchemy import Connection, func, select

CHANNEL = "htmxchat"
_KEY = "htmxchat notices"
_MAX_LENGTH = 7_500  # PostgreSQL takes up to 8,000 bytes


class Notice(Enum):
    """What has happened to a run.

    - `LOG`: it has more events.
    - `ANSWER`: what it waits for was answered.
    - `STOP`: it is to stop.
    - `LEFT`: any process may claim it.
    """

    LOG = "log"
    ANSWER = "answer"
    STOP = "stop"
    LEFT = "left"


def note(db: Connection, notice: Notice, run_ids: Iterable[str]) -> None:
    """Tell it when this transaction is committed."""
    db.info.setdefault(_KEY, {}).setdefault(notice, set()).update(run_ids)


def forget(db: Connection) -> None:
    """Begin a transaction: what an earlier one on this connection would have told is void."""
    db.info.pop(_KEY, None)


def send(db: Connection) -> None:
    """Tell what was noted: one statement, whatever that was. No one hears of it before the commit."""
    noted: dict[Notice, set[str]] = db.info.pop(_KEY, {})
    if noted and db.dialect.name == "postgresql":
        payloads = (_encode(notice, run_ids) for notice, run_ids in noted.items())
        db.execute(select(*(func.pg_notify(CHANNEL, payload) for payload in payloads)))


def decode(payload: str) -> tuple[Notice, frozenset[str] | None] | None:
    """Return a notice and the runs that it is about, `None` for any of them; nothing when it is no notice."""
    word, *run_ids = payload.split(" ")
    try:
        notice = Notice(word)
    except ValueError:
        return None
    return notice, frozenset(run_ids) or None


def _encode(notice: Notice, run_ids: Iterable[str]) -> str:
    payload = " ".join([notice.value, *sorted(run_ids)])
    return payload if len(payload) <= _MAX_LENGTH else notice.value
