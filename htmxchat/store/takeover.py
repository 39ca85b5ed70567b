"""The store's part for runs that outlive their process: who has gone, and who continues with what it has left.

An active run that can continue has no owner while no process has it. The first that claims it continues: one that waits
for the user only once there is an answer, so waiting costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, update

from ..events import JSON, InputAnswered, InputRequested, Outcome, RunEnded, RunEvent, ScriptProposed
from ..files.file import File
from ..models import Run, Turn
from ..scripts.encoding import decode_result
from ..scripts.result import ScriptResult
from . import branches, file_rows, notices, rows, run_rows, script_rows
from . import tables as t
from .database import Database
from .notices import Notice

MAX_DEATHS = 3
SILENT = "The answer was interrupted because its server stopped or lost its database."
FATAL = "The answer was interrupted because several servers stopped while they were writing it."
UNANSWERABLE = "This question can no longer be answered: the server that asked it stopped. Try again to be asked anew."
UNUSABLE = "What comes of the script can no longer be used: the server that waited for it stopped. Try again."


@dataclass(frozen=True, slots=True)
class Left:
    """What others have left.

    Attributes:
        silent: Processes with active runs that have said nothing for some time, and when they last did.
        runs: Runs that anyone who has asked could claim.
    """

    silent: Mapping[str, datetime | None]
    runs: Sequence[str]


@dataclass(frozen=True, slots=True)
class RunContext:
    """What an agent has to know to answer a run, or to continue with it.

    Attributes:
        text: What the user wrote.
        files: What came with it.
        history: The turns before it on its branch.
        attempt: 1 for the first answer to this turn.
        replaced: The answer before this one to the same turn.
        memory: What the run before it on its branch has remembered.
        forks: Whether the answer before it was followed by something else already.
        checkpoint: What the agent said last of where the run can continue.
        checkpoint_seq: The number of the last event before that.
        answers: What was answered since: requests, and scripts that have run, by their ids.
    """

    text: str
    files: tuple[File, ...]
    history: tuple[Turn, ...]
    attempt: int
    replaced: Turn | None
    memory: JSON
    forks: bool
    checkpoint: JSON
    checkpoint_seq: int
    answers: Mapping[str, JSON | ScriptResult]


class Takeover:
    """Runs that change hands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look_for_left(self, me: str, agent: str | None, silent_since: datetime, orphans_since: datetime) -> Left:
        """Return what other processes have left. Two queries of a few rows, however many runs wait.

        Args:
            agent: Whose runs this process can continue with. Those of others are left to them.
            orphans_since: What has been left since before then is anybody's, to be ended.
        """
        last = t.processes.c.alive_at
        silent = (
            select(t.runs.c.owner, last)
            .distinct()
            .outerjoin(t.processes, t.processes.c.id == t.runs.c.owner)
            .where(t.runs.c.active == 1, t.runs.c.owner != me, or_(last.is_(None), last < silent_since))
        )
        claimable = select(t.runs.c.id).where(_claimable(agent, orphans_since)).order_by(t.runs.c.released_at)

        def work(db: Connection) -> Left:
            return Left({row.owner: row.alive_at for row in db.execute(silent)}, db.scalars(claimable).all())

        return await self._database.read(work, reserved=True)

    async def give_up_process(self, owner: str, alive_at: datetime | None) -> tuple[int, int]:
        """Release the active runs of a process that is gone, or end those with which no one can continue.

        They end as cancelled if they were asked to stop, else as failed. One that can continue and was asked to stop is
        released too: anyone who claims it knows whether someone else has to be told of the stop.

        Args:
            alive_at: The process's last sign of life.

        Returns:
            How many were ended, and how many released; none if there is a newer sign of life.
        """

        def work(db: Connection) -> tuple[int, int]:
            these = and_(t.runs.c.owner == owner, t.runs.c.active == 1)
            ids = db.scalars(select(t.runs.c.id).where(these).order_by(t.runs.c.id)).all()
            conversations = run_rows.lock_conversations_of(db, ids)
            process = select(t.processes.c.alive_at).where(t.processes.c.id == owner).with_for_update()
            if db.scalar(process) != alive_at:
                return 0, 0
            runs = [run for run in run_rows.lock_runs(db, ids) if run.owner == owner and run.active]
            ended = sum(_give_up(db, run, conversations[run.id]) for run in runs)
            db.execute(delete(t.processes).where(t.processes.c.id == owner))
            return ended, len(runs) - ended

        return await self._database.write(work, reserved=True)

    async def give_up_runs(self, ids: Sequence[str], owner: str) -> None:
        """Release active runs of a process that does not know of them, or end them."""

        def work(db: Connection) -> None:
            conversations = run_rows.lock_conversations_of(db, ids)
            for run in run_rows.lock_runs(db, ids):
                if run.owner == owner and run.active:
                    _give_up(db, run, conversations[run.id])

        await self._database.write(work, reserved=True)

    async def release_run(self, run_id: str, owner: str) -> None:
        """Leave an active run to anyone who claims it. Nothing happens to one that is not the owner's."""
        mine = and_(t.runs.c.id == run_id, t.runs.c.owner == owner)
        await self._database.write(lambda db: _release(db, mine), reserved=True)

    async def claim_runs(
        self, ids: Sequence[str], owner: str, agent: str | None, orphans_since: datetime, *, stops: bool = False
    ) -> list[tuple[Run, tuple[RunEvent, ...]]]:
        """Become the owner of runs that no process has, and return those that the agent can continue with.

        What was left since before `orphans_since` by another agent is ended. See `look_for_left`.

        Args:
            stops: Whether the agent itself ends what was asked to stop; else that ends here.
        """

        def work(db: Connection) -> list[tuple[Run, tuple[RunEvent, ...]]]:
            conversations = run_rows.lock_conversations_of(db, ids)
            run_rows.lock_runs(db, ids)
            these = and_(_claimable(agent, orphans_since), t.runs.c.id.in_(ids))
            claimed = []
            for row in db.execute(select(*rows.RUN, t.runs.c.agent, t.runs.c.stop_requested).where(these)).all():
                if agent is not None and row.agent == agent and (stops or not row.stop_requested):
                    db.execute(update(t.runs).where(t.runs.c.id == row.id).values(owner=owner, released_at=None))
                    claimed.append((rows.to_run(row), tuple(rows.read_events(db, row.id, 0))))
                else:
                    stopped, silent = RunEnded(Outcome.CANCELLED), RunEnded(Outcome.FAILED, SILENT)
                    run_rows.finish(db, row.id, conversations[row.id], stopped if row.stop_requested else silent)
            return claimed

        return await self._database.write(work, reserved=True)

    async def users_of_left(self, ids: Sequence[str], agent: str | None) -> dict[str, str]:
        """Return whose those of some runs are that no process has and that an agent can continue with."""
        left = and_(t.runs.c.id.in_(ids), t.runs.c.owner.is_(None), t.runs.c.agent == agent)
        these = select(t.runs.c.id, t.runs.c.user_id).where(left)
        return {
            row.id: row.user_id for row in await self._database.read(lambda db: db.execute(these).all(), reserved=True)
        }

    async def keep_left(self, ids: Sequence[str], since: datetime) -> None:
        """Have runs that no process has, and that were left before a time, look as if they were left now."""
        left = and_(t.runs.c.id.in_(ids), t.runs.c.owner.is_(None), t.runs.c.released_at < since)
        if ids:
            await self._database.write(lambda db: db.execute(update(t.runs).where(left).values(released_at=rows.now())))

    async def live_checkpoint(self, conversation_id: str) -> JSON:
        """Return the last checkpoint of a conversation's active run; `None` without one."""
        live = select(t.runs.c.checkpoint).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
        return await self._database.read(lambda db: db.scalar(live))

    async def read_context(self, run: Run) -> RunContext:
        """Return what the agent of a run has to know."""

        def work(db: Connection) -> RunContext:
            tree = branches.read_tree(db, run.conversation_id)
            *before, this = tree.path(run.id)
            turn = tree.turns[run.turn_id]
            attempts = tree.answers(turn.id)
            attempt = attempts.index(run.id)
            memory = select(t.runs.c.memory).where(t.runs.c.id == turn.follows).correlate(None).scalar_subquery()
            columns = t.runs.c.checkpoint, t.runs.c.checkpoint_seq, memory.label("remembered")
            own = db.execute(select(*columns).where(t.runs.c.id == this.id)).one()
            return RunContext(
                turn.text,
                file_rows.read_sent(db, run.conversation_id).get(turn.id, ()),
                tuple(branches.read_turns(db, tree, before)),
                attempt + 1,
                branches.read_answer(db, tree, attempts[attempt - 1]) if attempt else None,
                own.remembered,
                attempt > 0 or tree.versions(turn)[0] != turn.id,
                own.checkpoint,
                own.checkpoint_seq,
                _read_answers(db, run, own.checkpoint_seq),
            )

        return await self._database.read(work)


