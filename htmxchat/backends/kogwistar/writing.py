"""What transactions on conversations, turns and runs are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, select, update

from ...cleaning import one_line, searchable
from ...events import RunEvent
from ...models import Run, RunState
from ...view import compact, fold
from . import logs
from . import tables as t

TITLE_LENGTH = 80
UNTITLED = "Conversation from elsewhere"


def add(db: Connection, user_id: str, id: str, text: str, at: datetime, *, verified: bool = True) -> None:
    title = one_line(text, TITLE_LENGTH)
    values = {"title": title or UNTITLED, "folded": searchable(title), "titled": bool(title), "verified": verified}
    db.execute(insert(t.conversations).values(id=id, user_id=user_id, created_at=at, updated_at=at, **values))


def add_turn(db: Connection, conversation_id: str, id: str, text: str, place: int, at: datetime) -> None:
    """Add what a user wrote. The first names a conversation that has no name."""
    values = {"conversation_id": conversation_id, "id": id, "place": place, "text": text, "created_at": at}
    db.execute(insert(t.turns).values(**values, folded=searchable(text)))
    nameless = and_(t.conversations.c.id == conversation_id, t.conversations.c.titled.is_(False))
    if title := one_line(text, TITLE_LENGTH):
        db.execute(update(t.conversations).where(nameless).values(title=title, folded=searchable(title), titled=True))


def lock(db: Connection, id: str) -> int:
    """Lock a conversation and return the last place that is taken."""
    db.execute(update(t.conversations).where(t.conversations.c.id == id).values(id=id))
    last = select(func.max(t.turns.c.place)).where(t.turns.c.conversation_id == id)
    other = select(func.max(t.runs.c.place)).where(t.runs.c.conversation_id == id)
    return max(db.scalar(last) or 0, db.scalar(other) or 0)


def tick(db: Connection, id: str) -> datetime:
    """Set a locked conversation's time, forward even if the clock went back."""
    this = t.conversations.c.id == id
    before: datetime = db.execute(select(t.conversations.c.updated_at).where(this)).scalar_one()
    at = max(logs.now(), before + timedelta(microseconds=1))
    db.execute(update(t.conversations).where(this).values(updated_at=at))
    return at


def ended(log: Sequence[RunEvent]) -> dict[str, Any]:
    """Return the columns of a run that has ended with this log."""
    view = fold(log)
    columns = {"log": logs.write(log), "shown": logs.write(compact(log), raw=False), "state": view.state.value}
    return {**columns, "text": view.text, "folded": searchable(view.text), "active": None, "request": None}


def to_run(row: Row[Any], user_id: str, state: RunState | None = None) -> Run:
    return Run(row.id, row.conversation_id, user_id, row.turn_id, state or RunState(row.state), row.created_at)
