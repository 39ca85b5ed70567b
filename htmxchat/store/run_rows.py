"""Functions over one connection, from which the store's transactions on runs are built.

A transaction that writes a conversation and a run locks the conversation first: the other order can deadlock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, insert, select, update

from ..agent import Checkpoint, Pinned, Remember
from ..compaction import compact
from ..errors import Busy, TooManyRuns
from ..events import (
    JSON,
    EventBody,
    InputAnswered,
    InputRequested,
    Outcome,
    RunEnded,
    RunEvent,
    RunStarted,
    ScriptFinished,
    ScriptProposed,
    encode_body,
)
from ..models import Run, RunState
from ..text.cleaning import clean_json, searchable
from ..view import fold
from . import notices, rows, script_rows
from . import tables as t
from .notices import Notice

_INSERT_EVENTS = insert(t.events)
_OF_RUN = update(t.runs).where(t.runs.c.id == bindparam("run"))
_KEEP_CHECKPOINT = _OF_RUN.values(checkpoint=bindparam("reached"), checkpoint_seq=bindparam("reached_seq"), deaths=0)
_PINNED = -1  # instead of a number: no other process can resume the run
_PIN = _OF_RUN.values(checkpoint_seq=_PINNED)
_KEEP_MEMORY = _OF_RUN.values(memory=bindparam("remembered"))
_END = _OF_RUN.values(
    state=bindparam("ended"),
    active=None,
    checkpoint=None,
    log=bindparam("whole"),
    text=bindparam("shown"),
    folded=bindparam("found"),
)
_BEFORE = t.runs.alias()
MEMORIES = "answered_by", "memory", "memories"
_WHOSE = "id", "owner", "active", "stop_requested", "agent", "checkpoint_seq", "deaths", "waiting"
_LOCK = (
    select(*[t.runs.c[name] for name in _WHOSE])
    .where(t.runs.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(t.runs.c.id)
    .with_for_update()
)


def awaited(db: Connection, run_id: str) -> str | None:
    """Return the id of the request that a run waits for."""
    kinds = t.events.c.type.in_([InputRequested.__name__, InputAnswered.__name__])
    this = select(t.events.c.type, t.events.c.data).where(t.events.c.run_id == run_id, kinds)
    last = db.execute(this.order_by(t.events.c.seq.desc()).limit(1)).one_or_none()
    if last is None or last.type == InputAnswered.__name__:
        return None
    request_id: str = last.data["request_id"]
    return request_id


def check_idle(db: Connection, conversation_id: str) -> None:
    """Raise if a conversation has an active run.

    Raises:
        Busy: It has one.
    """
    live = select(t.runs.c.id).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
    if db.scalar(live) is not None:
        raise Busy


def begin(db: Connection, run: Run, owner: str, agent: str | None) -> RunEvent:
    """Insert an active run with its first event and make it the head of a locked conversation without an active run.

    An archived conversation comes back into the list.
    """
    values: dict[str, Any] = {"id": run.id, "conversation_id": run.conversation_id, "turn_id": run.turn_id}
    values |= {"user_id": run.user_id, "state": run.state.value, "created_at": run.created_at, "active": 1}
    values |= {"answered_by": run.agent or None, **_remembered(db, run)}
    db.execute(insert(t.runs).values(**values, owner=owner, agent=agent))
    this = t.conversations.c.id == run.conversation_id
    back = case((t.conversations.c.shelf == rows.ARCHIVED, rows.LISTED), else_=t.conversations.c.shelf)
    db.execute(update(t.conversations).where(this).values(head=run.id, updated_at=run.created_at, shelf=back))
    event = RunEvent(1, run.created_at, RunStarted(run.agent))
    insert_events(db, {run.id: [event]})
    return event


def _remembered(db: Connection, run: Run) -> dict[str, Any]:
    """Return the memories with which a run begins: its agent's, and those of the others on its branch."""
    before = select(_BEFORE).join(t.turns, t.turns.c.follows == _BEFORE.c.id).where(t.turns.c.id == run.turn_id)
    if not run.agent:
        same = before.where(_BEFORE.c.answered_by.is_(None))
        return {"memory": same.with_only_columns(_BEFORE.c.memory).scalar_subquery()}
    row = db.execute(before.with_only_columns(*[_BEFORE.c[each] for each in MEMORIES])).one_or_none()
    memories = memories_of(row) if row is not None else {}
    return {"memory": memories.pop(run.agent, None), "memories": memories or None}


def memories_of(run: Any) -> dict[str, JSON]:
    """Return what the agents remember after a run, by their names; an agent without a name is called ""."""
    memories = {**(run.memories or {}), (run.answered_by or ""): run.memory}
    return {name: memory for name, memory in memories.items() if memory is not None}


def check_number(db: Connection, begun: Run, most: int) -> None:
    """Raise if the user of a new run now has too many active runs.

    Raises:
        TooManyRuns: The user has more than `most`; the transaction is rolled back.
    """
    if db.dialect.name == "postgresql":
        # Two runs that begin at once would not see each other. Databases with one writer do not need this lock.
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


def request_stop(db: Connection, run_id: str) -> None:
    """Ask the process of a run to stop it. A run without an owner ends at once."""
    conversations = lock_conversations_of(db, [run_id])
    for run in lock_runs(db, [run_id]):
        if run.active and run.owner is None:
            finish(db, run_id, conversations[run_id], RunEnded(Outcome.CANCELLED))
        elif run.active:
            this = t.runs.c.id == run_id
            db.execute(update(t.runs).where(this).values(stop_requested=True, state=RunState.STOPPING.value))
            notices.note(db, Notice.STOP, [run_id])


