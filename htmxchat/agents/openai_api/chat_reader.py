"""Reassembles a reply from the stream of a chat completion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...events import JSON, UsageReported
from ..event_stream import ServerEvent
from . import refusals
from .call_assembly import Calls
from .pictures import Pictures
from .reply import Piece, Reply
from .surrogates import whole
from .writing import Writing, count_of, dicts, read_data, text_of

_REASONING = ("reasoning_content", "reasoning", "thinking")


class ChatReader:
    """Makes a reply from the chunks of a chat completion, or from a complete one.

    Only the first choice is used. Missing, null and malformed fields are ignored.

    Args:
        secrets: Texts that must not appear in an error message.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self.done = False
        self._secrets = secrets
        self._writing = Writing()
        self._calls = Calls()
        self._pictures = Pictures()
        self._finish = ""
        self._usage: UsageReported | None = None
        self._details: list[JSON] = []

    def feed(self, event: ServerEvent) -> Iterator[Piece]:
        if self.done:
            return
        chunks = read_data(event.data)
        self.done = chunks is None
        for chunk in chunks or ():
            yield from self._chunk(chunk, event.type)

    def end(self) -> Sequence[Piece]:
        return self._writing.end()

    def reply(self) -> Reply:
        return Reply(
            self._writing.text,
            self._writing.reasoning,
            self._calls.calls(),
            self._finish,
            bool(self._finish) or (self.done and bool(self._writing or self._calls)),
            self._usage,
            {"reasoning_details": self._details} if self._details else {},
        )

    def _chunk(self, chunk: dict[str, Any], type: str) -> Iterator[Piece]:
        self._count(chunk)
        for choice in dicts(chunk.get("choices")):
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
        yield from self._writing.think(self._reasoning(message))
        content = message.get("content")
        yield from self._writing.write(content)
        for part in dicts(content):
            yield from self._part(part)
        for picture in dicts(message.get("images")):
            yield from self._picture(picture)
        yield from self._writing.write(message.get("refusal"))
        for fragment in dicts(message.get("tool_calls")):
            self._calls.add(fragment)
        if isinstance(message.get("function_call"), dict):
            self._calls.add({"index": 0, "function": message["function_call"]})
        if finish := text_of(choice.get("finish_reason")):
            self._finish = whole(finish)

    def _reasoning(self, message: dict[str, Any]) -> str:
        """Return the reasoning of a message from the first field that has it, because others repeat it."""
        details = dicts(message.get("reasoning_details"))
        self._details += details
        told = next((text for name in _REASONING if (text := text_of(message.get(name)))), "")
        return told or "".join(text_of(each.get("text")) or text_of(each.get("summary")) for each in details)

    def _part(self, part: dict[str, Any]) -> Iterator[Piece]:
        """Read a part of a content that is a list."""
        if part.get("type") == "image_url":
            yield from self._picture(part)
        thought = part.get("thinking")
        yield from self._writing.think(thought)
        for each in dicts(thought):
            yield from self._writing.think(each.get("text"))
        if thought is None:
            yield from self._writing.write(part.get("text") or part.get("refusal"))

    def _picture(self, part: dict[str, Any]) -> Iterator[Piece]:
        image = part.get("image_url")
        yield from self._pictures.of(image.get("url") if isinstance(image, dict) else image)

    def _count(self, chunk: dict[str, Any]) -> None:
        groq = chunk.get("x_groq")
        usage = chunk.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
        if isinstance(usage, dict):
            self._usage = UsageReported(count_of(usage.get("prompt_tokens")), count_of(usage.get("completion_tokens")))
