"""Functions over one connection, from which the store's transactions on scripts are built.

Before a change, the conversation's scripts are locked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ..errors import NotFound
from ..events import ScriptProposed
from ..scripts.encoding import decode_result, encode_result
from ..scripts.models import FromAgent, FromAnswer, Script, ScriptOrigin
from ..scripts.result import ScriptError, ScriptResult, ScriptState
from ..scripts.states import MAX_CODE, MAX_SCRIPTS, MAX_TITLE, script_id, settle, tidy
from ..text.cleaning import clean_json, clean_text, one_line
from . import notices
from . import tables as t
from .notices import Notice

_COLUMNS = tuple(field.name for field in fields(Script) if field.name != "origin")


def lock(db: Connection, conversation_id: str) -> int:
    """Lock the scripts of a conversation, and return their number."""
    these = _in(select(t.scripts.c.id), conversation_id).order_by(t.scripts.c.id)
    return len(db.execute(these.with_for_update()).all())


def read(db: Connection, conversation_id: str) -> list[Script]:
    """Return the scripts of a conversation in queue order."""
    found = _in(select(t.scripts), conversation_id).order_by(t.scripts.c.position, t.scripts.c.id)
    return [_script(row) for row in db.execute(found)]


def queue_number(conversation_id: Any, now: Any) -> ColumnElement[int]:
    """`states.queue_number` of a conversation's scripts, plus one for each script that `read_settled` would change."""
    c = t.scripts.c
    silent = and_(c.state == ScriptState.RUNNING.value, or_(c.lease_until.is_(None), c.lease_until < now))
    each = 1 + c.revision + cast(c.cleared, Integer) + case((c.awaited, 0), else_=1) + case((silent, 1), else_=0)
    these = c.conversation_id == conversation_id, ~_deleted()
    return select(func.coalesce(func.sum(each), 0)).where(*these).scalar_subquery()


def read_settled(db: Connection, conversation_id: str, now: datetime) -> list[Script]:
    """Return the scripts, after `lock`. Running ones whose page is gone are stored as failed."""
    scripts = []
    for script in read(db, conversation_id):
        settled = settle(script, now)
        if settled is not script:
            save(db, settled)
        scripts.append(settled)
    return scripts


def find(scripts: Sequence[Script], run_id: str, id: str) -> Script:
    for script in scripts:
        if script.id == id and script.run_id == run_id:
            return script
    raise NotFound


def save(db: Connection, script: Script) -> None:
    values = _values(script)
    del values["id"]
    db.execute(update(t.scripts).where(t.scripts.c.id == script.id).values(**values))


def add(
    db: Connection,
    conversation_id: str,
    run_id: str,
    origin: ScriptOrigin,
    code: str,
    title: str,
    *,
    awaited: bool = False,
) -> Script:
    """Insert a script that waits for approval, or return the existing one. An unusable script is stored as rejected."""
    id = script_id(run_id, origin)
    lock(db, conversation_id)
    scripts = read(db, conversation_id)
    for script in scripts:
        if script.id == id:
            return script
    code = tidy(clean_text(code))
    now = datetime.now(UTC)
    script = Script(
        id, conversation_id, run_id, origin, one_line(title, MAX_TITLE), code[:MAX_CODE], ScriptState.QUEUED,
        position=1 + max((each.position for each in scripts), default=0),
        created_at=now,
        awaited=awaited,
    )  # fmt: skip
    if reason := _unusable(code, sum(each.run_id == run_id for each in scripts)):
        refusal = ScriptResult(ScriptState.REJECTED, error=ScriptError("sandbox", reason))
        script = replace(script, state=refusal.state, result=refusal, ended_at=now)
    db.execute(insert(t.scripts).values(**_values(script)))
    return script


def propose(db: Connection, conversation_id: str, run_id: str, body: ScriptProposed) -> Script:
    origin = FromAgent(body.script_id)
    return answer(db, add(db, conversation_id, run_id, origin, body.code, body.title, awaited=body.awaited))


