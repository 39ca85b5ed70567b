"""The store's part for processes that write logs of runs. No user is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import JSON as JSON_TYPE
from sqlalchemy import Connection, FromClause, Integer, and_, cast, delete, func, insert, literal, select, update

from ..agent import Checkpoint, Pinned, Remember
from ..errors import NotFound
from ..events import JSON, RunEvent
from . import rows, run_rows
from . import tables as t
from .database import Database


@dataclass(frozen=True, slots=True)
class Notes:
    """What an agent keeps beside its log, which no one else sees.

    Attributes:
        checkpoint: Where the run can be resumed, or that it cannot, and the number of the last event before that.
        memory: What the agent wants to know in the runs after this one.
    """

    checkpoint: tuple[Checkpoint | Pinned, int] | None = None
    memory: Remember | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What an active run has to write.

    Attributes:
        events: Numbered from the next number of the log on, without gaps.
        log: All events of a run that ends with these, compacted; else `None`.
        notes: What the agent keeps with these events.
    """

    run_id: str
    events: Sequence[RunEvent]
    log: Sequence[RunEvent] | None = None
    notes: Notes = field(default_factory=Notes)

    @property
    def empty(self) -> bool:
        return not self.events and self.notes == Notes()


@dataclass(frozen=True, slots=True)
class News:
    """What has come of a run since someone looked.

    Attributes:
        live: Whether more can come.
        more: Whether more may be there already: no one gets all of a long log at once.
    """

    events: Sequence[RunEvent]
    live: bool
    more: bool = False


class RunLogs:
    """The logs of runs.

    Args:
        most_of_a_run: How many events of one run are read at a time.
        most: The same for all runs together.
    """

    def __init__(self, database: Database, *, most_of_a_run: int = 2_000, most: int = 20_000) -> None:
        self._database = database
        self._most_of_a_run = most_of_a_run
        self._most = most

    async def append(self, batches: Sequence[Batch], owner: str, *, again: bool = False) -> set[str]:
        """Write more of several active runs' logs, in one transaction.

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
            notes = {batch.run_id: batch.notes for batch in write}
            run_rows.keep_checkpoints(db, {id: each.checkpoint for id, each in notes.items() if each.checkpoint})
            run_rows.keep_memories(db, {id: each.memory for id, each in notes.items() if each.memory})
            run_rows.end(db, {batch.run_id: batch.log for batch in write if batch.log is not None}, conversations)
            return {batch.run_id for batch in batches} - {batch.run_id for batch in write} - over

        return await self._database.write(work, reserved=True)

    async def renew_lease(self, owner: str) -> dict[str, bool]:
        """Say that a process is alive.

        Returns:
            The ids of its active runs, and whether each was asked to stop.
        """

        def work(db: Connection) -> dict[str, bool]:
            this = t.processes.c.id == owner
            if not db.execute(update(t.processes).where(this).values(alive_at=rows.now())).rowcount:
                db.execute(insert(t.processes).values(id=owner, alive_at=rows.now()))
            mine = select(t.runs.c.id, t.runs.c.stop_requested).where(t.runs.c.active == 1, t.runs.c.owner == owner)
            return {row.id: row.stop_requested for row in db.execute(mine)}

        return await self._database.write(work, reserved=True)

    async def end_lease(self, owner: str) -> None:
        """Say that a process is gone. Its active runs are anybody's to end."""
        mine = delete(t.processes).where(t.processes.c.id == owner)
        await self._database.write(lambda db: db.execute(mine), reserved=True)

    async def take_answers(self, owner: str) -> dict[tuple[str, str], JSON]:
        """Return the answers for the runs of a process, by run and request. Each is kept until its event is written."""
        mine = select(t.answers).join(t.runs, t.runs.c.id == t.answers.c.run_id).where(t.runs.c.owner == owner)
        found = await self._database.read(lambda db: db.execute(mine).all(), reserved=True)
        return {(row.run_id, row.request_id): row.answer for row in found}

    async def read_news(self, wanted: Mapping[str, int]) -> dict[str, News]:
        """Return what has come of several runs.

        Args:
            wanted: For each run the number of the last event that is known.

        Returns:
            News of each run; none of one that was removed.
        """

        def work(db: Connection) -> dict[str, News]:
            these = _table_of(db, wanted)
            # In this order: if a run has ended, its log is complete.
            states = select(t.runs.c.id, t.runs.c.active).join(these, these.c.id == t.runs.c.id)
            live = {row.id: row.active is not None for row in db.execute(states).all()}
            # Numbers are positions, so a long log is read a piece at a time.
            piece = and_(t.events.c.seq > these.c.seq, t.events.c.seq <= these.c.seq + self._most_of_a_run)
            news = select(t.events).join(these, and_(t.events.c.run_id == these.c.id, piece)).limit(self._most)
            events: dict[str, list[RunEvent]] = {id: [] for id in live}
            for id, event in rows.events_of(db, news):
                if id in events:
                    events[id].append(event)
            cut = sum(map(len, events.values())) == self._most
            return {id: News(events[id], live[id], cut or len(events[id]) == self._most_of_a_run) for id in live}

        return await self._database.read(work, reserved=True)

    async def read_run(self, user_id: str, run_id: str, after: int) -> News:
        """Return what has come of a user's run after a number.

        Raises:
            NotFound: It does not exist, or belongs to someone else.
        """

        def work(db: Connection) -> News:
            # In this order: if the run has ended, its log is complete.
            live = rows.find_run(db, user_id, run_id).state.live
            events = rows.read_events(db, run_id, after, self._most_of_a_run)
            return News(events, live, len(events) == self._most_of_a_run)

        return await self._database.read(work)

    async def read_events(self, run_id: str, after: int) -> tuple[list[RunEvent], bool]:
        """Return the events of a run after a number, and whether more can come.

        Raises:
            NotFound: The run was purged.
        """
        events: list[RunEvent] = []
        while True:
            news = (await self.read_news({run_id: events[-1].seq if events else after})).get(run_id)
            if news is None:
                raise NotFound
            events += news.events
            if not news.more:
                return events, news.live


def _table_of(db: Connection, numbers: Mapping[str, int]) -> FromClause:
    """Return numbers by ids as a table with the columns `id` and `seq`: one parameter, however many there are."""
    unpack = func.json_each_text if db.dialect.name == "postgresql" else func.json_each
    each = unpack(literal(dict(numbers), JSON_TYPE)).table_valued("key", "value")
    return select(each.c.key.label("id"), cast(each.c.value, Integer).label("seq")).subquery()
