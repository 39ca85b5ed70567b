"""Runs that outlive their process: finds dead processes, releases their runs, and lets other processes claim them.

A released run has no owner. The first process that claims it resumes it. A run that waits for the user can be claimed
only after the answer, so waiting costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
FATAL = "The answer was interrupted because several servers stopped while writing it."
UNANSWERABLE = "This question can no longer be answered: the server that asked it stopped. Try again to be asked again."
UNUSABLE = "The script's result can no longer be used: the server that waited for it stopped. Try again."


@dataclass(frozen=True, slots=True)
class Abandoned:
    """What other processes may have abandoned.

    Attributes:
        silent: Processes with active runs and an old heartbeat, with that heartbeat.
        runs: Released runs that the caller can claim.
    """

    silent: Mapping[str, datetime | None]
    runs: Sequence[str]


@dataclass(frozen=True, slots=True)
class RunContext:
    """What an agent needs to answer or resume a run.

    Attributes:
        text: What the user wrote.
        files: What came with it.
        history: The turns before it on its branch.
        attempt: 1 for the first answer to this turn.
        replaced: The answer before this one to the same turn.
        memory: The agent's memory from the run before it on its branch.
        forks: Whether the run before it was already followed by another turn or run.
        checkpoint: The agent's last checkpoint.
        checkpoint_seq: The number of the last event before that.
        answers: Answers to requests and results of scripts since the checkpoint, by their ids.
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
    """Releases and claims runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_abandoned(
        self, me: str, agents: Collection[str], silent_since: datetime, orphans_since: datetime
    ) -> Abandoned:
        """Return silent processes and claimable runs, with two queries; runs that wait for an answer are not read.

        Args:
            agents: The agents whose runs this process can resume.
            orphans_since: Other agents' runs that were released before this time are claimable too, to be ended.
        """
        last = t.processes.c.alive_at
        silent = (
            select(t.runs.c.owner, last)
            .distinct()
            .outerjoin(t.processes, t.processes.c.id == t.runs.c.owner)
            .where(t.runs.c.active == 1, t.runs.c.owner != me, or_(last.is_(None), last < silent_since))
        )
        claimable = select(t.runs.c.id).where(_claimable(agents, orphans_since)).order_by(t.runs.c.released_at)

        def work(db: Connection) -> Abandoned:
            return Abandoned({row.owner: row.alive_at for row in db.execute(silent)}, db.scalars(claimable).all())

        return await self._database.read(work, reserved=True)

    async def give_up_process(self, owner: str, alive_at: datetime | None) -> tuple[int, int]:
        """Release the active runs of a dead process that can be resumed, and end the others.

        They end as cancelled if they were asked to stop, else as failed. A resumable run that was asked to stop is
        released too, because its agent may have to tell another system of the stop.

        Args:
            alive_at: The process's last heartbeat.

        Returns:
            The number of ended and of released runs; zero of both if there is a newer heartbeat.
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
        """Release or end active runs that their owner does not know."""

        def work(db: Connection) -> None:
            conversations = run_rows.lock_conversations_of(db, ids)
            for run in run_rows.lock_runs(db, ids):
                if run.owner == owner and run.active:
                    _give_up(db, run, conversations[run.id])

        await self._database.write(work, reserved=True)

    async def release_run(self, run_id: str, owner: str) -> None:
        """Release an active run. A run with another owner is not changed."""
        mine = and_(t.runs.c.id == run_id, t.runs.c.owner == owner)
        await self._database.write(lambda db: _release(db, mine), reserved=True)

    async def claim_runs(
        self,
        ids: Sequence[str],
        owner: str,
        agents: Collection[str],
        orphans_since: datetime,
        *,
        stopping: Collection[str] = (),
    ) -> list[tuple[Run, tuple[RunEvent, ...]]]:
        """Become the owner of released runs, and return those that the agents can resume.

        Other agents' runs that were released before `orphans_since` are ended. See `find_abandoned`.

        Args:
            stopping: The agents that end a run themselves that was asked to stop; this method ends those of others.
        """

        def work(db: Connection) -> list[tuple[Run, tuple[RunEvent, ...]]]:
            conversations = run_rows.lock_conversations_of(db, ids)
            run_rows.lock_runs(db, ids)
            these = and_(_claimable(agents, orphans_since), t.runs.c.id.in_(ids))
            claimed = []
            for row in db.execute(select(*rows.RUN, t.runs.c.agent, t.runs.c.stop_requested).where(these)).all():
                if row.agent in agents and (row.agent in stopping or not row.stop_requested):
                    db.execute(update(t.runs).where(t.runs.c.id == row.id).values(owner=owner, released_at=None))
                    claimed.append((rows.to_run(row), tuple(rows.read_events(db, row.id, 0))))
                else:
                    stopped, silent = RunEnded(Outcome.CANCELLED), RunEnded(Outcome.FAILED, SILENT)
                    run_rows.finish(db, row.id, conversations[row.id], stopped if row.stop_requested else silent)
            return claimed

        return await self._database.write(work, reserved=True)

    async def users_of_released(self, ids: Sequence[str], agents: Collection[str]) -> dict[str, str]:
        """Return the user ids of those of the given runs that are released and belong to the agents."""
        left = and_(t.runs.c.id.in_(ids), t.runs.c.owner.is_(None), t.runs.c.agent.in_(agents))
        these = select(t.runs.c.id, t.runs.c.user_id).where(left)
        return {
            row.id: row.user_id for row in await self._database.read(lambda db: db.execute(these).all(), reserved=True)
        }

    async def refresh_released(self, ids: Sequence[str], since: datetime) -> None:
        """Set the release time of released runs to now if it is before `since`."""
        left = and_(t.runs.c.id.in_(ids), t.runs.c.owner.is_(None), t.runs.c.released_at < since)
        if ids:
            await self._database.write(lambda db: db.execute(update(t.runs).where(left).values(released_at=rows.now())))

    async def live_checkpoint(self, conversation_id: str) -> JSON:
        """Return the last checkpoint of a conversation's active run; `None` without one."""
        live = select(t.runs.c.checkpoint).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
        return await self._database.read(lambda db: db.scalar(live))

    async def read_context(self, run: Run, *, resumed: bool = True) -> RunContext:
        """Return what the agent needs to answer or resume a run."""

        def work(db: Connection) -> RunContext:
            tree = branches.read_tree(db, run.conversation_id)
            *before, this = tree.path(run.id)
            turn = tree.turns[run.turn_id]
            attempts = tree.answers(turn.id)
            attempt = attempts.index(run.id)
            last = t.runs.alias()
            columns = t.runs.c.checkpoint, t.runs.c.checkpoint_seq, *[last.c[name] for name in run_rows.MEMORIES]
            joined = t.runs.outerjoin(last, last.c.id == turn.follows)
            own = db.execute(select(*columns).select_from(joined).where(t.runs.c.id == this.id)).one()
            return RunContext(
                branches.read_texts(db, tree, [this])[turn.id],
                file_rows.read_sent(db, run.conversation_id).get(turn.id, ()),
                tuple(branches.read_turns(db, tree, before)),
                attempt + 1,
                branches.read_answer(db, tree, attempts[attempt - 1]) if attempt else None,
                run_rows.memories_of(own).get(run.agent),
                attempt > 0 or tree.forks(turn),
                own.checkpoint,
                own.checkpoint_seq,
                _read_answers(db, run, own.checkpoint_seq) if resumed else {},
            )

        return await self._database.read(work)


