"""Logs of runs in the store, for the processes that write them. These methods do not check ownership."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import JSON as JSON_TYPE
from sqlalchemy import Connection, FromClause, Integer, and_, cast, delete, func, insert, literal, select, update

from ..agent import Checkpoint, Pinned, Remember
from ..errors import NotFound
from ..events import JSON, RunEvent, TitleSuggested
from . import rows, run_rows
from . import tables as t
from .database import Database


@dataclass(frozen=True, slots=True)
class Notes:
    """What an agent stores beside the log; users do not see it.

    Attributes:
        checkpoint: Where the run can be resumed, or that it is pinned, and the number of the last event before that.
        memory: The agent's memory for the runs after this one.
    """

    checkpoint: tuple[Checkpoint | Pinned, int] | None = None
    memory: Remember | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What an active run has to write.

    Attributes:
        events: Numbered from the log's next number, without gaps.
        log: If the run ends with these events, all its events, compacted; else `None`.
        notes: The agent's checkpoint and memory, stored with these events.
    """

    run_id: str
    events: Sequence[RunEvent]
    log: Sequence[RunEvent] | None = None
    notes: Notes = field(default_factory=Notes)

    @property
    def empty(self) -> bool:
        return not self.events and self.notes == Notes()

    @property
    def title(self) -> str:
        """The last title among the events; empty without any."""
        suggested = (event.body.title for event in reversed(self.events) if isinstance(event.body, TitleSuggested))
        return next(suggested, "")


@dataclass(frozen=True, slots=True)
class News:
    """New events of a run.

    Attributes:
        live: Whether the run is active.
        more: Whether the log may hold more now: a long log is returned in pieces.
    """

    events: Sequence[RunEvent]
    live: bool
    more: bool = False


class RunLogs:
    """The logs of runs.

    Args:
        most_of_a_run: The most events of one run in one read.
        most: The most events of all runs in one read.
    """

    def __init__(self, database: Database, *, most_of_a_run: int = 2_000, most: int = 20_000) -> None:
        self._database = database
        self._most_of_a_run = most_of_a_run
        self._most = most

    async def append(self, batches: Sequence[Batch], owner: str, *, again: bool = False) -> set[str]:
        """Append to the logs of active runs, in one transaction.

        Args:
            owner: The process that writes them.
            again: An earlier call with these events failed, but may have been committed.

        Returns:
            The ids of runs that this owner no longer has. Nothing of them was written.
        """

        def work(db: Connection) -> set[str]:
            nonlocal again
            maybe_there, again = again, True
            titles = {batch.run_id: title for batch in batches if (title := batch.title)}
            changing = [batch.run_id for batch in batches if batch.log is not None or batch.run_id in titles]
            conversations = run_rows.lock_conversations_of(db, changing) if changing else {}
            there = run_rows.lock_runs(db, [batch.run_id for batch in batches])
            mine = {run.id: run.active == 1 for run in there if run.owner == owner}
            if maybe_there:
                # An ended run that still has this owner was ended by the earlier call.
                over = {batch.run_id for batch in batches if mine.get(batch.run_id) is False and batch.log is not None}
            else:
                over = set()
            write = [batch for batch in batches if mine.get(batch.run_id)]
            run_rows.insert_events(db, {batch.run_id: batch.events for batch in write}, again=maybe_there)
            notes = {batch.run_id: batch.notes for batch in write}
            run_rows.keep_checkpoints(db, {id: each.checkpoint for id, each in notes.items() if each.checkpoint})
            run_rows.keep_memories(db, {id: each.memory for id, each in notes.items() if each.memory})
            run_rows.end(db, {batch.run_id: batch.log for batch in write if batch.log is not None}, conversations)
            known = {batch.run_id for batch in write if batch.run_id in titles}
            rows.entitle(db, {conversations[run_id]: titles[run_id] for run_id in known})
            return {batch.run_id for batch in batches} - {batch.run_id for batch in write} - over

        return await self._database.write(work, reserved=True)

    async def renew_lease(self, owner: str) -> dict[str, bool]:
        """Store a process's heartbeat.

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
        """Remove a process. Any process may end its active runs."""
        mine = delete(t.processes).where(t.processes.c.id == owner)
        await self._database.write(lambda db: db.execute(mine), reserved=True)

    async def take_answers(self, owner: str) -> dict[tuple[str, str], JSON]:
        """Return the answers for a process's runs, by run and request. They stay stored until their events are."""
        mine = select(t.answers).join(t.runs, t.runs.c.id == t.answers.c.run_id).where(t.runs.c.owner == owner)
        found = await self._database.read(lambda db: db.execute(mine).all(), reserved=True)
        return {(row.run_id, row.request_id): row.answer for row in found}

    async def read_news(self, wanted: Mapping[str, int]) -> dict[str, News]:
        """Return new events of several runs.

        Args:
            wanted: For each run the number of the last known event.

        Returns:
            The news of each run; a removed run is missing.
        """

        def work(db: Connection) -> dict[str, News]:
            these = _table_of(db, wanted)
            # In this order: if a run has ended, its log is complete.
            states = select(t.runs.c.id, t.runs.c.active).join(these, these.c.id == t.runs.c.id)
            live = {row.id: row.active is not None for row in db.execute(states).all()}
            # Numbers have no gaps, so a range of numbers limits the number of rows.
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
        """Return the events of a user's run after a number.

        Raises:
            NotFound: The run does not exist, or belongs to someone else.
        """

        def work(db: Connection) -> News:
            # In this order: if the run has ended, its log is complete.
            live = rows.find_run(db, user_id, run_id).state.live
            events = rows.read_events(db, run_id, after, self._most_of_a_run)
            return News(events, live, len(events) == self._most_of_a_run)

        return await self._database.read(work)

    async def read_events(self, run_id: str, after: int) -> tuple[list[RunEvent], bool]:
        """Return all events of a run after a number, and whether the run is active.

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
    """Return numbers by id as a table with the columns `id` and `seq`, passed as one parameter."""
    unpack = func.json_each_text if db.dialect.name == "postgresql" else func.json_each
    each = unpack(literal(dict(numbers), JSON_TYPE)).table_valued("key", "value")
    return select(each.c.key.label("id"), cast(each.c.value, Integer).label("seq")).subquery()
