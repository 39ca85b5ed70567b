"""What the store remembers of conversations and turns: so that pages need not wait for the server to read its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ...cleaning import one_line, searchable
from ...errors import InvalidInput, NotFound
from ...events import Outcome, RunEnded, RunEvent, TextReplaced
from ...models import Conversation, ConversationPage, Run, RunState, Transcript, Turn
from ...store import Store
from ...view import compact, fold
from . import conditions, logs
from . import tables as t
from .mapping import SPAN
from .problems import NOT_CONFIRMED
from .replies import ServerConversation, ServerTurn

TITLE_LENGTH, LONGEST_TITLE, LARGEST_PAGE = 80, 200, 200
UNTITLED = "Conversation from elsewhere"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_SUBMITTING = timedelta(seconds=120)


class ConversationMemory:
    """Conversations and their turns. A `user_id` is the server's; `NotFound` is raised for what is not theirs.

    What somebody removed from their list stays here, hidden, so that it does not come back with the server's list.
    """

    def __init__(self, store: Store) -> None:
        store.use(t.metadata)
        self._store = store

    async def list(self, user_id: str, query: str = "", *, limit: int, cursor: str | None) -> ConversationPage:
        """Return a page of conversations that hold every word of `query`, the last changed first."""
        limit = max(1, min(limit, LARGEST_PAGE))
        found = and_(conditions.mine(user_id), conditions.matching(query), conditions.following(cursor))
        latest = t.conversations.c.updated_at.desc(), t.conversations.c.id.desc()
        statement = select(t.conversations, conditions.latest_state()).where(found).order_by(*latest).limit(limit + 1)
        rows = await self._store.read(lambda db: db.execute(statement).all())
        items = tuple(_conversation(row) for row in rows[:limit])
        return ConversationPage(items, conditions.cursor_after(items[-1]) if len(rows) > limit else None)

    async def find(self, user_id: str, id: str) -> Conversation | None:
        """Return a conversation; `None` if nothing certain is remembered of it.

        Raises:
            NotFound: It is somebody else's, or hidden.
        """
        this = select(t.conversations, conditions.latest_state()).where(t.conversations.c.id == id)
        row = await self._store.read(lambda db: db.execute(this).one_or_none())
        if row is None or not row.verified:
            return None
        if row.user_id != user_id or row.hidden_at is not None:
            raise NotFound
        return _conversation(row)

    async def transcript(self, user_id: str, id: str, live: Mapping[str, Sequence[RunEvent]]) -> Transcript:
        """Return all turns, with the events of live runs as the caller knows them.

        A message that is being sent has no answer yet: it is `refreshing`.
        """

        def work(db: Connection) -> Transcript:
            this = and_(conditions.mine(user_id), t.conversations.c.id == id)
            row = db.execute(select(t.conversations, conditions.latest_state()).where(this)).one_or_none()
            if row is None:
                raise NotFound
            turns = tuple(_turns(db, id, user_id, live))
            return Transcript(_conversation(row), turns, refreshing=is_submitting(db, id))

        return await self._store.read(work)

    async def learn_list(self, user_id: str, items: Iterable[ServerConversation]) -> Sequence[str]:
        """Remember conversations that are not known yet. What is known stays as it is.

        The list does not prove whose they are: before more than their ids is shown, `verify` is to be called.

        Returns:
            The ids that are in somebody else's list as well, with no proof on either side.
        """

        def work(db: Connection) -> list[str]:
            disputed = []
            for number, item in enumerate(items):
                row = db.execute(select(t.conversations).where(t.conversations.c.id == item.id)).one_or_none()
                if row is None:
                    # The server tells no times; what was made here is more likely to be the newer.
                    add(db, user_id, item.id, "", logs.now() - timedelta(days=1, seconds=number), verified=False)
                elif row.user_id != user_id and not row.verified:
                    disputed.append(item.id)
            return disputed

        try:
            return await self._store.write(work)
        except IntegrityError:
            return ()  # somebody else learned it at this moment; the next look sees it

    async def verify(self, owner: str, id: str) -> None:
        """Remember whose a listed conversation is: the server has said so."""
        listed = and_(t.conversations.c.id == id, t.conversations.c.verified.is_(False))
        values = {"user_id": owner, "verified": True}
        await self._store.write(lambda db: db.execute(update(t.conversations).where(listed).values(**values)))

    async def add(self, user_id: str, id: str, text: str = "") -> None:
        """Remember a conversation, named after its first message."""
        with suppress(IntegrityError):
            await self._store.write(lambda db: add(db, user_id, id, text, logs.now()))

    async def rename(self, user_id: str, id: str, title: str) -> None:
        line = one_line(title, LONGEST_TITLE)
        if not line:
            raise InvalidInput("A conversation needs a title.")
        await self._change(user_id, id, title=line, folded=searchable(line), titled=True)

    async def hide(self, user_id: str, id: str) -> str | None:
        """Take a conversation out of every list. Returns the id of a live run that is to be stopped.

        A message that is being sent has no run yet; it is stopped when there is one.
        """
        await self._change(user_id, id, hidden_at=logs.now())
        live = and_(t.runs.c.conversation_id == id, t.runs.c.active == 1)
        known = select(t.runs.c.id).where(live, t.runs.c.phase != "submitting")
        return await self._store.read(lambda db: db.scalar(known))

    async def restore(self, user_id: str, id: str) -> None:
        await self._change(user_id, id, hidden=True, hidden_at=None)

    async def _change(self, user_id: str, id: str, *, hidden: bool = False, **values: Any) -> None:
        this = update(t.conversations).where(conditions.mine(user_id, hidden=hidden), t.conversations.c.id == id)
        if not await self._store.write(lambda db: db.execute(this.values(**values)).rowcount):
            raise NotFound

    async def learn_turns(self, id: str, turns: Sequence[ServerTurn]) -> bool:
        """Remember turns that are not known yet, in the server's order. Returns whether anything has changed.

        A message that may or may not have arrived is settled: it is among them, or it is not.
        """

        def work(db: Connection) -> bool:
            place = lock(db, id)
            settled = _settle(db, id)
            if is_submitting(db, id):
                return False  # one of the server's turns may be the message that is being sent
            asked = set(db.scalars(select(t.turns.c.id).where(t.turns.c.conversation_id == id)))
            here = select(t.runs.c.turn_id, t.runs.c.assistant_turn_id, t.runs.c.active, t.runs.c.text)
            runs = db.execute(here.where(t.runs.c.conversation_id == id)).all()
            written = {run.assistant_turn_id for run in runs}
            # A run's answer has no name before it is over, and may have none after; it is not learned a second time.
            busy = {run.turn_id for run in runs if run.active or not run.assistant_turn_id}
            texts = {(run.turn_id, run.text) for run in runs}
            before, learned = "", settled
            for turn in turns:
                if turn.role == "user":
                    before = turn.id
                    if turn.id not in asked:
                        asked.add(turn.id)
                        place += 1
                        add_turn(db, id, turn.id, turn.text, place, logs.now())
                        learned = True
                elif turn.id not in written and before not in busy and (before, turn.text) not in texts:
                    written.add(turn.id)
                    place += 1
                    _adopt(db, id, before, turn, place)
                    learned = True
            return _put_in_order(db, id, turns) or learned

        try:
            return await self._store.write(work)
        except IntegrityError:
            return False


# What transactions are made of


def add(db: Connection, user_id: str, id: str, text: str, at: datetime, *, verified: bool = True) -> None:
    title = one_line(text, TITLE_LENGTH)
    values = {"title": title or UNTITLED, "folded": searchable(title), "titled": bool(title), "verified": verified}
    db.execute(insert(t.conversations).values(id=id, user_id=user_id, created_at=at, updated_at=at, **values))


def add_turn(db: Connection, conversation_id: str, id: str, text: str, place: int, at: datetime) -> None:
    """Add what a user wrote. The first names a conversation that has no name."""
    values = {"conversation_id": conversation_id, "id": id, "place": place, "text": text, "created_at": at}
    db.execute(insert(t.turns).values(**values, folded=searchable(text)))
    nameless = and_(t.conversations.c.id == conversation_id, t.conversations.c.titled.is_(False))
    if title := one_line(text, TITLE_LENGTH):
        db.execute(update(t.conversations).where(nameless).values(title=title, folded=searchable(title), titled=True))


def lock(db: Connection, id: str) -> int:
    """Lock a conversation and return the last place that is taken."""
    db.execute(update(t.conversations).where(t.conversations.c.id == id).values(id=id))
    last = select(func.max(t.turns.c.place)).where(t.turns.c.conversation_id == id)
    other = select(func.max(t.runs.c.place)).where(t.runs.c.conversation_id == id)
    return max(db.scalar(last) or 0, db.scalar(other) or 0)


def in_doubt() -> ColumnElement[bool]:
    """The condition for a message whose sending has come to no end, or whose process died while it was sent."""
    return and_(t.runs.c.phase == "submitting", t.runs.c.since < logs.now() - _SUBMITTING)


def _settle(db: Connection, id: str) -> bool:
    """Give up a message in doubt: the server's turns have it if it has arrived. For workflows they have nothing."""
    row = db.execute(select(t.runs).where(t.runs.c.conversation_id == id, in_doubt())).one_or_none()
    if row is None:
        return False
    this = t.runs.c.id == row.id
    if row.workflow:
        log = [RunEvent(1, logs.now(), RunEnded(Outcome.FAILED, NOT_CONFIRMED))]
        db.execute(update(t.runs).where(this).values(phase="ended", since=logs.now(), **ended(log)))
    else:
        db.execute(delete(t.runs).where(this))
        db.execute(delete(t.turns).where(t.turns.c.conversation_id == id, t.turns.c.id == row.id))
    return True


