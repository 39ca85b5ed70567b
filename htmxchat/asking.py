"""Limits of questions to the user, and approvals of calls with their decisions. Standard library only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .kinds import check_fields

if TYPE_CHECKING:
    from .events import JSON

MAX_CHOICES = 100
"""The most choices of a question."""

MAX_CHOICE = 1_000
"""The most characters of a choice."""

MAX_SCHEMA = 100_000
"""The most characters of JSON in the schema of an answer, and in the arguments of a call."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A call that needs the user's approval.

    Attributes:
        tool: The tool's name.
        arguments: The arguments, by name.
        schema: A JSON Schema of the arguments, for editing; without one, each value keeps its type.
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
    """The user's decision about a call.

    Attributes:
        reason: The user's reason; often empty.
        arguments: All arguments of the call, as edited; `None` if nothing was changed.
    """

    approved: bool
    reason: str = ""
    arguments: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def of(cls, answer: JSON) -> Decision:
        """Decode an answer, which is untrusted. Only `"approved": true` approves."""
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
        """The answer's JSON."""
        said: dict[str, Any] = {"approved": self.approved}
        if self.reason:
            said["reason"] = self.reason
        if self.arguments is not None:
            said["arguments"] = self.arguments
        return said


def check_question(choices: tuple[str, ...], schema: object, approval: Approval | None) -> None:
    """Check a question's choices, schema and approval.

    Raises:
        ValueError: More than one is given, or one is too large.
    """
    if sum((bool(choices), schema is not None, approval is not None)) > 1:
        raise ValueError("InputRequested may have only one of choices, schema and approval.")
    if (many := len(choices)) > MAX_CHOICES:
        raise ValueError(
            f"InputRequested.choices has {many:,} choices; {MAX_CHOICES} are allowed. Without choices, users write."
        )
    for number, choice in enumerate(choices):
        if len(choice) > MAX_CHOICE:
            raise ValueError(
                f"InputRequested.choices[{number}] has {len(choice):,} characters; {MAX_CHOICE:,} are allowed."
                " Put explanations into the prompt."
            )
    for name, value in (
        ("schema", schema),
        ("approval.schema", approval and approval.schema),
        ("approval.arguments", approval and approval.arguments),
    ):
        if value and (size := _size(value)) > MAX_SCHEMA:
            raise ValueError(f"InputRequested.{name} has {size:,} characters of JSON; {MAX_SCHEMA:,} are allowed.")


def _size(value: object) -> int:
    try:
        return len(json.dumps(value, default=str, ensure_ascii=False))
    except (ValueError, RecursionError):  # circular or too deep; the store cuts such values
        return 0