def _claimable(agents: Collection[str], orphans_since: datetime) -> ColumnElement[bool]:
    answered = exists().where(t.answers.c.run_id == t.runs.c.id, t.answers.c.request_id == t.runs.c.waiting)
    can_continue = or_(t.runs.c.waiting.is_(None), answered)
    released_at = t.runs.c.released_at
    mine = or_(t.runs.c.agent.in_(agents), released_at.is_(None), released_at < orphans_since)
    return and_(t.runs.c.active == 1, t.runs.c.owner.is_(None), can_continue, mine)


def _give_up(db: Connection, run: Any, conversation_id: str) -> bool:
    """Release a locked run, or end it. Returns whether it was ended."""
    stops_here = run.stop_requested and run.waiting is not None
    can_continue = run_rows.can_resume(run)
    if can_continue and not stops_here and run.deaths + 1 < MAX_DEATHS:
        _release(db, t.runs.c.id == run.id, deaths=run.deaths + 1)
        return False
    if run.stop_requested:
        outcome = RunEnded(Outcome.CANCELLED)
    elif run.waiting:
        asks = run_rows.awaited(db, run.id) == run.waiting
        outcome = RunEnded(Outcome.FAILED, UNANSWERABLE if asks else UNUSABLE)
    else:
        outcome = RunEnded(Outcome.FAILED, FATAL if can_continue else SILENT)
    run_rows.finish(db, run.id, conversation_id, outcome)
    return True


def _release(db: Connection, condition: ColumnElement[bool], **values: int) -> None:
    live = and_(condition, t.runs.c.active == 1)
    db.execute(update(t.runs).where(live).values(owner=None, released_at=rows.now(), **values))
    notices.note(db, Notice.RELEASED, [])


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