def insert_events(db: Connection, logs: Mapping[str, Sequence[RunEvent]], *, again: bool = False) -> None:
    """Insert events of several runs; `again` if an earlier attempt may have written some of them.

    The rows of answers that these events contain are deleted.
    """
    last: dict[str, int] = {}
    if again:
        this = select(t.events.c.run_id, func.max(t.events.c.seq)).where(t.events.c.run_id.in_(logs))
        last = {run_id: seq for run_id, seq in db.execute(this.group_by(t.events.c.run_id)).all()}
    new = []
    for run_id, events in logs.items():
        for event in events:
            if event.seq <= last.get(run_id, 0):
                continue
            name, data = encode_body(event.body)
            values = {"seq": event.seq, "at": event.at, "type": name, "data": data, "raw": event.raw}
            new.append({"run_id": run_id, **values})
            _note_effects(db, run_id, event.body)
    if new:
        db.execute(_INSERT_EVENTS, new)
        notices.note(db, Notice.LOG, logs)


def _note_effects(db: Connection, run_id: str, body: EventBody) -> None:
    """Apply an event's effects outside the log: on answers, the queue of scripts, and what the run waits for."""
    match body:
        case InputRequested(request_id=request_id):
            db.execute(update(t.runs).where(t.runs.c.id == run_id).values(waiting=request_id))
        case ScriptProposed():
            this = t.runs.c.id == run_id
            conversation_id = db.execute(select(t.runs.c.conversation_id).where(this)).scalar_one()
            script_rows.propose(db, conversation_id, run_id, body)
            if body.awaited:
                db.execute(update(t.runs).where(this).values(waiting=body.script_id))
        case InputAnswered(request_id=request_id) | ScriptFinished(script_id=request_id):
            used = and_(t.answers.c.run_id == run_id, t.answers.c.request_id == request_id)
            db.execute(delete(t.answers).where(used))
            this = t.runs.c.id == run_id
            db.execute(update(t.runs).where(this, t.runs.c.waiting == request_id).values(waiting=None))


def keep_checkpoints(db: Connection, checkpoints: Mapping[str, tuple[Checkpoint | Pinned, int]]) -> None:
    """Store checkpoints and pins: one statement for all of each."""
    pinned = [{"run": run_id} for run_id, (note, _) in checkpoints.items() if isinstance(note, Pinned)]
    values = [
        {"run": run_id, "reached": clean_json(note.state), "reached_seq": seq}
        for run_id, (note, seq) in checkpoints.items()
        if isinstance(note, Checkpoint)
    ]
    if pinned:
        db.execute(_PIN, pinned)
    if values:
        db.execute(_KEEP_CHECKPOINT, values)


def can_resume(run: Any) -> bool:
    """Return whether another process can resume a run now."""
    return run.agent is not None and run.checkpoint_seq != _PINNED


def keep_memories(db: Connection, memories: Mapping[str, Remember]) -> None:
    """Store the memories of runs, in one statement."""
    if memories:
        values = [{"run": run_id, "remembered": clean_json(note.memory)} for run_id, note in memories.items()]
        db.execute(_KEEP_MEMORY, values)


def lock_conversations_of(db: Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """Lock the conversations of runs; return their ids by run id."""
    these = select(t.runs.c.id, t.runs.c.conversation_id).where(t.runs.c.id.in_(run_ids))
    found = {row.id: row.conversation_id for row in db.execute(these)}
    lock = select(t.conversations.c.id).where(t.conversations.c.id.in_(set(found.values())))
    db.execute(lock.order_by(t.conversations.c.id).with_for_update()).all()
    return found


def lock_runs(db: Connection, run_ids: Sequence[str]) -> Sequence[Any]:
    """Lock runs, and return their rows."""
    return db.execute(_LOCK, {"ids": run_ids}).all()


def finish(db: Connection, run_id: str, conversation_id: str, outcome: RunEnded) -> None:
    """End a locked active run in place of its process."""
    events = rows.read_events(db, run_id, 0)
    last = RunEvent(events[-1].seq + 1, rows.now(), outcome)
    insert_events(db, {run_id: [last]})
    end(db, {run_id: compact([*events, last])}, {run_id: conversation_id})
    db.execute(update(t.runs).where(t.runs.c.id == run_id).values(owner=None))


def end(db: Connection, logs: Mapping[str, Sequence[RunEvent]], conversations: Mapping[str, str]) -> None:
    """End locked active runs; the number of statements does not depend on the number of runs.

    Args:
        logs: All events of each run, compacted; the last is `RunEnded`.
        conversations: The id of each run's conversation, which is locked.
    """
    if not logs:
        return
    db.execute(_END, [_ended(run_id, log) for run_id, log in logs.items()])
    script_rows.withdraw(db, [run_id for run_id, log in logs.items() if _proposes(log)])
    rows.tick(db, {conversations[run_id]: log[-1].at for run_id, log in logs.items()})


def _proposes(log: Sequence[RunEvent]) -> bool:
    return any(isinstance(event.body, ScriptProposed) for event in log)


def _ended(run_id: str, log: Sequence[RunEvent]) -> dict[str, Any]:
    last = log[-1].body
    assert isinstance(last, RunEnded)
    text = fold(log).text
    state = RunState.after(last.outcome).value
    return {"run": run_id, "ended": state, "whole": write_log(log), "shown": text, "found": searchable(text)}


def write_log(log: Sequence[RunEvent]) -> list[Any]:
    """Return a compacted log as stored in the run's row."""
    return [[event.seq, event.at.isoformat(), *encode_body(event.body)] for event in log]
