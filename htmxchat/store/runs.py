"""Runs in the store, for their users. `run_logs` is for the processes that execute them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select, true, update

from ..errors import Conflict, NotFound
from ..events import JSON, RunEnded, RunEvent
from ..models import Run, RunState, RunSummary
from ..text.cleaning import clean_json, clean_text, one_line, searchable
from . import branches, file_rows, notices, rows, run_rows
from . import tables as t
from .conversations import MAX_PAGE, Conversations
from .database import Database
from .notices import Notice
from .waiting import parse_standing


@dataclass(frozen=True, slots=True)
class Started:
    """A stored run.

    Attributes:
        events: The events in its log.
        before: Whether an earlier request with the same submission started it.
    """

    run: Run
    events: tuple[RunEvent, ...] = ()
    before: bool = False


class Runs:
    """Runs, each started for a turn of a conversation."""

    def __init__(self, database: Database, conversations: Conversations) -> None:
        self._database = database
        self._conversations = conversations

    async def start_run(
        self,
        user_id: str,
        conversation_id: str | None,
        text: str,
        *,
        owner: str,
        agent: str | None = None,
        answered_by: str = "",
        submission: str | None = None,
        instead_of: str | None = None,
        most: int | None = None,
        files: Sequence[str] | None = (),
    ) -> Started:
        """Store a user's turn and an active run that answers it; without a `conversation_id`, in a new conversation.

        Args:
            owner: The process that writes the run's log: 32 characters at most, different for every backend object.
            agent: The name of the agent that can resume the run in another process; `None` if none can.
            answered_by: The name of the agent that answers, if the backend names its agents.
            submission: The page's idempotency key. The same text with the same key is stored once.
            instead_of: A turn of the conversation that this one replaces, on a new branch.
            most: How many active runs the user may have, this one included.
            files: The ids of what comes with it: drafts of the user, or files of the same conversation. `None`: what
                came with the turn that it stands for.

        Raises:
            Busy: The conversation has an active run; nothing was stored.
            InvalidInput: A file is neither, or not there any more; nothing was stored.
            TooManyRuns: The user would have more than `most`; nothing was stored.
        """
        text = clean_text(text)

        # Ids derived from the submission: two processes cannot both store it.
        about = [user_id, conversation_id, submission, text, *([instead_of] if instead_of else [])]
        new_id, turn_id = (
            (rows.new_id(), rows.new_id())
            if submission is None
            else (rows.id_of("conversation", *about), rows.id_of("turn", *about))
        )

        def work(db: Connection) -> Started:
            if submission is not None and (before := rows.turn_sent(db, turn_id)) is not None:
                if isinstance(before, str):
                    raise Conflict(before)
                return Started(before, before=True)
            if conversation_id is None:
                title = text if text.strip() else file_rows.names(db, user_id, files or ())
                conversation, head, at = new_id, None, rows.add_conversation(db, user_id, new_id, title)
            else:
                conversation = conversation_id
                at, head = rows.lock_conversation(db, user_id, conversation)
                run_rows.check_idle(db, conversation)
            if instead_of is not None:
                head = branches.parent_of(db, conversation, instead_of)
            values = {"id": turn_id, "conversation_id": conversation, "text": text, "created_at": at, "follows": head}
            db.execute(insert(t.turns).values(**values, folded=searchable(text)))
            ids = file_rows.sent_with(db, instead_of) if files is None and instead_of is not None else files or ()
            file_rows.attach(db, user_id, conversation, turn_id, ids)
            run = Run(rows.new_id(), conversation, user_id, turn_id, RunState.RUNNING, at, answered_by)
            started = _begin(db, run, owner, agent, most)
            if instead_of is not None:
                branches.show(db, conversation, run.id)
            return started

        await self._conversations.purge()
        return await self._database.write(work)

    async def retry_run(
        self,
        user_id: str,
        run_id: str,
        *,
        owner: str,
        agent: str | None = None,
        answered_by: str = "",
        most: int | None = None,
    ) -> Started:
        """Store another active run for the turn that `run_id` answered. The earlier answers are kept, with
        the turns after them.

        Raises:
            Busy: The conversation has an active run.
            TooManyRuns: The user would have more than `most` active runs.
        """

        def work(db: Connection) -> Started:
            run = rows.find_run(db, user_id, run_id)
            at, _ = rows.lock_conversation(db, user_id, run.conversation_id)
            run_rows.check_idle(db, run.conversation_id)
            begun = replace(run, id=rows.new_id(), state=RunState.RUNNING, created_at=at, agent=answered_by)
            started = _begin(db, begun, owner, agent, most)
            branches.show(db, begun.conversation_id, begun.id)
            return started

        return await self._database.write(work)

    async def get_run(self, user_id: str, run_id: str) -> Run:
        """Return one run."""
        return await self._database.read(lambda db: rows.find_run(db, user_id, run_id))

    async def agent_of(self, user_id: str, run_id: str) -> str:
        """Return the name of the agent of a run; empty if it has none."""
        return (await self.get_run(user_id, run_id)).agent

    async def last_agent(self, user_id: str, conversation_id: str | None, turn_id: str | None = None) -> str:
        """Return the name of the agent that gave the last answer of the shown branch, or to this turn; may be empty."""
        if conversation_id is None:
            return ""
        runs = select(t.runs.c.answered_by).where(t.runs.c.conversation_id == conversation_id)
        runs = runs.order_by(t.runs.c.created_at.desc(), t.runs.c.id.desc()).limit(1)

        def work(db: Connection) -> str:
            head = rows.find(db, user_id, conversation_id).head
            this = t.runs.c.turn_id == turn_id if turn_id else t.runs.c.id == head if head else true()
            return db.scalar(runs.where(this)) or ""

        return await self._database.read(work)

    async def list_runs(self, user_id: str, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs of the branch that is shown, latest first."""
        ended = (
            select(t.events.c.at)
            .where(t.events.c.run_id == t.runs.c.id, t.events.c.type == RunEnded.__name__)
            .scalar_subquery()
        )
        standing = rows.run_standing().label("standing")
        found = (
            select(*rows.RUN, t.turns.c.text.label("question"), ended.label("ended_at"), standing)
            .join(*rows.TURN_OF_RUN)
            .order_by(t.runs.c.created_at.desc(), t.runs.c.id.desc())
        )

        def work(db: Connection) -> tuple[RunSummary, ...]:
            head = rows.find(db, user_id, conversation_id).head
            path = branches.read_tree(db, conversation_id).path(head)[-max(1, min(limit, MAX_PAGE)) :]
            return tuple(
                RunSummary(
                    rows.to_run(row),
                    one_line(row.question, rows.MAX_TITLE),
                    row.ended_at,
                    waiting=parse_standing(row.standing)[1],
                )
                for row in db.execute(found.where(t.runs.c.id.in_([run.id for run in path]))).all()
            )

        return await self._database.read(work)

    async def show_version(self, user_id: str, conversation_id: str, id: str) -> None:
        """Show the branch of a turn or run, to its end.

        Raises:
            NotFound: Also if the conversation has no such turn or run.
            Busy: The conversation has an active run.
        """

        def work(db: Connection) -> None:
            rows.lock_conversation(db, user_id, conversation_id)
            run_rows.check_idle(db, conversation_id)
            tree = branches.read_tree(db, conversation_id)
            if (head := tree.last_run_of(id)) is None:
                raise NotFound
            branches.show(db, conversation_id, head)

        await self._database.write(work)

    async def request_stop(self, user_id: str, run_id: str) -> None:
        """Ask the owner of a run to stop it; a run without an owner ends. An ended run is not changed."""

        def work(db: Connection) -> None:
            rows.find_run(db, user_id, run_id)
            run_rows.request_stop(db, run_id)

        await self._database.write(work)

    async def put_answer(self, user_id: str, run_id: str, request_id: str, answer: JSON) -> None:
        """Store an answer for the owner of a run.

        Raises:
            NotFound: Also if the run does not wait for this request, or it is already answered.
        """

        def work(db: Connection) -> None:
            rows.find_run(db, user_id, run_id)
            # The owner cannot commit until this transaction has ended.
            (run,) = run_rows.lock_runs(db, [run_id])
            if not run.active or run_rows.awaited(db, run_id) != request_id:
                raise NotFound
            given = select(t.answers.c.run_id).where(t.answers.c.run_id == run_id, t.answers.c.request_id == request_id)
            if db.scalar(given) is not None:
                raise NotFound
            values = {"run_id": run_id, "request_id": request_id, "answer": clean_json(answer)}
            db.execute(insert(t.answers).values(**values))
            notices.note(db, Notice.ANSWER, [run_id])
            if run.owner is None:
                db.execute(update(t.runs).where(t.runs.c.id == run_id).values(released_at=rows.now()))

        await self._database.write(work)


def _begin(db: Connection, run: Run, owner: str, agent: str | None, most: int | None) -> Started:
    event = run_rows.begin(db, run, owner, agent)
    if most is not None:
        run_rows.check_number(db, run, most)
    return Started(run, (event,))
