"""A conversation that is shared: as its owner knows it, and as its reader does. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ..kinds import check_fields


@dataclass(frozen=True, slots=True)
class SharedLink:
    """A conversation that anyone with the address may read, for its owner.

    Attributes:
        key: What the address has of it: at least 128 random bits. It is as good as the conversation.
        steps: Whether the agent's thoughts, tools and scripts are shown.
        files: Whether files are.
        turns: How many turns it shows; `None` if unknown.
        latest: Whether these are all of the branch that is shown now, as far as it is finished; `None` if unknown.
        updated_at: When it was shared as it is.
        expires_at: When it ends; `None`: when it is taken back.
    """

    key: str = field(repr=False)
    conversation_id: str
    title: str
    steps: bool
    files: bool
    updated_at: datetime
    expires_at: datetime | None = None
    turns: int | None = None
    latest: bool | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class SharedPage:
    """A shared conversation, for its readers.

    Attributes:
        key: What the address has of it.
        turn_ids: What it shows, in order.
        shared_at: As it was then.
        imported: Whether the conversation was made from a file.
    """

    key: str = field(repr=False)
    title: str
    turn_ids: tuple[str, ...]
    steps: bool
    files: bool
    shared_at: datetime
    imported: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
