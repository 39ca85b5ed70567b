"""What a user thinks of one answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from ..kinds import check_fields

Rating: TypeAlias = Literal["up", "down"]
RATINGS: tuple[Rating, ...] = get_args(Rating)


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's feedback on one version of an answer.

    Attributes:
        rating: `up` or `down`.
        given_at: When it was given or last changed.
        comment: What the user wrote about the answer; may be empty.
    """

    rating: Rating
    given_at: datetime
    comment: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
