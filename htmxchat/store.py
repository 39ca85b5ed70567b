"""The durable log: conversations, turns, runs and events in any database that SQLAlchemy's asyncio engine can use.

The log is the truth; notification is only a wake-up. Everything that somebody asks for by id takes the user's id, and
raises `NotFound` for what belongs to somebody else exactly as for what never existed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from . import rows, script_rows
from . import tables as t
from .cleaning import clean_json, clean_text, one_line, searchable
from .errors import InvalidInput, NotFound
from .events import JSON, InputAnswered, Outcome, RunEnded, RunEvent, ScriptFinished
from .models import Conversation, ConversationPage, Run, RunSummary, Transcript, Turn
from .script_log import ScriptLog
from .sessions import Sessions
from .view import compact

LONGEST_TITLE = 200
LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Started:
    """A run that was just stored, with what its agent needs to know.

    Attributes:
        text: What the user wrote.
        history: The turns before it, oldest first, without events.
        events: What is in its log already.
    """

    run: Run
    text: str
    history: tuple[Turn, ...]
    events: tuple[RunEvent, ...]


class Store(Sessions, ScriptLog):
    """The chat's memory. asyncio only.

    `Store()` lives in memory and dies with the object, `Store("sqlite+aiosqlite:///chat.db")` is a file that several
    processes of one machine can share, a `postgresql+asyncpg` URL serves many machines, whose clocks must agree to
    within a second or so. Tables are created at first use.

    A deleted conversation is hidden at once and can be restored for `keep_deleted` seconds; after that, one of the
    next calls removes it with everything in it.

    Args:
        url: An SQLAlchemy URL with an async driver, or `None` for a store in memory.
        keep_deleted: For how many seconds a deletion can be undone.

    Raises:
        ValueError: The URL cannot be used.
        BackendUnavailable: By every method, when the database cannot be reached or fails. The log says why.
    """

    def __init__(self, url: str | None = None, *, keep_deleted: float = 600.0) -> None:
        super().__init__(url)
        self._keep_deleted = timedelta(seconds=keep_deleted)
        self._purged_at: datetime | None = None

    # Conversations

    async def list_conversations(
        self, user_id: str, query: str = "", *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return a page of the user's conversations, the last changed first.

        Args:
            query: Words that must all occur in the title, in what the user wrote or in finished answers, in any
                letter case.
            limit: How many at most; between 1 and 200, other numbers become the nearest.

        Raises:
            InvalidInput: The cursor is broken, or the query has more than 500 characters.
        """
        limit = max(1, min(limit, LARGEST_PAGE))
        found = and_(rows.mine(user_id), rows.matching(query), rows.following(cursor))
        latest = t.conversations.c.updated_at.desc(), t.conversations.c.id.desc()
        state = rows.latest_state(t.conversations.c.id).scalar_subquery()
        statement = select(t.conversations, state.label("state")).where(found).order_by(*latest).limit(limit + 1)
        found_rows = await self._read(lambda db: db.execute(statement).all())
        items = tuple(rows.to_conversation(row, row.state) for row in found_rows[:limit])
        return ConversationPage(items, rows.cursor_after(items[-1]) if len(found_rows) > limit else None)

    async def get_conversation(self, user_id: str, conversation_id: str) -> Conversation:
        """Return a conversation without its turns."""

        def work(db: Connection) -> Conversation:
            row = rows.find(db, user_id, conversation_id)
            return rows.to_conversation(row, db.scalar(rows.latest_state(row.id)))

        return await self._read(work)

    async def load_transcript(
        self, user_id: str, conversation_id: str, *, live: Mapping[str, Sequence[RunEvent]] | None = None
    ) -> Transcript:
        """Return a conversation with all its turns; the events of each are compacted.

        Args:
            live: Events of live runs, by run id, that the caller knows, so that they need not be read.
        """

        def work(db: Connection) -> Transcript:
            row = rows.find(db, user_id, conversation_id)
            turns = rows.read_turns(db, conversation_id, live=live or {})
            state = db.scalar(rows.latest_state(row.id))
            return Transcript(rows.to_conversation(row, state), tuple(turns))

        return await self._read(work)

    async def rename_conversation(self, user_id: str, conversation_id: str, title: str) -> None:
        """Set the title: one line, white space folded, cut after 200 characters.

        Raises:
            InvalidInput: The title is empty.
        """
        line = one_line(title, LONGEST_TITLE)
        if not line:
            raise InvalidInput("A conversation needs a title.")

        def work(db: Connection) -> None:
            rows.find(db, user_id, conversation_id)
            change = update(t.conversations).where(t.conversations.c.id == conversation_id)
            db.execute(change.values(title=line, folded=searchable(line)))

        await self._write(work)

    async def delete_conversation(self, user_id: str, conversation_id: str) -> str | None:
        """Hide a conversation until it is restored or purged. Returns its live run's id; that run is asked to stop."""

        def work(db: Connection) -> str | None:
            rows.find(db, user_id, conversation_id)
            this = t.conversations.c.id == conversation_id
            db.execute(update(t.conversations).where(this).values(deleted_at=rows.now()))
            live = select(t.runs.c.id).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
            run_id: str | None = db.scalar(live)
            if run_id is not None:
                rows.ask_to_stop(db, run_id)
            return run_id

        await self._purge()
        return await self._write(work)

    async def restore_conversation(self, user_id: str, conversation_id: str) -> None:
        """Undo a deletion.

        Raises:
            NotFound: Also when it is too late, or when it was not deleted.
        """
        deleted = and_(
            rows.mine(user_id, deleted=True),
            t.conversations.c.id == rows.known_id(conversation_id),
            t.conversations.c.deleted_at >= rows.now() - self._keep_deleted,
        )
        undo = update(t.conversations).where(deleted).values(deleted_at=None)
        await self._purge()
        if not await self._write(lambda db: db.execute(undo).rowcount):
            raise NotFound

    async def _purge(self) -> None:
        now = rows.now()
        if self._purged_at is not None and now - self._purged_at < min(self._keep_deleted, timedelta(minutes=1)):
            return
        self._purged_at = now
        gone = t.conversations.c.deleted_at < now - self._keep_deleted

        def work(db: Connection) -> None:
            script_rows.remove(db, gone)
            db.execute(delete(t.conversations).where(gone))

        await self._write(work)

    # Runs

    async def start_run(self, user_id: str, conversation_id: str | None, text: str, *, owner: str) -> Started:
        """Store a user's turn and a live run that answers it; without an id, in a new conversation.

        Args:
            owner: Who writes the run's log: 32 characters at most, different for every backend object.

        Raises:
            Busy: The conversation has a live run; nothing was stored.
        """
        text = clean_text(text)

        def work(db: Connection) -> Started:
            conversation, at = rows.touch(db, user_id, conversation_id, text)
            turn_id = rows.new_id()
            values = {"id": turn_id, "conversation_id": conversation, "text": text, "created_at": at}
            db.execute(insert(t.turns).values(**values, folded=searchable(text)))
            return _begin(db, user_id, conversation, turn_id, owner, at)

        await self._purge()
        return await self._write(work)

    async def retry_run(self, user_id: str, run_id: str, *, owner: str) -> Started:
        """Store another live run for the turn that `run_id` answered.

        Raises:
            Busy: The conversation has a live run.
            InvalidInput: The turn is not the conversation's latest.
        """

        def work(db: Connection) -> Started:
            run = rows.find_run(db, user_id, run_id)
            _, at = rows.touch(db, user_id, run.conversation_id)
            turns = select(t.turns.c.id).where(t.turns.c.conversation_id == run.conversation_id)
            if db.scalar(turns.order_by(t.turns.c.created_at.desc()).limit(1)) != run.turn_id:
                raise InvalidInput("Only the latest answer can be tried again.")
            # A search must not find what the transcript no longer shows.
            db.execute(update(t.runs).where(t.runs.c.turn_id == run.turn_id).values(folded=""))
            return _begin(db, user_id, run.conversation_id, run.turn_id, owner, at)

        return await self._write(work)

    async def get_run(self, user_id: str, run_id: str) -> Run:
        """Return one run."""
        return await self._read(lambda db: rows.find_run(db, user_id, run_id))

    async def list_runs(self, user_id: str, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs of a conversation, latest first; also those that another took the place of."""
        ended = (
            select(t.events.c.at)
            .where(t.events.c.run_id == t.runs.c.id, t.events.c.type == RunEnded.__name__)
            .scalar_subquery()
        )
        columns = [column for column in t.runs.c if column.name not in ("log", "text", "folded")]
        found = (
            select(*columns, t.turns.c.text.label("question"), ended.label("ended_at"))
            .join(t.turns, t.turns.c.id == t.runs.c.turn_id)
            .where(t.runs.c.conversation_id == conversation_id)
            .order_by(t.runs.c.created_at.desc(), t.runs.c.id.desc())
            .limit(max(1, min(limit, LARGEST_PAGE)))
        )

        def work(db: Connection) -> tuple[RunSummary, ...]:
            rows.find(db, user_id, conversation_id)
            return tuple(
                RunSummary(rows.to_run(row), one_line(row.question, LONGEST_TITLE), row.ended_at)
                for row in db.execute(found).all()
            )

        return await self._read(work)

    async def request_stop(self, user_id: str, run_id: str) -> None:
        """Ask the owner of a run to stop it; nothing happens to one that has ended."""

        def work(db: Connection) -> None:
            rows.find_run(db, user_id, run_id)
            rows.ask_to_stop(db, run_id)

        await self._write(work)

    async def put_answer(self, user_id: str, run_id: str, request_id: str, answer: JSON) -> None:
        """Leave an answer for the owner of a run.

        Raises:
            NotFound: Also when the run does not wait for this request, or when it was answered before.
        """

        def work(db: Connection) -> None:
            rows.find_run(db, user_id, run_id)
            # This write comes first because it locks the run: the owner cannot commit anything until this is done.
            lock = update(t.runs).where(t.runs.c.id == run_id, t.runs.c.active == 1).values(active=1)
            if not db.execute(lock).rowcount or rows.awaited(db, run_id) != request_id:
                raise NotFound
            values = {"run_id": run_id, "request_id": request_id, "answer": clean_json(answer)}
            try:
                db.execute(insert(t.answers).values(**values))
            except IntegrityError:
                raise NotFound from None

        await self._write(work)

    # The rest is for a run's owner, and for whoever finds it dead. No user is asked for.

    async def append_events(self, run_id: str, owner: str, events: Sequence[RunEvent], *, again: bool = False) -> bool:
        """Write more of a live run's log.

        Args:
            events: Numbered from the next number of the log on, without gaps.
            again: An earlier call with these events failed, but may have got through.

        Returns:
            `False`, having written nothing, when the run is not the owner's any more.
        """
        # Whoever ends a run takes its next number, so the usual case needs no look at the owner: writing that number
        # again is what fails. An answer is used up under the run's lock.
        careful = again or any(isinstance(event.body, InputAnswered | ScriptFinished) for event in events)

        def work(db: Connection) -> bool:
            if careful and not rows.renew(db, run_id, owner):
                return False
            rows.insert_events(db, run_id, events, again=again)
            return True

        try:
            return await self._write(work)
        except IntegrityError:
            return False

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
            conversation_id = rows.lock_conversation_of(db, run_id)
            if not rows.renew(db, run_id, owner):
                # A run that somebody else ended has no owner. If it still names this one, an earlier call got through.
                mine = select(t.runs.c.id).where(t.runs.c.id == run_id, t.runs.c.owner == owner)
                return again and db.scalar(mine) is not None
            rows.insert_events(db, run_id, events, again=again)
            rows.end(db, run_id, conversation_id, log)
            return True

        return await self._write(work)

    async def renew_lease(self, run_id: str, owner: str) -> bool | None:
        """Say that the owner is alive. Returns whether the run was asked to stop, `None` if it is not the owner's."""

        def work(db: Connection) -> bool | None:
            if not rows.renew(db, run_id, owner):
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

    async def dead_runs(self, user_id: str, silent_since: datetime) -> list[str]:
        """Return the ids of the user's live runs whose owners have said nothing since then."""
        dead = and_(t.runs.c.user_id == user_id, t.runs.c.active == 1, t.runs.c.alive_at < silent_since)
        statement = select(t.runs.c.id).join(t.conversations).where(rows.mine(user_id), dead)
        return list(await self._read(lambda db: db.scalars(statement).all()))

    async def end_dead_run(self, run_id: str, silent_since: datetime, error: str) -> bool:
        """End a run as failed, unless its owner has said something since then. Returns whether this call ended it."""

        def work(db: Connection) -> bool:
            conversation_id = rows.lock_conversation_of(db, run_id)
            dead = and_(t.runs.c.id == run_id, t.runs.c.active == 1, t.runs.c.alive_at < silent_since)
            if not db.execute(update(t.runs).where(dead).values(owner=None)).rowcount:
                return False
            events = rows.read_events(db, run_id, 0)
            end = RunEvent(events[-1].seq + 1, rows.now(), RunEnded(Outcome.FAILED, error))
            rows.insert_events(db, run_id, [end])
            rows.end(db, run_id, conversation_id, compact([*events, end]))
            return True

        return await self._write(work)


def _begin(db: Connection, user_id: str, conversation_id: str, turn_id: str, owner: str, at: datetime) -> Started:
    run = rows.begin(db, user_id, conversation_id, turn_id, owner, at)
    turns = rows.read_turns(db, conversation_id)
    position = next(index for index, turn in enumerate(turns) if turn.id == turn_id)
    return Started(run, turns[position].text, tuple(turns[:position]), tuple(rows.read_events(db, run.id, 0)))
