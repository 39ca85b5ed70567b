"""What a conversation is made of, for a file that holds it. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ..events import RunEvent
from ..feedback import Feedback
from ..kinds import check_fields
from ..models import Conversation, Role, RunState

FORMAT = "htmxchat-conversation"
VERSION = 1
"""The version of the format. A reader refuses a later one."""


@dataclass(frozen=True, slots=True)
class TurnNode:
    """A turn's place in its conversation.

    Attributes:
        follows: The turn before it; `None` for a first one. An answer follows a message, and a message an answer.
    """

    id: str
    role: Role
    follows: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Outline:
    """A conversation without what its turns hold.

    Attributes:
        nodes: All turns of all branches; each stands after the one that it follows.
        shown: The ids of the turns of the branch that is shown, in order.
        imported_at: When it was made from a file; `None` for one that was held here.
    """

    conversation: Conversation
    nodes: tuple[TurnNode, ...] = ()
    shown: tuple[str, ...] = ()
    imported_at: datetime | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file in an archive.

    Attributes:
        id: What the events of the archive call it. It is given another one where it is kept.
        content: Its bytes.
    """

    id: str
    name: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ArchivedTurn:
    """A turn in an archive.

    Attributes:
        node: Its place. The ids are the archive's own.
        text: What the user wrote; empty for an answer, whose events have it.
        state: How an answer ended.
        agent: The name of the agent that gave it, where there are several.
        events: Those of an answer, from its first to its `RunEnded`.
        files: What a user sent with it, as far as the archive has the bytes.
        feedback: What the user thinks of an answer.
    """

    node: TurnNode
    created_at: datetime
    text: str = ""
    state: RunState = RunState.COMPLETED
    agent: str = ""
    events: tuple[RunEvent, ...] = ()
    files: tuple[ArchivedFile, ...] = ()
    feedback: Feedback | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Archive:
    """A conversation that was read from a file, checked and cleaned.

    Attributes:
        turns: Each stands after the one that it follows.
        shown: The last turn of the branch that was shown; an answer.
        sent: The files that answers gave the user, as far as the archive has the bytes.
        missing: How many files are only named in it.
    """

    title: str
    created_at: datetime
    updated_at: datetime
    turns: tuple[ArchivedTurn, ...]
    shown: str
    sent: tuple[ArchivedFile, ...] = ()
    missing: int = 0

    def __post_init__(self) -> None:
        check_fields(self)
