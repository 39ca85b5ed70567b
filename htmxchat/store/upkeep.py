"""Maintenance by an administrator: delete old conversations, export or delete a user's data."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, or_, select

from ..events import JSON
from ..feedback import Feedback
from ..files.sent import encode_file
from ..scripts.encoding import encode_result
from . import feedback, file_rows, rows, script_rows
from . import tables as t
from .database import Database

_AT_ONCE = 200


async def prune(database: Database, older_than: timedelta) -> int:
    """Delete conversations in which nothing has happened for a time."""
    if older_than < timedelta(0):
        raise ValueError("older_than must not be negative")
    here = t.runs.c.conversation_id == t.conversations.c.id
    held = or_(t.runs.c.owner.is_not(None), t.runs.c.waiting.is_(None))
    under_way = exists().where(here, t.runs.c.active == 1, held)
    return await _remove(database, and_(t.conversations.c.updated_at < rows.now() - older_than, ~under_way))


async def delete_user(database: Database, user_id: str) -> int:
    """Delete all data of a user."""
    await database.write(lambda db: db.execute(delete(t.sessions).where(t.sessions.c.user_id == user_id)))
    return await _remove(database, t.conversations.c.user_id == user_id)


async def export_user(database: Database, user_id: str) -> AsyncGenerator[dict[str, JSON], None]:
    """Yield each of a user's conversations as JSON, oldest first."""
    mine = select(t.conversations.c.id).where(t.conversations.c.user_id == user_id)
    ids = await database.read(lambda db: db.scalars(mine.order_by(t.conversations.c.created_at)).all())
    for conversation_id in ids:
        exported = await database.read(partial(_export, conversation_id=conversation_id))
        if exported is not None:
            yield exported


async def _remove(database: Database, condition: ColumnElement[bool]) -> int:
    """Delete conversations in batches, so that other transactions can write in between."""
    removed = 0
    some = select(t.conversations.c.id).where(condition).limit(_AT_ONCE)

    def work(db: Connection) -> int:
        ids = db.scalars(some).all()
        these = t.conversations.c.id.in_(ids)
        script_rows.remove(db, these)
        db.execute(delete(t.conversations).where(these))
        return len(ids)

    while count := await database.write(work):
        removed += count
    return removed


def _export(db: Connection, conversation_id: str) -> dict[str, JSON] | None:
    conversation = db.execute(select(t.conversations).where(t.conversations.c.id == conversation_id)).one_or_none()
    if conversation is None:
        return None
    turns = select(t.turns).where(t.turns.c.conversation_id == conversation_id)
    sent = file_rows.read_sent(db, conversation_id)
    given = feedback.read(db, conversation_id)
    return {
        **_values(conversation, "id", "title", "created_at", "updated_at", "deleted_at", "head"),
        "pinned": conversation.shelf == rows.PINNED,
        "archived": conversation.shelf == rows.ARCHIVED,
        "turns": [
            {
                **_values(turn, "id", "text", "created_at", "follows", "deleted_at"),
                "files": [encode_file(file) for file in sent.get(turn.id, ())],
                "runs": _runs(db, turn.id, given),
            }
            for turn in db.execute(turns.order_by(t.turns.c.created_at, t.turns.c.id)).all()
        ],
        "scripts": [_script(script) for script in script_rows.read(db, conversation_id)],
    }


def _runs(db: Connection, turn_id: str, given: Mapping[str, Feedback]) -> list[Any]:
    names = "id", "state", "created_at", "memory"
    runs = select(*[t.runs.c[name] for name in names]).where(t.runs.c.turn_id == turn_id)
    found = db.execute(runs.order_by(t.runs.c.created_at, t.runs.c.id)).all()
    return [
        {**_values(run, *names), "events": _events(db, run.id), "feedback": _feedback(given.get(run.id))}
        for run in found
    ]


def _feedback(given: Feedback | None) -> dict[str, Any] | None:
    return None if given is None else _values(given, "rating", "comment", "given_at")


def _events(db: Connection, run_id: str) -> list[Any]:
    events = select(t.events).where(t.events.c.run_id == run_id).order_by(t.events.c.seq)
    return [_values(event, "seq", "at", "type", "data") for event in db.execute(events)]


def _script(script: Any) -> dict[str, Any]:
    names = ("id", "run_id", "title", "code", "created_at", "approved_at", "started_at", "ended_at")
    result = None if script.result is None else encode_result(script.result)
    return {**_values(script, *names), "state": script.state.value, "result": result}


def _values(row: Row[Any] | Any, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
