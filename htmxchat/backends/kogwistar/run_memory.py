"""What the store remembers of runs: which made which turn, how far they are, what they wait for, their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from ...cleaning import clean_text
from ...errors import Busy, NotFound
from ...events import RunEvent
from ...models import Run, RunState
from ...store import Store
from ...view import compact, fold
from . import learning, logs, writing
from . import tables as t
from .replies import ServerRun, Submitted
from .waiting import Request


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run as it is remembered.

    Attributes:
        phase: submitting, running, waiting (for the user), resuming (the user has answered) or ended.
        since: When the phase began.
        events: All of them when it has ended; when it waits or resumes, those so far.
    """

    run: Run
    workflow: bool
    phase: str
    since: datetime
    stop_asked_at: datetime | None
    request: Request | None
    events: tuple[RunEvent, ...]

    @property
    def ended(self) -> bool:
        return self.phase == "ended"


class RunMemory:
    """Runs. A `user_id` is the server's; `NotFound` is raised for what is not theirs."""

    def __init__(self, store: Store) -> None:
        store.use(t.metadata)
        self._store = store

    async def find(self, user_id: str, id: str) -> KnownRun | None:
        """Return a run; `None` if nothing is remembered of it.

        Raises:
            NotFound: It is somebody else's, in a conversation that is hidden, or only a reservation.
        """

        def work(db: Connection) -> KnownRun | None:
            row = db.execute(select(t.runs).where(t.runs.c.id == id)).one_or_none()
            if row is None:
                return None
            this = select(t.conversations).where(t.conversations.c.id == row.conversation_id)
            owner = db.execute(this).one()
            if owner.user_id != user_id or owner.hidden_at is not None or row.phase == "submitting":
                raise NotFound
            return _known(row, user_id)

        return await self._store.read(work)

    async def look(self, id: str) -> KnownRun | None:
        """Return a run that the caller has found before, as it is now."""
        this = select(t.runs).where(t.runs.c.id == id)
        row = await self._store.read(lambda db: db.execute(this).one_or_none())
        return None if row is None else _known(row, "")

    async def live_in(self, conversation_id: str) -> str | None:
        """Return the id of a conversation's live run that the server knows."""
        live = select(t.runs.c.id).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
        return await self._store.read(lambda db: db.scalar(live.where(t.runs.c.phase != "submitting")))

    async def workflow_ids(self, conversation_id: str) -> dict[str, str]:
        """Return which workflow each of a conversation's runs is of, by the runs' ids."""
        known = select(t.runs.c.id, t.runs.c.workflow_id).where(t.runs.c.conversation_id == conversation_id)
        return {row.id: row.workflow_id for row in await self._store.read(lambda db: db.execute(known).all())}

    async def reserve(
        self, user_id: str, conversation_id: str, text: str, *, workflow: bool, workflow_id: str = ""
    ) -> str:
        """Take a conversation's one place for a live run, before the server is asked. Returns the reservation.

        Raises:
            Busy: The place is taken.
            NotFound: The conversation is not the user's.
        """
        id = uuid4().hex
        at = logs.now()

        def work(db: Connection) -> None:
            mine = select(t.conversations.c.user_id, t.conversations.c.hidden_at)
            row = db.execute(mine.where(t.conversations.c.id == conversation_id)).one_or_none()
            if row is None or row.user_id != user_id or row.hidden_at is not None:
                raise NotFound
            place = writing.lock(db, conversation_id) + 1
            live = select(t.runs.c.id).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
            if db.scalar(live) is not None:
                raise Busy
            values: dict[str, Any] = {"id": id, "conversation_id": conversation_id, "turn_id": id, "place": place}
            values |= {"workflow": workflow, "state": RunState.QUEUED.value, "phase": "submitting", "since": at}
            db.execute(insert(t.runs).values(**values, workflow_id=workflow_id, created_at=at, active=1))
            writing.add_turn(db, conversation_id, id, clean_text(text), place, at)
            writing.tick(db, conversation_id)

        await self._store.write(work)
        return id

    async def confirm(
        self, user_id: str, reservation: str, submitted: Submitted, *, turn_id: str
    ) -> tuple[KnownRun, bool] | None:
        """Give a reservation the server's ids.

        Returns:
            The run, and whether its conversation was removed meanwhile, so that nobody wants it any more; `None` if
            the reservation was given up.
        """

        def work(db: Connection) -> tuple[KnownRun, bool] | None:
            row = db.execute(select(t.runs).where(t.runs.c.id == reservation)).one_or_none()
            if row is None:
                return None
            writing.lock(db, row.conversation_id)
            # The server's turns may have been read since; what was learned of this one then is known better now.
            here = t.turns.c.conversation_id == row.conversation_id
            db.execute(delete(t.turns).where(here, t.turns.c.id == turn_id, t.turns.c.id != reservation))
            learned = and_(t.runs.c.conversation_id == row.conversation_id, t.runs.c.turn_id == turn_id)
            db.execute(delete(t.runs).where(learned, t.runs.c.id != reservation))
            change = {"id": submitted.run_id, "turn_id": turn_id, "phase": "running", "state": RunState.RUNNING.value}
            db.execute(update(t.turns).where(here, t.turns.c.id == reservation).values(id=turn_id))
            db.execute(update(t.runs).where(t.runs.c.id == reservation).values(**change, since=logs.now()))
            hidden = select(t.conversations.c.hidden_at).where(t.conversations.c.id == row.conversation_id)
            run = db.execute(select(t.runs).where(t.runs.c.id == submitted.run_id)).one()
            return _known(run, user_id), db.scalar(hidden) is not None

        return await self._store.write(work)

    async def doubt(self, reservation: str) -> None:
        """Keep a reservation of which it is not known what the server made of it, until the server's turns are read."""
        this = and_(t.runs.c.id == reservation, t.runs.c.phase == "submitting")
        await self._store.write(lambda db: db.execute(update(t.runs).where(this).values(since=learning.LONG_AGO)))

    async def doubtful(self, conversation_id: str) -> bool:
        """Return whether only the server's turns can tell what has become of the last message."""
        here = and_(t.runs.c.conversation_id == conversation_id, learning.in_doubt())
        return await self._store.read(lambda db: db.scalar(select(t.runs.c.id).where(here)) is not None)

    async def release(self, reservation: str) -> None:
        """Give a reservation back: the server did not take the message."""

        def work(db: Connection) -> None:
            db.execute(delete(t.runs).where(t.runs.c.id == reservation))
            db.execute(delete(t.turns).where(t.turns.c.id == reservation))

        await self._store.write(work)

    async def adopt(self, user_id: str, run: ServerRun, *, workflow: bool) -> None:
        """Remember a run that was started elsewhere, in a conversation that is remembered."""

        def work(db: Connection) -> None:
            place = writing.lock(db, run.conversation_id)
            if db.scalar(select(t.runs.c.id).where(t.runs.c.id == run.id)) is not None:
                return  # somebody else has adopted it at this moment
            turn = select(t.turns.c.place).where(
                t.turns.c.conversation_id == run.conversation_id, t.turns.c.id == run.turn_id
            )
            # Until it is known what has become of it, it counts as live; that is looked up next.
            here = t.runs.c.conversation_id == run.conversation_id
            taken = db.scalar(select(t.runs.c.id).where(here, t.runs.c.active == 1)) is not None
            if run.assistant_turn_id:
                same = and_(here, t.runs.c.assistant_turn_id == run.assistant_turn_id)
                db.execute(delete(t.runs).where(same))
            at = logs.now()
            values: dict[str, Any] = {"id": run.id, "conversation_id": run.conversation_id, "turn_id": run.turn_id}
            values |= {"place": db.scalar(turn) or place + 1, "workflow": workflow, "state": RunState.RUNNING.value}
            values |= {"phase": "running", "since": at, "assistant_turn_id": run.assistant_turn_id}
            values |= {"workflow_id": run.workflow_id}
            db.execute(insert(t.runs).values(**values, created_at=at, active=None if taken else 1))

        await self._store.write(work)

    async def note_stop(self, id: str) -> None:
        """Remember that somebody wants a run to stop."""
        live = and_(t.runs.c.id == id, t.runs.c.phase != "ended", t.runs.c.stop_asked_at.is_(None))
        values = {"stop_asked_at": logs.now(), "state": RunState.STOPPING.value}
        await self._store.write(lambda db: db.execute(update(t.runs).where(live).values(**values)))

    async def wait(self, id: str, was: str, request: Request, events: Sequence[RunEvent]) -> bool:
        """Remember that a run waits for the user. Returns `False` if it is not in the phase `was` any more."""
        return await self._move(id, was, phase="waiting", request=request.to_json(), **_so_far(events))

    async def take_request(self, id: str, request_id: str, events: Sequence[RunEvent]) -> bool:
        """Use up what a run waits for. Returns whether it waited for just that: one answer wins."""

        def work(db: Connection) -> bool:
            # The write comes first because it locks the run: of two answers, the second finds it resuming.
            waiting = update(t.runs).where(t.runs.c.id == id, t.runs.c.phase == "waiting")
            if not db.execute(waiting.values(phase="resuming", since=logs.now(), **_so_far(events))).rowcount:
                return False
            request = db.scalar(select(t.runs.c.request).where(t.runs.c.id == id))
            if request is None or request["id"] != request_id:
                raise NotFound
            return True

        return await self._store.write(work)

    async def beat(self, id: str) -> None:
        """Remember that the answer to a run is being given to the server at this moment."""
        await self._move(id, "resuming")

    async def end(self, id: str, events: Sequence[RunEvent], assistant_turn_id: str = "") -> bool:
        """Remember how a run ended, with all its events. Returns `False` if somebody else did so first."""

        def work(db: Connection) -> bool:
            conversation_id = db.scalar(select(t.runs.c.conversation_id).where(t.runs.c.id == id))
            if conversation_id is None:
                return False
            writing.lock(db, conversation_id)
            live = and_(t.runs.c.id == id, t.runs.c.phase != "ended")
            values = writing.ended(events) | {"phase": "ended", "since": logs.now()}
            if assistant_turn_id:
                values["assistant_turn_id"] = assistant_turn_id
            if not db.execute(update(t.runs).where(live).values(**values)).rowcount:
                return False
            writing.tick(db, conversation_id)
            return True

        return await self._store.write(work)

    async def _move(self, id: str, was: str, **values: Any) -> bool:
        this = update(t.runs).where(t.runs.c.id == id, t.runs.c.phase == was)
        return await self._store.write(lambda db: db.execute(this.values(since=logs.now(), **values)).rowcount == 1)


def _so_far(events: Sequence[RunEvent]) -> dict[str, Any]:
    state = fold(events).state
    return {"log": logs.write(events), "shown": logs.write(compact(events), raw=False), "state": state.value}


def _known(row: Row[Any], user_id: str) -> KnownRun:
    events = logs.read(row.log)
    request = None if row.request is None else Request.from_json(row.request)
    run = writing.to_run(row, user_id)
    return KnownRun(run, row.workflow, row.phase, row.since, row.stop_asked_at, request, events)
