"""The store's part for processes that write logs of runs, and for whoever finds one gone. No user is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, false, insert, or_, select, update

from ..errors import NotFound
from ..events import JSON, Outcome, RunEnded, RunEvent
from ..view import compact
from . import rows, run_rows
from . import tables as t
from .database import Database


@dataclass(frozen=True, slots=True)
class Batch:
    """What a live run has to write.

    Attributes:
        events: Numbered from the next number of the log on, without gaps.
        log: All events of a run that ends with these, compacted; else `None`.
    """

    run_id: str
    events: Sequence[RunEvent]
    log: Sequence[RunEvent] | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What has come of a run since somebody looked.

    Attributes:
        live: Whether more can come.
    """

    events: Sequence[RunEvent]
    live: bool


class RunLogs(Database):
    """The logs of runs."""

    async def append(self, batches: Sequence[Batch], owner: str, *, again: bool = False) -> set[str]:
        """Write more of several live runs' logs, in one transaction.

        Args:
            owner: The process that writes them.
            again: An earlier call with these events failed, but may have got through.

        Returns:
            The ids of the runs that are not the owner's any more. Nothing of these was written.
        """

        def work(db: Connection) -> set[str]:
            nonlocal again
            maybe_there, again = again, True
            ending = [batch.run_id for batch in batches if batch.log is not None]
            conversations = run_rows.lock_conversations_of(db, ending) if ending else {}
            there = run_rows.lock_runs(db, [batch.run_id for batch in batches])
            mine = {run.id: run.active == 1 for run in there if run.owner == owner}
            if maybe_there:
                # One that this process has ended is still its own: the earlier call got through.
                over = {batch.run_id for batch in batches if mine.get(batch.run_id) is False and batch.log is not None}
            else:
                over = set()
            write = [batch for batch in batches if mine.get(batch.run_id)]
            run_rows.insert_events(db, {batch.run_id: batch.events for batch in write}, again=maybe_there)
            for batch in write:
                if batch.log is not None:
                    run_rows.end(db, batch.run_id, conversations[batch.run_id], batch.log)
            return {batch.run_id for batch in batches} - {batch.run_id for batch in write} - over

        return await self._write(work)

    async def renew_lease(self, owner: str) -> dict[str, bool]:
        """Say that a process is alive.

        Returns:
            The ids of its live runs, and whether each was asked to stop.
        """

        def work(db: Connection) -> dict[str, bool]:
            this = t.processes.c.id == owner
            if not db.execute(update(t.processes).where(this).values(alive_at=rows.now())).rowcount:
                db.execute(insert(t.processes).values(id=owner, alive_at=rows.now()))
            mine = select(t.runs.c.id, t.runs.c.stop_requested).where(t.runs.c.active == 1, t.runs.c.owner == owner)
            return {row.id: row.stop_requested for row in db.execute(mine)}

        return await self._write(work)

    async def end_lease(self, owner: str) -> None:
        """Say that a process is gone. Its live runs are anybody's to end."""
        await self._write(lambda db: db.execute(delete(t.processes).where(t.processes.c.id == owner)))

    async def silent_processes(self, me: str, silent_since: datetime) -> dict[str, datetime | None]:
        """Return the other processes with live runs that have said nothing since then, and when they last did."""
        last = t.processes.c.alive_at
        found = (
            select(t.runs.c.owner, last)
            .distinct()
            .outerjoin(t.processes, t.processes.c.id == t.runs.c.owner)
            .where(t.runs.c.active == 1, t.runs.c.owner != me, or_(last.is_(None), last < silent_since))
        )
        return await self._read(lambda db: {row.owner: row.alive_at for row in db.execute(found)})

    async def end_dead_runs(self, owner: str, alive_at: datetime | None, error: str) -> int:
        """End the live runs of a process that is gone: as cancelled if they were asked to stop, else as failed.

        Args:
            alive_at: The process's last sign of life.
            error: What the failure says.

        Returns:
            How many; none if there is a newer sign of life.
        """

        def work(db: Connection) -> int:
            these = and_(t.runs.c.owner == owner, t.runs.c.active == 1)
            ids = db.scalars(select(t.runs.c.id).where(these).order_by(t.runs.c.id)).all()
            conversations = run_rows.lock_conversations_of(db, ids)
            process = select(t.processes.c.alive_at).where(t.processes.c.id == owner).with_for_update()
            if db.scalar(process) != alive_at:
                return 0
            runs = [run for run in run_rows.lock_runs(db, ids) if run.owner == owner and run.active]
            for run in runs:
                outcome = RunEnded(Outcome.CANCELLED) if run.stop_requested else RunEnded(Outcome.FAILED, error)
                events = rows.read_events(db, run.id, 0)
                end = RunEvent(events[-1].seq + 1, rows.now(), outcome)
                run_rows.insert_events(db, {run.id: [end]})
                run_rows.end(db, run.id, conversations[run.id], compact([*events, end]))
                db.execute(update(t.runs).where(t.runs.c.id == run.id).values(owner=None))
            db.execute(delete(t.processes).where(t.processes.c.id == owner))
            return len(runs)

        return await self._write(work)

    async def take_answers(self, owner: str) -> dict[tuple[str, str], JSON]:
        """Return the answers for the runs of a process, by run and request. Each is kept until its event is written."""
        mine = select(t.answers).join(t.runs, t.runs.c.id == t.answers.c.run_id).where(t.runs.c.owner == owner)
        return await self._read(lambda db: {(row.run_id, row.request_id): row.answer for row in db.execute(mine)})

    async def read_news(self, wanted: Mapping[str, int]) -> dict[str, News]:
        """Return what has come of several runs.

        Args:
            wanted: For each run the number of the last event that is known.

        Returns:
            News of each run; none of one that was removed.
        """

        def work(db: Connection) -> dict[str, News]:
            # In this order: if a run has ended, its log is complete.
            live = select(t.runs.c.id, t.runs.c.active).where(t.runs.c.id.in_(wanted))
            found = {row.id: News([], row.active is not None) for row in db.execute(live).all()}
            newer = [and_(t.events.c.run_id == id, t.events.c.seq > seq) for id, seq in wanted.items()]
            for id, event in rows.events_of(db, or_(false(), *newer)):
                if id in found:
                    found[id].events.append(event)  # type: ignore[attr-defined]
            return found

        return await self._read(work)

    async def read_events(self, run_id: str, after: int) -> tuple[list[RunEvent], bool]:
        """Return the events of a run after a number, and whether more can come.

        Raises:
            NotFound: The run was purged.
        """
        news = (await self.read_news({run_id: after})).get(run_id)
        if news is None:
            raise NotFound
        return list(news.events), news.live
