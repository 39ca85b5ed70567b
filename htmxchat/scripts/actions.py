"""What can be done with a script. `htmxchat.scripts.states.step` carries it out. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .result import ScriptResult


@dataclass(frozen=True, slots=True)
class Approve:
    """Let it run.

    Attributes:
        digest: Of the text that was shown.
        code: The text to run instead, as the user edited it.
        trusted: No one looked: the user lets this conversation run without asking.
    """

    digest: str
    code: str | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """Never run it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Put another text in its place, to be approved.

    Attributes:
        digest: Of the text that was shown.
    """

    digest: str
    code: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Do not run it, or stop it."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """Run the same text again.

    Attributes:
        digest: Of the text that was shown.
    """

    digest: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A page begins to run it.

    Attributes:
        runner: The page, by an id of its own.
        digest: Of the text that it is about to run.
    """

    runner: str
    digest: str


@dataclass(frozen=True, slots=True)
class Renew:
    """The page that runs it is still there."""

    runner: str


@dataclass(frozen=True, slots=True)
class Abandon:
    """The page that runs it goes away."""

    runner: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The page that ran it reports its result."""

    runner: str
    result: ScriptResult


ScriptAction: TypeAlias = Approve | Reject | Edit | Cancel | Rerun | Claim | Renew | Abandon | Finish