def is_submitting(db: Connection, id: str) -> bool:
    """Return whether a message is being sent into a conversation."""
    here = and_(t.runs.c.conversation_id == id, t.runs.c.phase == "submitting")
    return db.scalar(select(t.runs.c.id).where(here)) is not None


def tick(db: Connection, id: str) -> datetime:
    """Set a locked conversation's time, forward even if the clock went back."""
    this = t.conversations.c.id == id
    before: datetime = db.execute(select(t.conversations.c.updated_at).where(this)).scalar_one()
    at = max(logs.now(), before + timedelta(microseconds=1))
    db.execute(update(t.conversations).where(this).values(updated_at=at))
    return at


def _put_in_order(db: Connection, id: str, turns: Sequence[ServerTurn]) -> bool:
    """Give everything its place in the server's order. What the server does not know stays behind what it follows."""
    there: dict[str, int] = {}
    for number, turn in enumerate(turns):
        there.setdefault(turn.id, number)
    asked = db.execute(select(t.turns.c.id, t.turns.c.place).where(t.turns.c.conversation_id == id)).all()
    columns = t.runs.c.id, t.runs.c.place, t.runs.c.turn_id, t.runs.c.assistant_turn_id
    tried = db.execute(select(*columns).where(t.runs.c.conversation_id == id)).all()
    known: list[tuple[Table, Any, tuple[str, ...]]] = [(t.turns, row, (row.id,)) for row in asked]
    known += [(t.runs, row, (row.assistant_turn_id, row.turn_id)) for row in tried]
    known.sort(key=lambda item: (item[1].place, item[0] is t.runs))
    numbers, number = [], -1
    for _, _, names in known:
        number = next((there[name] for name in names if name in there), number)
        numbers.append(number)
    if numbers == sorted(numbers):
        return False
    ordered = sorted(zip(numbers, known, strict=True), key=lambda each: each[0])
    for place, (_, (table, row, _)) in enumerate(ordered, 1):
        this = and_(table.c.conversation_id == id, table.c.id == row.id)
        db.execute(update(table).where(this).values(place=place))
    return True


