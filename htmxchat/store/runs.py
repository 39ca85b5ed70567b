"""The store's part for runs, as their users see them. `run_logs` is for those who carry them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from ..cleaning import clean_json, clean_text, one_line, searchable
from ..errors import Conflict, InvalidInput, NotFound
from ..events import JSON, RunEnded, RunEvent
from ..models import Run, RunSummary, Turn
from . import rows, run_rows
from . import tables as t
from .conversations import LARGEST_PAGE, LONGEST_TITLE, Conversations
from .waiting import told

_DELETED = "This message was sent before, and its conversation was deleted. Reload the page to send it again."


@dataclass(frozen=True, slots=True)
class Started:
    """A run that was just stored, with what its agent needs to know.

    Attributes:
        text: What the user wrote.
        history: The turns before it, oldest first, without events.
        events: What is in its log already.
        before: Whether the same submission had started it before.
    """

    run: Run
    text: str
    history: tuple[Turn, ...]
    events: tuple[RunEvent, ...]
    before: bool = False


class Runs(Conversations):
    """Runs, each begun for a turn of a conversation."""

    async def start_run(
        self,
        user_id: str,
        conversation_id: str | None,
        text: str,
        *,
        owner: str,
        submission: str | None = None,
        most: int | None = None,
    ) -> Started:
        """Store a user's turn and a live run that answers it; without an id, in a new conversation.

        Args:
            owner: Who writes the run's log: 32 characters at most, different for every backend object.
            submission: What the page calls this message. The same text with the same one is stored once.
            most: How many live runs the user may have, this one included.

        Raises:
            Busy: The conversation has a live run; nothing was stored.
            TooManyRuns: The user would have more than `most`; nothing was stored.
        """
        text = clean_text(text)

        # Ids that say which submission they are of: no two processes can store it both.
        about = [user_id, conversation_id, submission, text]
        new_id, turn_id = (
            (rows.new_id(), rows.new_id())
            if submission is None
            else (rows.id_of("conversation", *about), rows.id_of("turn", *about))
        )

        def work(db: Connection) -> Started:
            if submission is not None and (run := rows.latest_run(db, user_id, turn_id)) is not None:
                return Started(run, text, (), (), before=True)
            if submission is not None and db.scalar(select(t.turns.c.id).where(t.turns.c.id == turn_id)) is not None:
                raise Conflict(_DELETED)
            conversation, at = rows.touch(db, user_id, conversation_id, text, new_id=new_id)
            values = {"id": turn_id, "conversation_id": conversation, "text": text, "created_at": at}
            db.execute(insert(t.turns).values(**values, folded=searchable(text)))
            return _begin(db, user_id, conversation, turn_id, owner, at, most)

        await self._purge()
        return await self._write(work)

    async def retry_run(self, user_id: str, run_id: str, *, owner: str, most: int | None = None) -> Started:
        """Store another live run for the turn that `run_id` answered.

        Raises:
            Busy: The conversation has a live run.
            InvalidInput: The turn is not the conversation's latest.
            TooManyRuns: The user would have more than `most` live runs.
        """

        def work(db: Connection) -> Started:
            run = rows.find_run(db, user_id, run_id)
            _, at = rows.touch(db, user_id, run.conversation_id)
            turns = select(t.turns.c.id).where(t.turns.c.conversation_id == run.conversation_id)
            if db.scalar(turns.order_by(t.turns.c.created_at.desc()).limit(1)) != run.turn_id:
                raise InvalidInput("Only the latest answer can be tried again.")
            # A search must not find what the transcript no longer shows.
            db.execute(update(t.runs).where(t.runs.c.turn_id == run.turn_id).values(folded=""))
            return _begin(db, user_id, run.conversation_id, run.turn_id, owner, at, most)

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
        standing = rows.run_standing().label("standing")
        found = (
            select(*columns, t.turns.c.text.label("question"), ended.label("ended_at"), standing)
            .join(t.turns, t.turns.c.id == t.runs.c.turn_id)
            .where(t.runs.c.conversation_id == conversation_id)
            .order_by(t.runs.c.created_at.desc(), t.runs.c.id.desc())
            .limit(max(1, min(limit, LARGEST_PAGE)))
        )

        def work(db: Connection) -> tuple[RunSummary, ...]:
            rows.find(db, user_id, conversation_id)
            return tuple(
                RunSummary(
                    rows.to_run(row), one_line(row.question, LONGEST_TITLE), row.ended_at, waiting=told(row.standing)[1]
                )
                for row in db.execute(found).all()
            )

        return await self._read(work)

    async def request_stop(self, user_id: str, run_id: str) -> None:
        """Ask the owner of a run to stop it; nothing happens to one that has ended."""

        def work(db: Connection) -> None:
            rows.find_run(db, user_id, run_id)
            run_rows.ask_to_stop(db, run_id)

        await self._write(work)

    async def put_answer(self, user_id: str, run_id: str, request_id: str, answer: JSON) -> None:
        """Leave an answer for the owner of a run.

        Raises:
            NotFound: Also when the run does not wait for this request, or when it was answered before.
        """

        def work(db: Connection) -> None:
            rows.find_run(db, user_id, run_id)
            # The owner cannot commit anything until this is done.
            (run,) = run_rows.lock_runs(db, [run_id])
            if not run.active or run_rows.awaited(db, run_id) != request_id:
                raise NotFound
            given = select(t.answers.c.run_id).where(t.answers.c.run_id == run_id, t.answers.c.request_id == request_id)
            if db.scalar(given) is not None:
                raise NotFound
            values = {"run_id": run_id, "request_id": request_id, "answer": clean_json(answer)}
            db.execute(insert(t.answers).values(**values))

        await self._write(work)


def _begin(
    db: Connection, user_id: str, conversation_id: str, turn_id: str, owner: str, at: datetime, most: int | None
) -> Started:
    run = run_rows.begin(db, user_id, conversation_id, turn_id, owner, at)
    if most is not None:
        run_rows.check_number(db, run, most)
    turns = rows.read_turns(db, conversation_id)
    position = next(index for index, turn in enumerate(turns) if turn.id == turn_id)
    return Started(run, turns[position].text, tuple(turns[:position]), tuple(rows.read_events(db, run.id, 0)))
