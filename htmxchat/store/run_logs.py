"""The store's part for a run's owner, who writes its log, and for whoever finds it dead. No user is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, select, update

from ..errors import NotFound
from ..events import JSON, InputAnswered, Outcome, RunEnded, RunEvent, ScriptFinished
from ..view import compact
from . import rows, run_rows
from . import tables as t
from .database import Database


class RunLogs(Database):
    """The logs of runs."""

    async def append_events(self, run_id: str, owner: str, events: Sequence[RunEvent], *, again: bool = False) -> bool:
        """Write more of a live run's log.

        Args:
            events: Numbered from the next number of the log on, without gaps.
            again: An earlier call with these events failed, but may have got through.

        Returns:
            `False`, having written nothing, when the run is not the owner's any more.
        """

        # Whoever ends a run takes its next number, so the usual case needs no look at the owner: writing that number
        # again is what fails, and the second try then looks. An answer is used up under the run's lock.
        careful = again or any(isinstance(event.body, InputAnswered | ScriptFinished) for event in events)

        def work(db: Connection) -> bool:
            nonlocal careful, again
            if careful and not run_rows.renew(db, run_id, owner):
                return False
            maybe_there, careful, again = again, True, True
            run_rows.insert_events(db, run_id, events, again=maybe_there)
            return True

        return await self._write(work)

    async def end_run(
        self, run_id: str, owner: str, events: Sequence[RunEvent], log: Sequence[RunEvent], *, again: bool = False
    ) -> bool:
        """Write the end of a live run's log: `events`, of which the last is its `RunEnded`.

        Args:
            log: All its events, compacted.
            again: As for `append_events`.

        Returns:
            `False`, having written nothing, when the run is not the owner's any more.
        """

        def work(db: Connection) -> bool:
            conversation_id = run_rows.lock_conversation_of(db, run_id)
            if not run_rows.renew(db, run_id, owner):
                # A run that somebody else ended has no owner. If it still names this one, an earlier call got through.
                mine = select(t.runs.c.id).where(t.runs.c.id == run_id, t.runs.c.owner == owner)
                return again and db.scalar(mine) is not None
            run_rows.insert_events(db, run_id, events, again=again)
            run_rows.end(db, run_id, conversation_id, log)
            return True

        return await self._write(work)

    async def renew_lease(self, run_id: str, owner: str) -> bool | None:
        """Say that the owner is alive. Returns whether the run was asked to stop, `None` if it is not the owner's."""

        def work(db: Connection) -> bool | None:
            if not run_rows.renew(db, run_id, owner):
                return None
            return bool(db.scalar(select(t.runs.c.stop_requested).where(t.runs.c.id == run_id)))

        return await self._write(work)

    async def take_answer(self, run_id: str, request_id: str) -> tuple[JSON] | None:
        """Return the answer to a request, in a tuple of one; it is kept until its `InputAnswered` is written."""
        mine = select(t.answers.c.answer).where(t.answers.c.run_id == run_id, t.answers.c.request_id == request_id)
        row = await self._read(lambda db: db.execute(mine).one_or_none())
        return None if row is None else (row.answer,)

    async def read_events(self, run_id: str, after: int) -> tuple[list[RunEvent], bool]:
        """Return the events of a run after a number, and whether more can come.

        Raises:
            NotFound: The run was purged.
        """

        def work(db: Connection) -> tuple[list[RunEvent], bool]:
            # In this order: if the run has ended, its log is complete.
            run = db.execute(select(t.runs.c.active).where(t.runs.c.id == run_id)).one_or_none()
            if run is None:
                raise NotFound
            return rows.read_events(db, run_id, after), run.active is not None

        return await self._read(work)

    async def silent_runs(self, user_id: str, silent_since: datetime) -> list[tuple[str, datetime]]:
        """Return the user's live runs whose owners have said nothing since then: their ids, and when they last did."""
        silent = and_(t.runs.c.user_id == user_id, t.runs.c.active == 1, t.runs.c.alive_at < silent_since)
        statement = select(t.runs.c.id, t.runs.c.alive_at).join(t.conversations).where(rows.mine(user_id), silent)
        return await self._read(lambda db: [(row.id, row.alive_at) for row in db.execute(statement)])

    async def alive_at(self, run_id: str) -> datetime | None:
        """Return when the owner of a live run last said that it is alive; `None` if the run has ended."""
        live = select(t.runs.c.alive_at).where(t.runs.c.id == run_id, t.runs.c.active == 1)
        return await self._read(lambda db: db.scalar(live))

    async def end_dead_run(self, run_id: str, alive_at: datetime, error: str) -> bool:
        """End a run whose owner is gone: as cancelled if it was asked to stop, else as failed.

        Args:
            alive_at: The owner's last sign of life.
            error: What the failure says.

        Returns:
            Whether this call ended it: `False` if there is a newer sign of life, or it has ended.
        """

        def work(db: Connection) -> bool:
            conversation_id = run_rows.lock_conversation_of(db, run_id)
            dead = and_(t.runs.c.id == run_id, t.runs.c.active == 1, t.runs.c.alive_at == alive_at)
            if not db.execute(update(t.runs).where(dead).values(owner=None)).rowcount:
                return False
            stopped = db.scalar(select(t.runs.c.stop_requested).where(t.runs.c.id == run_id))
            outcome = RunEnded(Outcome.CANCELLED) if stopped else RunEnded(Outcome.FAILED, error)
            events = rows.read_events(db, run_id, 0)
            end = RunEvent(events[-1].seq + 1, rows.now(), outcome)
            run_rows.insert_events(db, run_id, [end])
            run_rows.end(db, run_id, conversation_id, compact([*events, end]))
            return True

        return await self._write(work)
