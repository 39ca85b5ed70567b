"""The parts of an answer: what a person sees of a run, in the order in which it happened. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from .events import JSON, InputRequested, ScriptFinished, ScriptProposed
from .models import RunState


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch of the answer, Markdown of its own. It may be blank; then nothing of it shows."""

    text: str

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
    """What the agent asked the user, and what came of it.

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
class CustomPart:
    """Something of the agent's own, as its `Custom` events say; of several with the same name and key, the last."""

    name: str
    data: JSON
    key: str = ""


Step: TypeAlias = Reasoning | ToolCall
Part: TypeAlias = Text | Reasoning | ToolCall | ProposedScript | Question | CustomPart


def is_blank(part: Part) -> bool:
    """Return whether this is a text of which nothing shows."""
    return isinstance(part, Text) and part.blank


def joined(texts: Iterable[str]) -> str:
    """Return the texts of an answer as one. Each is Markdown of its own, so an empty line stands between two."""
    shown = [text for text in texts if text and not text.isspace()]
    pieces = [text.lstrip("\n") if number else text for number, text in enumerate(shown)]
    return "\n\n".join([*(piece.rstrip() for piece in pieces[:-1]), *pieces[-1:]])


def replaced(texts: Sequence[str], whole: str, *, closed: bool) -> list[str]:
    """Return the texts of an answer after all of it was replaced by `whole`: as many, or one more.

    What did not change stays where it is. The rest stands in the last text, or after it when that is `closed`, unless
    it is only shorter than before.
    """
    after = list(texts)
    shown = [index for index, text in enumerate(texts) if text and not text.isspace()]
    at = 0
    for number, index in enumerate(shown):
        text = texts[index].lstrip("\n") if number else texts[index]
        piece = text.rstrip() + "\n\n"
        if (closed or index != shown[-1]) and whole.startswith(piece, at):
            at += len(piece)
            continue
        rest = whole[at:]
        for later in shown[number:]:
            after[later] = ""
        after[index if text.startswith(rest) else shown[-1]] = rest
        return after
    return [*after, whole[at:]]