def answer(db: Connection, script: Script) -> Script:
    """Store a finished script's result as the answer for the run that waits for it, once."""
    if not (script.awaited and script.state.over and script.result is not None):
        return script
    waits = select(t.runs.c.id).where(t.runs.c.id == script.run_id, t.runs.c.active.is_not(None))
    if db.scalar(waits) is not None:
        result = clean_json(encode_result(script.result))
        values = {"run_id": script.run_id, "request_id": script.proposal, "answer": result}
        db.execute(insert(t.answers).values(**values))
        notices.note(db, Notice.ANSWER, [script.run_id])
    db.execute(update(t.scripts).where(t.scripts.c.id == script.id).values(awaited=False))
    return replace(script, awaited=False)


def withdraw(db: Connection, run_ids: Collection[str]) -> None:
    """Cancel the scripts that ended runs waited for."""
    if not run_ids:
        return
    now = datetime.now(UTC)
    waiting = [state.value for state in ScriptState if not state.over]
    result = clean_json(encode_result(ScriptResult(ScriptState.CANCELLED)))
    mine = update(t.scripts).where(t.scripts.c.run_id.in_(run_ids), t.scripts.c.awaited)
    over = {"state": ScriptState.CANCELLED.value, "result": result, "ended_at": now, "lease_until": None}
    db.execute(mine.where(t.scripts.c.state.in_(waiting)).values(**over, revision=t.scripts.c.revision + 1))
    db.execute(mine.values(awaited=False))


def clear(db: Connection, conversation_id: str) -> None:
    over = [state.value for state in ScriptState if state.over]
    this = _in(update(t.scripts), conversation_id).where(t.scripts.c.state.in_(over), ~t.scripts.c.elsewhere)
    db.execute(this.values(cleared=True))


def show_only(db: Connection, conversation_id: str, runs: Sequence[str]) -> None:
    """Mark which scripts are on a branch that is not shown, after `lock`; `runs` are those of the shown branch."""
    c, others = t.scripts.c, set(db.scalars(_in(select(t.scripts.c.run_id), conversation_id))) - set(runs)
    for elsewhere, these in (True, c.run_id.in_(others)), (False, c.run_id.not_in(others)):
        changed = _in(update(t.scripts), conversation_id).where(these, c.elsewhere != elsewhere)
        db.execute(changed.values(elsewhere=elsewhere, revision=c.revision + 1))


def remove(db: Connection, conversations: ColumnElement[bool]) -> None:
    """Remove the scripts of the conversations that meet a condition."""
    gone = select(t.conversations.c.id).where(conversations)
    db.execute(delete(t.scripts).where(t.scripts.c.conversation_id.in_(gone)))


def _unusable(code: str, others: int) -> str:
    if not code:
        return "The script is empty."
    if len(code) > MAX_CODE:
        return f"The script has {len(code):,} characters; {MAX_CODE:,} are allowed."
    if others >= MAX_SCRIPTS:
        return f"An answer may have {MAX_SCRIPTS} scripts."
    return ""


def _in(statement: Any, conversation_id: str) -> Any:
    return statement.where(t.scripts.c.conversation_id == conversation_id, ~_deleted())


def _deleted() -> ColumnElement[bool]:
    """The condition for scripts of turns that were deleted."""
    turn = t.runs.join(t.turns, t.turns.c.id == t.runs.c.turn_id)
    gone = select(t.runs.c.id).select_from(turn).where(t.runs.c.id == t.scripts.c.run_id)
    return gone.where(t.turns.c.deleted_at.is_not(None)).exists()


def _values(script: Script) -> dict[str, Any]:
    values = {name: getattr(script, name) for name in _COLUMNS}
    result = None if script.result is None else clean_json(encode_result(script.result))
    match script.origin:
        case FromAgent(script_id=proposal):
            values |= {"proposal": proposal, "block": None}
        case FromAnswer(block=block):
            values |= {"proposal": None, "block": block}
    return {**values, "state": script.state.value, "result": result}


def _script(row: Row[Any]) -> Script:
    values = {name: getattr(row, name) for name in _COLUMNS}
    result = None if row.result is None else decode_result(row.result)
    origin = FromAgent(row.proposal) if row.proposal is not None else FromAnswer(row.block)
    return Script(origin=origin, **{**values, "state": ScriptState(row.state), "result": result})
