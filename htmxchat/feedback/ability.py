"""What a backend can do that keeps feedback."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..models import User
from .given import Feedback, Rating


@runtime_checkable
class KeepsFeedback(Protocol):
    """A backend that keeps what users think of answers.

    `Turn.feedback` has that of an answer. `Transcript.feedback` and `Overview.feedback` are a number that rises with
    every change of feedback in the conversation. What is deleted takes its feedback with it.
    """

    async def give_feedback(
        self, user: User, run_id: str, rating: Rating | None, comment: str | None = None
    ) -> Feedback | None:
        """Set the feedback on the answer of a run, and return what is kept now.

        Args:
            rating: `None` removes the feedback with its comment.
            comment: The comment; `None` keeps the one that is there.
        """
        ...
