"""The parts of an answer, in the order in which they happened. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from .events import JSON, InputRequested, ScriptFinished, ScriptProposed
from .files.file import File
from .models import RunState


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch of the answer, Markdown of its own. It may be blank; then nothing of it shows.

    Attributes:
        emptied: Whether it is blank because its words were taken back. What stood around it stays where it is.
    """

    text: str
    emptied: bool = False

    @property
    def blank(self) -> bool:
        return not self.text or self.text.isspace()


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A stretch of reasoning."""

    text: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call. `state` is running, completed or failed; cancelled when the run ended first.

    Attributes:
        found: What it found, in a few words.
        result: What it gave back; of a failed one, what it says of that.
        parallel: Whether another call ran at the same time.
    """

    call_id: str
    name: str
    summary: str
    arguments: JSON
    started_at: datetime
    state: RunState = RunState.RUNNING
    found: str = ""
    result: JSON = None
    ended_at: datetime | None = None
    parallel: bool = False


@dataclass(frozen=True, slots=True)
class ProposedScript:
    """Python that the agent wants to run in the user's browser.

    Attributes:
        finished: How it ended, so far as the run was told; of one that ran again, the last time.
    """

    script: ScriptProposed
    finished: ScriptFinished | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the agent asked the user, and the answer.

    Attributes:
        state: withdrawn when the run ended, was stopped or asked something else first.
        answered_by: The id of the user who answered; empty when it is not known.
    """

    request: InputRequested
    asked_at: datetime
    state: Literal["waiting", "answered", "withdrawn"] = "waiting"
    answer: JSON = None
    answered_by: str = ""
    settled_at: datetime | None = None

    @property
    def answer_text(self) -> str:
        """The answer as text; empty when there is none."""
        if self.state != "answered":
            return ""
        return self.answer if isinstance(self.answer, str) else json.dumps(self.answer, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class SentFiles:
    """Files that the agent gave the user, one after the other."""

    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class CustomPart:
    """Something of the agent's own, as its `Custom` events say; of several with the same name and key, the last."""

    name: str
    data: JSON
    key: str = ""


Step: TypeAlias = Reasoning | ToolCall
Part: TypeAlias = Text | Reasoning | ToolCall | ProposedScript | Question | SentFiles | CustomPart


def is_blank(part: Part) -> bool:
    """Return whether this is a text of which nothing has shown, so it has no place on the page."""
    return isinstance(part, Text) and part.blank and not part.emptied


def joined(texts: Iterable[str]) -> str:
    """Return the texts of an answer as one. Each is Markdown of its own, so an empty line stands between two."""
    shown = [text for text in texts if text and not text.isspace()]
    pieces = [text.lstrip("\n") if number else text for number, text in enumerate(shown)]
    return "\n\n".join([*(piece.rstrip() for piece in pieces[:-1]), *pieces[-1:]])


def kept(texts: Sequence[str], whole: str, *, closed: bool) -> tuple[int, int]:
    """Return how many texts of an answer stay as they are when `whole` replaces all of it, and where its rest begins.

    Args:
        texts: Those that are not blank.
        closed: Whether the last one is. Else it can grow, so it is always a part of the rest.
    """
    at = 0
    for number, text in enumerate(texts if closed else texts[:-1]):
        piece = (text.lstrip("\n") if number else text).rstrip() + "\n\n"
        if not whole.startswith(piece, at):
            return number, at
        at += len(piece)
    return len(texts) - (not closed and bool(texts)), at
