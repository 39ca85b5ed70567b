"""Notices of a transaction to other processes, by PostgreSQL's NOTIFY.

A notice only says what to read again. Processes also poll now and then, so a lost notice does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from sqlalchemy import Connection, func, select

CHANNEL = "htmxchat"
_KEY = "htmxchat notices"
_MAX_LENGTH = 7_500  # PostgreSQL takes up to 8,000 bytes


class Notice(Enum):
    """What happened to a run.

    - `LOG`: it has more events.
    - `ANSWER`: the request it waits for was answered.
    - `STOP`: it was asked to stop.
    - `RELEASED`: any process may claim it.
    """

    LOG = "log"
    ANSWER = "answer"
    STOP = "stop"
    RELEASED = "released"


def note(db: Connection, notice: Notice, run_ids: Iterable[str]) -> None:
    """Record a notice, to be sent with this transaction's commit."""
    db.info.setdefault(_KEY, {}).setdefault(notice, set()).update(run_ids)


def reset(db: Connection) -> None:
    """Drop the notices of an earlier transaction on this connection, which was rolled back."""
    db.info.pop(_KEY, None)


def send(db: Connection) -> None:
    """Send the recorded notices in one statement. PostgreSQL delivers them at the commit."""
    noted: dict[Notice, set[str]] = db.info.pop(_KEY, {})
    if noted and db.dialect.name == "postgresql":
        payloads = (_encode(notice, run_ids) for notice, run_ids in noted.items())
        db.execute(select(*(func.pg_notify(CHANNEL, payload) for payload in payloads)))


def decode(payload: str) -> tuple[Notice, frozenset[str] | None] | None:
    """Return a notice and the runs it concerns (`None`: any run), or `None` if the payload is not a notice."""
    word, *run_ids = payload.split(" ")
    try:
        notice = Notice(word)
    except ValueError:
        return None
    return notice, frozenset(run_ids) or None


def _encode(notice: Notice, run_ids: Iterable[str]) -> str:
    payload = " ".join([notice.value, *sorted(run_ids)])
    return payload if len(payload) <= _MAX_LENGTH else notice.value
