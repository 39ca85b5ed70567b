"""What the store's transactions on runs are made of. Where one writes a conversation and a run, the conversation comes
first: the other order can deadlock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from ..cleaning import searchable
from ..errors import Busy, TooManyRuns
from ..events import (
    EventBody,
    InputAnswered,
    InputRequested,
    RunEnded,
    RunEvent,
    RunStarted,
    ScriptFinished,
    ScriptProposed,
    encode_body,
)
from ..models import Run, RunState
from ..view import fold
from . import rows, script_rows
from . import tables as t

_INSERT_EVENTS = insert(t.events)


def awaited(db: Connection, run_id: str) -> str | None:
    """Return the id of the request that a run waits for."""
    kinds = t.events.c.type.in_([InputRequested.__name__, InputAnswered.__name__])
    this = select(t.events.c.type, t.events.c.data).where(t.events.c.run_id == run_id, kinds)
    last = db.execute(this.order_by(t.events.c.seq.desc()).limit(1)).one_or_none()
    if last is None or last.type == InputAnswered.__name__:
        return None
    request_id: str = last.data["request_id"]
    return request_id


def begin(db: Connection, user_id: str, conversation_id: str, turn_id: str, owner: str, at: datetime) -> Run:
    """Write a live run and its first event, in a conversation that is locked.

    Raises:
        Busy: The conversation has one.
    """
    live = select(t.runs.c.id).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
    if db.scalar(live) is not None:
        raise Busy
    run = Run(rows.new_id(), conversation_id, user_id, turn_id, RunState.RUNNING, at)
    values: dict[str, Any] = {"id": run.id, "conversation_id": conversation_id, "user_id": user_id}
    values |= {"turn_id": turn_id}
    values |= {"state": run.state.value, "created_at": at, "owner": owner, "alive_at": at, "active": 1}
    db.execute(insert(t.runs).values(**values))
    insert_events(db, run.id, [RunEvent(1, at, RunStarted())])
    return run


def check_number(db: Connection, begun: Run, most: int) -> None:
    """Refuse a run that was just begun where its user has too many.

    Raises:
        TooManyRuns: There would be more than `most`; nothing of this transaction is kept.
    """
    if db.dialect.name == "postgresql":
        # Two that begin at once would not see each other. Databases with one writer need no such lock.
        key = hashlib.sha256(f"{t.runs.name} {begun.user_id}".encode()).digest()[:8]
        db.execute(select(func.pg_advisory_xact_lock(int.from_bytes(key, signed=True))))
    others = (
        select(t.conversations.c.title)
        .join(t.runs, t.runs.c.conversation_id == t.conversations.c.id)
        .where(t.runs.c.user_id == begun.user_id, t.runs.c.active == 1, t.runs.c.id != begun.id)
        .order_by(t.runs.c.created_at.desc())
    )
    titles = db.scalars(others).all()
    if len(titles) >= most:
        raise TooManyRuns(most, titles)


def renew(db: Connection, run_id: str, owner: str) -> bool:
    """Lock a live run and say that its owner is alive. Returns whether it is the owner's."""
    live = and_(t.runs.c.id == run_id, t.runs.c.owner == owner, t.runs.c.active == 1)
    return db.execute(update(t.runs).where(live).values(alive_at=rows.now())).rowcount == 1


def ask_to_stop(db: Connection, run_id: str) -> None:
    live = and_(t.runs.c.id == run_id, t.runs.c.active == 1)
    db.execute(update(t.runs).where(live).values(stop_requested=True, state=RunState.STOPPING.value))


def insert_events(db: Connection, run_id: str, events: Sequence[RunEvent], *, again: bool = False) -> None:
    """Write events; `again` if an earlier try may have written some of them. Answers that they report are used up."""
    last = db.scalar(select(func.max(t.events.c.seq)).where(t.events.c.run_id == run_id)) if again else None
    new = []
    for event in events:
        if last is not None and event.seq <= last:
            continue
        name, data = encode_body(event.body)
        new.append({"run_id": run_id, "seq": event.seq, "at": event.at, "type": name, "data": data, "raw": event.raw})
        _note_effects(db, run_id, event.body)
    if new:
        db.execute(_INSERT_EVENTS, new)


def _note_effects(db: Connection, run_id: str, body: EventBody) -> None:
    """Write what an event changes besides the log: the answers, the queue of scripts, and what the run waits for."""
    this = t.runs.c.id == run_id
    match body:
        case InputRequested(request_id=request_id):
            db.execute(update(t.runs).where(this).values(waiting=request_id))
        case ScriptProposed():
            conversation_id = db.execute(select(t.runs.c.conversation_id).where(this)).scalar_one()
            script_rows.propose(db, conversation_id, run_id, body)
            if body.awaited:
                db.execute(update(t.runs).where(this).values(waiting=body.script_id))
        case InputAnswered(request_id=request_id) | ScriptFinished(script_id=request_id):
            used = and_(t.answers.c.run_id == run_id, t.answers.c.request_id == request_id)
            db.execute(delete(t.answers).where(used))
            db.execute(update(t.runs).where(this, t.runs.c.waiting == request_id).values(waiting=None))


def lock_conversation_of(db: Connection, run_id: str) -> str:
    this = t.conversations.c.id == select(t.runs.c.conversation_id).where(t.runs.c.id == run_id).scalar_subquery()
    db.execute(update(t.conversations).where(this).values(title=t.conversations.c.title))
    return db.scalar(select(t.conversations.c.id).where(this)) or ""


def end(db: Connection, run_id: str, conversation_id: str, log: Sequence[RunEvent]) -> None:
    """Turn a locked live run into one that has ended. `log` has all its events, compacted; the last is `RunEnded`."""
    last = log[-1]
    assert isinstance(last.body, RunEnded)
    text = fold(log).text
    db.execute(
        update(t.runs)
        .where(t.runs.c.id == run_id)
        .values(
            state=RunState.after(last.body.outcome).value,
            active=None,
            log=_write_log(log),
            text=text,
            folded=searchable(text),
        )
    )
    script_rows.withdraw(db, run_id)
    rows.tick(db, conversation_id, last.at)


def _write_log(log: Sequence[RunEvent]) -> list[Any]:
    return [[event.seq, event.at.isoformat(), *encode_body(event.body)] for event in log]
