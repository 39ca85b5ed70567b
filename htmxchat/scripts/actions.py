"""The actions on a script. `htmxchat.scripts.states.step` applies them. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .result import ScriptResult


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve it.

    Attributes:
        digest: The digest of the text that was shown.
        code: The user's edited text, to run instead.
        trusted: Whether it is approved because the user trusts all scripts of the conversation.
    """

    digest: str
    code: str | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """Reject it; it does not run."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace its text; the new text needs approval.

    Attributes:
        digest: The digest of the text that was shown.
    """

    digest: str
    code: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel it, before or while it runs."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """Run the same text again.

    Attributes:
        digest: The digest of the text that was shown.
    """

    digest: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A page begins to run it.

    Attributes:
        runner: The page's id.
        digest: The digest of the text that it is about to run.
    """

    runner: str
    digest: str


@dataclass(frozen=True, slots=True)
class Renew:
    """The page that runs it sends a heartbeat."""

    runner: str


@dataclass(frozen=True, slots=True)
class Abandon:
    """The page that runs it is being closed."""

    runner: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The page that ran it reports its result."""

    runner: str
    result: ScriptResult


ScriptAction: TypeAlias = Approve | Reject | Edit | Cancel | Rerun | Claim | Renew | Abandon | Finish
