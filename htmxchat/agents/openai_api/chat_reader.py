"""The stream of a chat completion: its chunks put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import BackendError
from ...events import JSON, ReasoningDelta, UsageReported
from ...text.cleaning import read_json
from ..event_stream import ServerEvent
from . import refusals
from .calls import Calls
from .reply import Piece, Reply
from .surrogates import Joiner, whole
from .thinking import Thinking, without_opening, without_repetition

UNREADABLE = "The model's server sent something that cannot be read. What the model wrote is kept. Try again."
_REASONING = ("reasoning_content", "reasoning", "thinking")


class ChatReader:
    """Makes a reply of the chunks of a chat completion, or of one that came whole.

    Only the first choice counts. What is missing, null or of another shape adds nothing.

    Args:
        secrets: What must not be repeated from an error.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self.done = False
        self._secrets = secrets
        self._calls = Calls()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._joiners = Joiner(), Joiner()
        self._thinking = Thinking()
        self._finish = ""
        self._usage: UsageReported | None = None
        self._details: list[JSON] = []

    def feed(self, event: ServerEvent) -> Iterator[Piece]:
        data = event.data.strip()
        while data.startswith("data:"):  # of a proxy that wraps it twice
            data = data[5:].lstrip()
        if self.done or not data:
            return
        if data == "[DONE]":
            self.done = True
            return
        chunk = _read(data)
        for each in _dicts(chunk if isinstance(chunk, list) else [chunk]):
            yield from self._chunk(each, event.type)

    def end(self) -> Sequence[Piece]:
        text, reasoning = self._joiners[0].end(), self._joiners[1].end()
        pieces = [*self._think(self._thinking.feed(text)), *self._think(self._thinking.end())]
        return [*self._reason(reasoning), *pieces]

    def reply(self) -> Reply:
        thought, text = without_opening(without_repetition(self._text))
        return Reply(
            text,
            "".join(self._reasoning) + thought,
            self._calls.calls(),
            self._finish,
            bool(self._finish) or (self.done and bool(self._text or self._reasoning or self._calls)),
            self._usage,
            {"reasoning_details": self._details} if self._details else {},
        )

    def _chunk(self, chunk: dict[str, Any], type: str) -> Iterator[Piece]:
        self._count(chunk)
        for choice in _dicts(chunk.get("choices")):
            if choice.get("index") not in (0, None):
                continue
            yield from self._choice(choice)
            if choice.get("error"):
                raise refusals.in_stream(choice["error"], self._secrets)
        if chunk.get("error") or type == "error":
            raise refusals.in_stream(chunk.get("error") or chunk, self._secrets)

    def _choice(self, choice: dict[str, Any]) -> Iterator[Piece]:
        delta = choice.get("delta")
        message = delta if isinstance(delta, dict) else choice.get("message")
        if not isinstance(message, dict):
            message = {"content": choice.get("text")}
        yield from self._reason(self._joiners[1].feed(self._reasoning_in(message)))
        content = message.get("content")
        if isinstance(content, str):
            yield from self._write(content)
        else:
            for part in _dicts(content):
                yield from self._part(part)
        yield from self._write(message.get("refusal"))
        for fragment in _dicts(message.get("tool_calls")):
            self._calls.add(fragment)
        if isinstance(message.get("function_call"), dict):
            self._calls.add({"index": 0, "function": message["function_call"]})
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self._finish = whole(finish)

    def _reasoning_in(self, message: dict[str, Any]) -> str:
        details = [each for each in _dicts(message.get("reasoning_details"))]
        self._details += details
        told = next((text for name in _REASONING if isinstance(text := message.get(name), str) and text), "")
        return told or "".join(
            text for each in details for text in (_text(each.get("text")), _text(each.get("summary")))
        )

    def _part(self, part: dict[str, Any]) -> Iterator[Piece]:
        """Read a part of a content that is a list."""
        thought = part.get("thinking")
        if thought is not None:
            inner = (
                thought if isinstance(thought, str) else "".join(_text(each.get("text")) for each in _dicts(thought))
            )
            yield from self._reason(self._joiners[1].feed(inner))
        else:
            yield from self._write(part.get("text") or part.get("refusal"))

    def _write(self, text: object) -> Iterator[Piece]:
        if isinstance(text, str) and text:
            yield from self._think(self._thinking.feed(self._joiners[0].feed(text)))

    def _think(self, found: Sequence[tuple[bool, str]]) -> Iterator[Piece]:
        for is_thought, text in found:
            if is_thought:
                yield from self._reason(text)
            elif text:
                self._text.append(text)
                yield text

    def _reason(self, text: str) -> Iterator[Piece]:
        if text:
            self._reasoning.append(text)
            yield ReasoningDelta(text)

    def _count(self, chunk: dict[str, Any]) -> None:
        groq = chunk.get("x_groq")
        usage = chunk.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
        if isinstance(usage, dict):
            self._usage = UsageReported(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _read(data: str) -> JSON:
    try:
        return read_json(data)
    except ValueError:
        raise BackendError(UNREADABLE) from None


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
