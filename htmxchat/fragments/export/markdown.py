"""A conversation as Markdown, written a turn at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo

from ...events import JSON
from ...files import File
from ...models import RunState, Turn, is_dated
from ...parts import CustomPart, Part, ProposedScript, Question, Reasoning, SentFiles, Text, ToolCall
from ...scripts.states import MAX_TITLE
from ...state_words import SCRIPTS, STEPS
from ...text.cleaning import one_line
from ...text.phrases import byte_size, cut
from ...text.zones import exact
from ...view import RunView
from ..turns.sources import sources_text
from .turns import closed

_MAX_VALUE = 4_000


def markdown_head(title: str, facts: Sequence[str]) -> str:
    """Return the beginning: the title, and what is to be said of it."""
    return f"# {_plain(title)}\n\n" + "".join(f"{_plain(fact)}  \n" for fact in facts)


def markdown_turn(turn: Turn, *, agent: str, steps: bool, zone: tzinfo | None = None) -> str:
    """Return one turn. What the agent wrote is Markdown already, and stands as it is.

    Args:
        steps: Whether what tools got and gave is written too.
    """
    who = "You" if turn.run is None else turn.run.agent or agent
    when = f", {exact(turn.created_at, zone)}" if is_dated(turn.created_at) else ""
    return "\n\n".join([f"\n## {_plain(who)}{when}", *_content(turn, steps)]) + "\n"


def _content(turn: Turn, steps: bool) -> Iterator[str]:
    if turn.run is None:
        if turn.text:
            yield "\n".join(f"> {line}".rstrip() for line in turn.text.splitlines())
        yield from _files(turn.files)
        return
    view, unfinished = closed(turn)
    for part in view.parts:
        yield from _part(part, view, steps)
    if view.sources:
        yield f"Sources:\n\n{sources_text(view.sources)}"
    if turn.feedback is not None:
        said = f": {_code(turn.feedback.comment)}" if turn.feedback.comment.strip() else ""
        yield f"*Rated {turn.feedback.rating}{said}*"
    if unfinished:
        yield "*This answer was not finished yet.*"
    elif view.state is RunState.FAILED:
        yield f"*The answer failed.* {_plain(view.error or '')}".rstrip()
    elif view.state is RunState.CANCELLED:
        yield "*Stopped*"


def _part(part: Part, view: RunView, steps: bool) -> Iterator[str]:
    match part:
        case Text() if not part.blank:
            yield part.text.strip("\n")
        case Reasoning() if part.text.strip():
            yield "<details><summary>Thought</summary>\n\n" + _fenced(part.text, "text") + "\n\n</details>"
        case ToolCall():
            said = ", ".join(filter(None, [_plain(part.summary), _plain(part.found) or STEPS[part.state]]))
            yield f"*Tool {_code(part.name)}: {said}*"
            if steps:
                yield _fenced(_value({"arguments": part.arguments, "result": part.result}), "json")
        case Question():
            yield f"**Asked:** {_plain(part.request.prompt)}  \n**{_answer(part)}**"
        case ProposedScript():
            title = one_line(part.script.title, MAX_TITLE) or "Python"
            yield f"**Script: {_plain(title)}** ({SCRIPTS[view.script(part).state]})"
            yield _fenced(part.script.code, "python")
            if steps and part.finished and part.finished.result and (said := part.finished.result.text):
                yield _fenced(said, "text")
        case SentFiles(files=files):
            yield from _files(files)
        case CustomPart() if steps:
            yield f"*{_code(part.name)}*\n\n" + _fenced(_value(part.data), "json")


def _answer(question: Question) -> str:
    if question.state != "answered":
        return "Not answered"
    who = f" by {_plain(question.answered_by)}" if question.answered_by else ""
    return f"Answered{who}: {_code(question.answer_text) or 'nothing'}"


def _files(files: Sequence[File]) -> Iterator[str]:
    if files:
        yield "\n".join(f"- File {_code(file.name)}, {byte_size(file.size)}, SHA-256 `{file.digest}`" for file in files)


def _value(value: JSON) -> str:
    return cut(json.dumps(value, ensure_ascii=False, indent=1), _MAX_VALUE)


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"


def _code(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in (line[0], line[-1]) else ""
    return f"{fence}{space}{line}{space}{fence}"


def _plain(text: str) -> str:
    """Return words that stand in a line as they are: nothing in them is read as Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>&#|~$!])", r"\\\1", " ".join(text.split()))