def _claimable(agent: str | None, orphans_since: datetime) -> ColumnElement[bool]:
    answered = exists().where(t.answers.c.run_id == t.runs.c.id, t.answers.c.request_id == t.runs.c.waiting)
    goes_on = or_(t.runs.c.waiting.is_(None), answered)
    released_at = t.runs.c.released_at
    mine = or_(t.runs.c.agent == agent, released_at.is_(None), released_at < orphans_since)
    return and_(t.runs.c.active == 1, t.runs.c.owner.is_(None), goes_on, mine)


def _give_up(db: Connection, run: Any, conversation_id: str) -> bool:
    """Release a locked run, or end it. Returns whether it was ended."""
    stops_here = run.stop_requested and run.waiting is not None
    goes_on = run_rows.can_go_on(run)
    if goes_on and not stops_here and run.deaths + 1 < MAX_DEATHS:
        _release(db, t.runs.c.id == run.id, deaths=run.deaths + 1)
        return False
    if run.stop_requested:
        outcome = RunEnded(Outcome.CANCELLED)
    elif run.waiting:
        asks = run_rows.awaited(db, run.id) == run.waiting
        outcome = RunEnded(Outcome.FAILED, UNANSWERABLE if asks else UNUSABLE)
    else:
        outcome = RunEnded(Outcome.FAILED, FATAL if goes_on else SILENT)
    run_rows.finish(db, run.id, conversation_id, outcome)
    return True


