"""What an agent may ask of the user, and what a decision about a call is. Standard library only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .kinds import check_fields

if TYPE_CHECKING:
    from .events import JSON

MAX_CHOICES = 100
"""So many answers a question can offer."""

MAX_CHOICE = 1_000
"""So many characters each of them can have."""

MAX_SCHEMA = 100_000
"""So many characters of JSON the schema of an answer can have, and so the arguments of a call."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A call that is made only when the user approves it.

    Attributes:
        tool: What is called.
        arguments: What it is called with, by name.
        schema: A JSON Schema of the arguments, by which they are edited; without one, each stays of its kind.
        editable: Whether the user may change the arguments.
    """

    tool: str
    arguments: dict[str, Any]
    schema: dict[str, Any] | None = None
    editable: bool = True

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the user decided about a call.

    Attributes:
        reason: What they gave as the reason; often empty.
        arguments: What the call is to be made with, all of it; `None` when nothing was changed.
    """

    approved: bool
    reason: str = ""
    arguments: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def of(cls, answer: JSON) -> Decision:
        """Return what an answer decides. Only what says so in so many words approves: an answer can be anything."""
        if not isinstance(answer, dict):
            return cls(False)
        reason, arguments = answer.get("reason"), answer.get("arguments")
        return cls(
            answer.get("approved") is True,
            reason if isinstance(reason, str) else "",
            arguments if isinstance(arguments, dict) else None,
        )

    @property
    def answer(self) -> dict[str, Any]:
        """It as the JSON of an answer."""
        said: dict[str, Any] = {"approved": self.approved}
        if self.reason:
            said["reason"] = self.reason
        if self.arguments is not None:
            said["arguments"] = self.arguments
        return said


def check_question(choices: tuple[str, ...], schema: object, approval: Approval | None) -> None:
    """Check how a question may be answered.

    Raises:
        ValueError: In more than one way, or with more than there is room for.
    """
    if sum((bool(choices), schema is not None, approval is not None)) > 1:
        raise ValueError("InputRequested has choices, a schema or an approval: one of them.")
    if (many := len(choices)) > MAX_CHOICES:
        raise ValueError(
            f"InputRequested.choices has {many:,} choices. Offer {MAX_CHOICES} at most, or none: users write then."
        )
    for number, choice in enumerate(choices):
        if len(choice) > MAX_CHOICE:
            raise ValueError(
                f"InputRequested.choices[{number}] has {len(choice):,} characters. Write {MAX_CHOICE:,} at most;"
                " what explains it can stand in the prompt."
            )
    for name, value in (
        ("schema", schema),
        ("approval.schema", approval and approval.schema),
        ("approval.arguments", approval and approval.arguments),
    ):
        if value and (size := _size(value)) > MAX_SCHEMA:
            raise ValueError(
                f"InputRequested.{name} has {size:,} characters of JSON. {MAX_SCHEMA:,} at most can be asked for."
            )


def _size(value: object) -> int:
    try:
        return len(json.dumps(value, default=str, ensure_ascii=False))
    except (ValueError, RecursionError):  # it holds itself, or goes deeper than what is kept of it
        return 0
