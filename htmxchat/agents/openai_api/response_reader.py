"""Reassembles a reply from the stream of a response."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...events import JSON, UsageReported
from ..event_stream import ServerEvent
from . import refusals
from .pictures import Pictures
from .reply import Call, Piece, Reply
from .surrogates import whole
from .writing import Writing, count_of, dicts, read_data, text_of

_TEXT = ("response.output_text.delta", "response.refusal.delta")
_REASONING = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
_ENDS = ("response.completed", "response.incomplete", "response.failed")


@dataclass(slots=True)
class _Item:
    """An item of a response.

    Attributes:
        said: The text of its deltas.
        done: Whether the complete item has arrived.
    """

    said: str = ""
    done: bool = False
    id: str = ""
    name: str = ""
    arguments: str = ""


class ResponseReader:
    """Makes a reply from the events of a response, or from a complete one.

    A complete item overrides its deltas; an item without deltas is emitted when it is complete.

    Args:
        secrets: Texts that must not appear in an error message.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self.done = False
        self._secrets = secrets
        self._writing = Writing()
        self._items: dict[str, _Item] = {}
        self._pictures = Pictures()
        self._finish = ""
        self._usage: UsageReported | None = None
        self._back: list[JSON] = []

    def feed(self, event: ServerEvent) -> Iterator[Piece]:
        if self.done:
            return
        found = read_data(event.data)
        self.done = found is None
        for each in found or ():
            yield from self._event(each, text_of(each.get("type")) or event.type)

    def end(self) -> Sequence[Piece]:
        return self._writing.end()

    def reply(self) -> Reply:
        named = (item for item in self._items.values() if item.name)
        calls = tuple(Call(item.id, whole(item.name), whole(item.arguments)) for item in named)
        back = {"items": self._back} if self._back else {}
        writing = self._writing
        return Reply(writing.text, writing.reasoning, calls, self._finish, bool(self._finish), self._usage, back)

    def _event(self, event: dict[str, Any], type: str) -> Iterator[Piece]:
        if type == "error" or (event.get("error") and not event.get("output") and type not in _ENDS):
            raise refusals.in_stream(event.get("error") or event, self._secrets)
        delta = event.get("delta")
        if type in _TEXT:
            self._item(event).said += text_of(delta)
            yield from self._writing.write(delta)
        elif type in _REASONING:
            self._item(event).said += text_of(delta)
            yield from self._writing.think(delta)
        elif type == "response.reasoning_summary_part.added" and self._item(event).said:
            yield from self._writing.think("\n\n")
        elif type == "response.function_call_arguments.delta":
            self._item(event).arguments += text_of(delta)
        elif type == "response.function_call_arguments.done":
            self._item(event).arguments = text_of(event.get("arguments"))
        elif type in ("response.output_item.added", "response.output_item.done"):
            yield from self._whole(event, event.get("item"), done=type.endswith("done"))
        elif type in _ENDS and isinstance(event.get("response"), dict):
            yield from self._end(event["response"])
        elif isinstance(event.get("output"), list):
            yield from self._end(event)

    def _item(self, event: dict[str, Any]) -> _Item:
        item = event.get("item")
        id = event.get("item_id") or (item.get("id") if isinstance(item, dict) else None)
        return self._items.setdefault(str(id or event.get("output_index")), _Item())

    def _whole(self, event: dict[str, Any], item: Any, *, done: bool) -> Iterator[Piece]:
        if not isinstance(item, dict):
            return
        known = self._item(event)
        if known.done:
            return
        known.done = done
        match item.get("type"):
            case "function_call":
                known.id = text_of(item.get("call_id")) or text_of(item.get("id"))
                known.name = text_of(item.get("name")) or known.name
                arguments = item.get("arguments")
                written = json.dumps(arguments) if isinstance(arguments, dict) else text_of(arguments)
                known.arguments = written or known.arguments
            case "image_generation_call" if done and text_of(item.get("result")):
                kind = text_of(item.get("output_format")) or "png"
                yield from self._pictures.of(f"data:image/{kind};base64,{item['result']}")
            case "message" if done:
                said = "".join(text_of(part.get("text")) or text_of(part.get("refusal")) for part in _parts(item))
                yield from self._writing.write(said.removeprefix(known.said) if said.startswith(known.said) else "")
            case "reasoning" if done:
                if not known.said:
                    said = "\n\n".join(text_of(part.get("text")) for part in _parts(item))
                    yield from self._writing.think(said)
                if item.get("encrypted_content"):
                    self._back.append(item)

    def _end(self, response: dict[str, Any]) -> Iterator[Piece]:
        for index, item in enumerate(dicts(response.get("output"))):
            yield from self._whole({"item": item, "output_index": index}, item, done=True)
        usage = response.get("usage")
        if isinstance(usage, dict):
            self._usage = UsageReported(count_of(usage.get("input_tokens")), count_of(usage.get("output_tokens")))
        if response.get("status") == "failed" or response.get("error"):
            raise refusals.in_stream(response.get("error") or response, self._secrets)
        details = response.get("incomplete_details")
        reason = text_of(details.get("reason")) if isinstance(details, dict) else ""
        finish = "length" if reason == "max_output_tokens" else reason
        self._finish = finish or text_of(response.get("status")) or "completed"


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a message's content, or of a reasoning item's summary."""
    return dicts(item.get("content")) or dicts(item.get("summary"))
