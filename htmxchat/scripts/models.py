"""A script in the queue, as plain frozen data. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from ..kinds import check_fields
from .result import ScriptResult, ScriptState


@dataclass(frozen=True, slots=True)
class FromAgent:
    """The agent proposed it.

    Attributes:
        script_id: The id in `ScriptProposed`, unique in the run.
    """

    script_id: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class FromAnswer:
    """The user queued it from the text of the answer.

    Attributes:
        block: The number of the Python block, from 0.
    """

    block: int

    def __post_init__(self) -> None:
        check_fields(self)


ScriptOrigin: TypeAlias = FromAgent | FromAnswer
"""Where in its run a script is from."""


@dataclass(frozen=True, slots=True)
class Script:
    """Python from an answer, in the queue of its conversation.

    Attributes:
        origin: Where in the run it is from.
        position: Its position in the queue.
        awaited: Whether its run waits for the result.
        edited: Whether the user changed the text.
        approved: The SHA-256 of the approved text.
        trusted: Whether it was approved because the user trusts all scripts of the conversation.
        revision: Rises with every change.
        runner: The page that runs it, or ran it last.
        lease_until: When that page counts as gone without a heartbeat.
        cleared: Whether the user has hidden it.
        elsewhere: Whether it is on a branch that is not shown.
    """

    id: str
    conversation_id: str
    run_id: str
    origin: ScriptOrigin
    title: str
    code: str
    state: ScriptState
    position: int
    created_at: datetime
    awaited: bool = False
    edited: bool = False
    approved: str | None = None
    trusted: bool = False
    revision: int = 0
    approved_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    runner: str | None = None
    lease_until: datetime | None = None
    result: ScriptResult | None = None
    cleared: bool = False
    elsewhere: bool = False

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def proposal(self) -> str:
        """The `script_id` of its proposal; empty for a block of an answer."""
        return self.origin.script_id if isinstance(self.origin, FromAgent) else ""
