"""What users think of answers."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from ..feedback import Feedback, Rating
from ..text.cleaning import clean_text
from . import rows
from . import tables as t
from .database import Database


class KeptFeedback:
    """Feedback on the answers of runs, at most one for each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(self, user_id: str, run_id: str, rating: Rating | None, comment: str | None) -> Feedback | None:
        """Set or remove the feedback on a run's answer; return what is kept now.

        Args:
            rating: `None` removes it.
            comment: `None` keeps the one that is there.
        """

        def work(db: Connection) -> Feedback | None:
            run = rows.find_run(db, user_id, run_id)
            at, _ = rows.lock_conversation(db, user_id, run.conversation_id)
            before = read(db, run.conversation_id).get(run_id)
            said = clean_text(comment) if comment is not None else before.comment if before else ""
            given = Feedback(rating, at, said) if rating else None
            if given and before and (given.rating, given.comment) == (before.rating, before.comment):
                return before
            if given is None and before is None:
                return None
            db.execute(delete(t.feedback).where(t.feedback.c.run_id == run_id))
            if given:
                values = {"rating": given.rating, "comment": given.comment, "given_at": given.given_at}
                db.execute(insert(t.feedback).values(run_id=run_id, conversation_id=run.conversation_id, **values))
            this = t.conversations.c.id == run.conversation_id
            db.execute(update(t.conversations).where(this).values(feedback=t.conversations.c.feedback + 1))
            return given

        return await self._database.write(work)


def read(db: Connection, conversation_id: str) -> dict[str, Feedback]:
    """Return the feedback in a conversation, by run."""
    found = select(t.feedback).where(t.feedback.c.conversation_id == conversation_id)
    return {row.run_id: Feedback(row.rating, row.given_at, row.comment) for row in db.execute(found)}