def _release(db: Connection, condition: ColumnElement[bool], **values: int) -> None:
    live = and_(condition, t.runs.c.active == 1)
    db.execute(update(t.runs).where(live).values(owner=None, released_at=rows.now(), **values))
    notices.note(db, Notice.LEFT, [])


def _read_answers(db: Connection, run: Run, after: int) -> dict[str, JSON | ScriptResult]:
    given, questions, scripts = dict[str, JSON](), set(), set()
    for event in rows.read_events(db, run.id, after):
        match event.body:
            case InputRequested(request_id=request_id):
                questions.add(request_id)
            case InputAnswered(request_id=request_id, answer=answer):
                given[request_id] = answer
            case ScriptProposed(script_id=script_id, awaited=True):
                scripts.add(script_id)
    if not (questions or scripts):
        return {}
    left = select(t.answers).where(t.answers.c.run_id == run.id)
    given |= {row.request_id: row.answer for row in db.execute(left)}
    results = {id: decode_result(given[id]) for id in scripts if id in given}
    for script in script_rows.read(db, run.conversation_id) if scripts else ():
        if script.run_id == run.id and script.proposal in scripts and script.state.over and script.result is not None:
            results.setdefault(script.proposal, script.result)
    return {id: given[id] for id in questions if id in given} | results
