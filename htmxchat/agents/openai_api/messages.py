"""The messages for a model, as plain frozen data. Each API converts them to its format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from ...events import JSON, RunEvent
from ...files.file import File
from ...models import RunState, Turn
from ...parts import ProposedScript, Question, Reasoning, SentFiles, Text, ToolCall
from ...view import fold
from .. import attachments
from ..attachments import Given
from ..tools import APPROVAL, as_text
from ..tools.results import words_of_script
from .reply import Call

_NO_RESULT = "It did not come back: the answer was stopped before."


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A message of the user.

    Attributes:
        text: Includes the notes about files, and the texts of those that are text.
        files: The other files: pictures, and what the server reads itself.
    """

    text: str
    files: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One reply of the model.

    Attributes:
        extra: Fields that must be sent back to the server with it.
    """

    text: str
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """The result of a call.

    Attributes:
        pictures: Pictures as `data:` URLs.
    """

    call_id: str
    text: str
    pictures: tuple[str, ...] = ()


Message: TypeAlias = UserMessage | ModelMessage | ResultMessage


def of_user(text: str, files: Iterable[File], given: Mapping[str, Given]) -> UserMessage:
    """Return what the user wrote and sent."""
    found = attachments.of(files, given)
    whole = tuple(each for each in found if each.content is not None and each.text is None)
    return UserMessage(attachments.with_words(text, found), whole)


def of_history(
    turns: Iterable[Turn], script_tool: str, extras: Mapping[str, Any], given: Mapping[str, Given]
) -> list[Message]:
    """Return the messages of earlier turns, oldest first.

    Args:
        given: The content of files, by their ids.
        script_tool: The name of the tool that runs scripts.
        extras: Fields that must be sent back to the server, by run and call.
    """
    messages: list[Message] = []
    for turn in turns:
        if turn.role == "user":
            messages.append(of_user(turn.text, turn.files, given))
        elif turn.events:
            messages += _answer(turn.events, script_tool, extras.get(turn.id, {}))
        elif turn.text:
            messages.append(ModelMessage(turn.text))
    return messages


def encode(messages: Iterable[Message]) -> JSON:
    """Return messages as JSON."""
    return [{"kind": type(message).__name__, **asdict(message)} for message in messages]


def decode(data: JSON) -> list[Message]:
    """Decode messages.

    Raises:
        ValueError: They were encoded by another version.
    """
    try:
        return [_decode(dict(each)) for each in data]  # type: ignore[union-attr, arg-type]
    except (KeyError, TypeError) as error:
        raise ValueError("These messages were encoded by another version of htmxchat.") from error


def _decode(data: dict[str, Any]) -> Message:
    kind = data.pop("kind")
    if kind == "UserMessage":
        return UserMessage(data["text"])
    if kind == "ResultMessage":
        return ResultMessage(**data | {"pictures": tuple(data["pictures"])})
    return ModelMessage(**data | {"calls": tuple(Call(**each) for each in data["calls"])})


@dataclass(slots=True)
class _Round:
    """One reply under construction, with the results of its calls."""

    text: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    results: list[ResultMessage] = field(default_factory=list)
    extra: Mapping[str, Any] = field(default_factory=dict)
    ended: datetime | None = None

    def messages(self) -> Iterator[Message]:
        if self.text or self.calls:
            yield ModelMessage(self.text, self.reasoning, tuple(self.calls), self.extra)
        yield from self.results

    def add(self, id: str, name: str, arguments: JSON, result: str, extras: Mapping[str, Any]) -> None:
        extra = extras.get(id, {"call": {}, "message": {}})
        written = json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, dict) else "{}"
        self.calls.append(Call(id, name, written, extra["call"]))
        self.results.append(ResultMessage(id, result))
        self.extra = extra["message"] or self.extra


def _answer(events: Sequence[RunEvent], script_tool: str, extras: Mapping[str, Any]) -> list[Message]:
    """Reconstruct the messages of an answer from its parts.

    All calls of one reply begin before any of them returns.
    """
    rounds = [_Round()]
    messages: list[Message] = []
    for part in fold(events).parts:
        now = rounds[-1]
        if isinstance(part, Text | Reasoning) and now.calls:
            rounds.append(now := _Round())
        match part:
            case Text(text=text) if not part.blank:
                now.text += text
            case Reasoning(text=text):
                now.reasoning += text
            case SentFiles(files=files):
                if now.calls:
                    rounds.append(now := _Round())
                now.text = "\n\n".join(filter(None, [now.text, attachments.sent_words(files)]))
            case ToolCall():
                if now.ended and part.started_at >= now.ended:
                    rounds.append(now := _Round())
                now.ended = min(filter(None, (now.ended, part.ended_at)), default=None)
                back = part.state in (RunState.COMPLETED, RunState.FAILED)
                result = as_text(part.result) if back else _NO_RESULT
                now.add(part.call_id, part.name, part.arguments, result, extras)
            case ProposedScript(script=script, finished=finished) if script.awaited:
                known = finished.result if finished else None
                result = words_of_script(script.code, known) if known else _NO_RESULT
                arguments: JSON = {"code": script.code, "title": script.title}
                now.add(script.script_id, script_tool, arguments, result, extras)
            case Question(request=request) if not request.request_id.startswith(APPROVAL):
                now.text += request.prompt
                messages += (message for each in rounds for message in each.messages())
                rounds = [_Round()]
                if part.state == "answered":
                    messages.append(UserMessage(part.answer_text))
    return [*messages, *(message for each in rounds for message in each.messages())]
