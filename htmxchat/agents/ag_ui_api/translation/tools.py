"""Tool calls and their results."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ....events import JSON, EventBody, ToolFinished, ToolStarted
from ....text.cleaning import read_json
from ...summaries import asked, found
from .fields import known, mapping

_BAD = {"denied": "Denied", "failed": "Failed", "error": "Failed", "retry": "Failed"}


@dataclass(slots=True)
class Call:
    """A growing tool call."""

    name: str
    arguments: list[str] = field(default_factory=list)
    closed: bool = False
    finished: bool = False
    denied: bool = False
    result_id: str = ""
    result: JSON = None


class Tools:
    """The calls of a turn.

    Args:
        hidden: The names of tools whose calls are shown in another way.
        before: The calls that are shown already: their names, and whether they have ended.
    """

    def __init__(self, hidden: Collection[str], before: Mapping[str, tuple[str, bool]]) -> None:
        self._hidden = hidden
        self.calls = {id: Call(name, closed=True, finished=over) for id, (name, over) in before.items()}

    def start(self, id: str, name: str) -> list[EventBody]:
        call = self.calls.get(id)
        if call is None:
            call = self.calls[id] = Call(name)
        else:
            # Repeated in a resumed run: the arguments are sent again.
            call.name, call.arguments, call.closed, call.finished = name or call.name, [], False, False
        return self._shown(call, [ToolStarted(id, call.name)])

    def is_finished(self, id: str) -> bool:
        return id in self.calls and self.calls[id].finished

    def more(self, id: str, delta: str) -> None:
        self.calls.setdefault(id, Call("tool")).arguments.append(delta)

    def end(self, id: str) -> list[EventBody]:
        call = self.calls.setdefault(id, Call("tool"))
        call.closed = True
        if call.finished or not call.arguments:
            return []
        arguments = structured("".join(call.arguments))
        return self._shown(call, [ToolStarted(id, call.name, asked(arguments), arguments)])

    def deny(self, id: str) -> None:
        """The user has refused this call: its result is only the refusal."""
        if id in self.calls:
            self.calls[id].denied = True

    def result(self, id: str, message_id: str, content: JSON, *, failed: bool = False) -> list[EventBody]:
        """A call of `calls` has a result."""
        call = self.calls[id]
        repeated = call.finished
        call.finished, call.result_id, call.result = True, message_id, shown_result(content)
        word = "Denied" if call.denied else "Failed" if failed else ""
        return [] if repeated else self._shown(call, [_finished(id, call.result, word)])

    def outcome(self, message_id: str, encrypted: str) -> list[EventBody]:
        """Some servers report only in a value of their own that a call was denied or has failed."""
        said = mapping(mapping(structured(encrypted)).get("pydantic_ai")).get("outcome")
        word = _BAD.get(known(said))
        for id, call in self.calls.items():
            if word and call.finished and message_id and call.result_id == message_id:
                return self._shown(call, [_finished(id, call.result, word)])
        return []

    def finish(self, waiting: Collection[str]) -> list[EventBody]:
        """The run succeeded. Calls that are not waited for have ended, though their results were not sent."""
        bodies: list[EventBody] = []
        for id, call in self.calls.items():
            if not call.closed:
                bodies += self.end(id)
            if not call.finished and id not in waiting:
                call.finished = True
                bodies += self._shown(call, [_finished(id, None, "Denied" if call.denied else "")])
        return bodies

    def _shown(self, call: Call, bodies: list[EventBody]) -> list[EventBody]:
        return [] if call.name in self._hidden else bodies


def _finished(id: str, result: JSON, word: str = "") -> EventBody:
    return ToolFinished(id, word or found(result), result, failed=bool(word))


def structured(text: str) -> JSON:
    """Return what a text says as JSON if that is more than the text itself, else the text."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        return read_json(text)
    except ValueError:
        return text


def shown_result(content: JSON) -> JSON:
    """Return the result of a tool, without the bytes of files."""
    if isinstance(content, str):
        return structured(content)
    if isinstance(content, list):
        parts = [_part(each) for each in content]
        texts = [each for each in parts if isinstance(each, str)]
        return "".join(texts) if len(texts) == len(parts) else list(parts)
    return content


def text_result(content: JSON) -> JSON:
    """Return the result of a tool as the content of a message: text or parts."""
    return content if isinstance(content, str | list) else json.dumps(content, ensure_ascii=False)


def _part(part: JSON) -> JSON:
    if not isinstance(part, dict):
        return part
    if part.get("type") == "text":
        return known(part.get("text"))
    source = mapping(part.get("source"))
    if source.get("type") != "data":
        return part
    told = {key: each for key, each in source.items() if key != "value"}
    return {**part, "source": {**told, "size": len(known(source.get("value"))) * 3 // 4}}