def _adopt(db: Connection, conversation_id: str, turn_id: str, turn: ServerTurn, place: int) -> None:
    """Remember an answer whose run is not known as a run of its own, so that it is shown and found as any other."""
    at = logs.now()
    id = uuid5(NAMESPACE_OID, f"{conversation_id}\n{turn.id}").hex
    log = [RunEvent(SPAN, at, TextReplaced(turn.text)), RunEvent(SPAN + 1, at, RunEnded(Outcome.COMPLETED))]
    values: dict[str, Any] = {"id": id, "conversation_id": conversation_id, "turn_id": turn_id, "place": place}
    values |= {"workflow": False, "phase": "ended", "since": at, "created_at": at, "assistant_turn_id": turn.id}
    db.execute(insert(t.runs).values(**values, **ended(log)))


def ended(log: Sequence[RunEvent]) -> dict[str, Any]:
    """Return the columns of a run that has ended with this log."""
    view = fold(log)
    columns = {"log": logs.write(log), "shown": logs.write(compact(log), raw=False), "state": view.state.value}
    return {**columns, "text": view.text, "folded": searchable(view.text), "active": None, "request": None}


def to_run(row: Row[Any], user_id: str, state: RunState | None = None) -> Run:
    return Run(row.id, row.conversation_id, user_id, row.turn_id, state or RunState(row.state), row.created_at)


def _turns(db: Connection, id: str, user_id: str, live: Mapping[str, Sequence[RunEvent]]) -> Iterable[Turn]:
    asked = db.execute(select(t.turns).where(t.turns.c.conversation_id == id)).all()
    columns = [column for column in t.runs.c if column.name not in ("log", "folded")]
    # Before the server has taken the message, nobody can ask it about the run.
    known = and_(t.runs.c.conversation_id == id, t.runs.c.phase != "submitting")
    tried = db.execute(select(*columns).where(known)).all()
    for row in sorted([*asked, *tried], key=lambda row: (row.place, hasattr(row, "phase"))):
        if not hasattr(row, "phase"):
            yield Turn(row.id, "user", row.text, row.created_at)
            continue
        events = logs.read(row.shown) if row.phase == "ended" else compact(live.get(row.id) or logs.read(row.shown))
        view = fold(events)
        state = RunState(row.state) if view.state.live else view.state
        yield Turn(row.id, "assistant", view.text, row.created_at, to_run(row, user_id, state), tuple(events))


def _conversation(row: Row[Any]) -> Conversation:
    state = None if row.state is None else RunState(row.state)
    return Conversation(row.id, row.user_id, row.title, row.created_at, row.updated_at, state)
