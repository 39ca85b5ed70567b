"""Translates the stream of a graph into events of the chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages
from langgraph.types import StreamMode

from ...events import Custom, EventBody, StageChanged, TextDelta, UsageReported
from ..shown import class_name, jsonable, own_events
from .messages import Messages, Shown

MODES: tuple[StreamMode, ...] = ("messages", "custom", "tasks", "checkpoints")
"""The stream modes of the graph."""


class Translation:
    """The events of a run.

    Args:
        stages: What nodes do, in words, by their names; an empty text is not shown.
        used: Tokens that the run has used before.

    Attributes:
        checkpoint: The graph's last checkpoint that is stored; empty when there is none.
        interrupted: Whether a node has asked something.
    """

    def __init__(self, stages: Mapping[str, str], used: UsageReported) -> None:
        self.checkpoint = ""
        self.interrupted = False
        self._written = ""
        self._stages = stages
        self._messages = Messages(used)

    @property
    def used(self) -> UsageReported:
        return self._messages.used

    def of(self, part: Mapping[str, Any]) -> Iterator[Shown]:
        """Yield the bodies for a part of the stream."""
        data, outermost = part["data"], not part["ns"]
        match part["type"]:
            case "messages":
                message, told = data
                yield from self._messages.of(message, told.get("langgraph_checkpoint_ns", "").rpartition(":")[2])
            case "custom":
                yield from custom(data)
            case "checkpoints" if outermost and data["config"]:
                self._written = data["config"]["configurable"]["checkpoint_id"]
            case "tasks" if "triggers" in data:
                # The next step starts after the checkpoint before it is stored.
                self.checkpoint = self._written
                if stage := self._stages.get(data["name"], "" if data["name"].startswith("__") else data["name"]):
                    yield StageChanged(stage.replace("_", " "))
            case "tasks":
                for plain in _plain_messages(data["result"]):
                    yield from self._messages.of(plain, data["id"])
                yield from self._messages.end(data["id"])
                self.interrupted = self.interrupted or bool(data["interrupts"])
                result = data["result"]
                if isinstance(result, Mapping) and (output := result.get("structured_response")) is not None:
                    yield Custom(class_name(output), jsonable(output), "structured_response")


def _plain_messages(result: Any) -> Sequence[BaseMessage]:
    """Return the messages that a node has returned as dicts or tuples; the graph itself streams others."""
    given = result.get("messages") if isinstance(result, Mapping) else None
    plain = [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, dict | tuple)]
    try:
        return convert_to_messages(plain)
    except (ValueError, NotImplementedError):
        return []


def custom(data: Any) -> Iterator[EventBody]:
    """Yield the bodies for a custom event of a graph: text, an event of the chat, or a part.

    A dict says with `type` or `name` what the part is called, and may have a `key`.
    """
    if isinstance(data, str):
        yield TextDelta(data)
        return
    if own := [*own_events(data)]:
        yield from own
        return
    if isinstance(data, Mapping):
        for word in ("type", "name"):
            if isinstance(name := data.get(word), str) and name:
                rest = {key: value for key, value in data.items() if key not in (word, "key")}
                yield Custom(name, jsonable(rest), str(data.get("key", "")))
                return
    yield Custom("custom", jsonable(data))
