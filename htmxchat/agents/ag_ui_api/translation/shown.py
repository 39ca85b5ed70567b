"""What a turn has shown and sent so far: the state that all events change."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ....events import Custom, EventBody, ReasoningDelta, TextDelta, ToolStarted
from . import snapshots
from .fields import known
from .media import Media
from .messages import Message, Messages, calls_of, function_of
from .reasoning import Reasoning
from .subagents import Subagents
from .texts import Texts
from .tools import Tools


class Shown:
    """The parts of a turn under construction, and the conversation as the server knows it.

    Args:
        messages: The conversation, this turn's messages last.
        hidden: The names of tools whose calls the chat shows in another way.

    Attributes:
        calls: The ids of this run's calls.
        tagged: Whether subagents tell what they do.
    """

    def __init__(self, messages: Iterable[Message], hidden: Collection[str]) -> None:
        self.messages = Messages(messages)
        turn = self.messages.turn
        said = [snapshots.content_text(each.get("content")) for each in turn if each.get("role") == "assistant"]
        over = {known(each.get("toolCallId")) for each in turn if each.get("role") == "tool"}
        calls = {
            call_id: (known(function_of(each, call_id).get("name")), call_id in over)
            for each in turn
            for call in calls_of(each)
            if (call_id := known(call.get("id")))
        }
        self.texts = Texts([each for each in said if each])
        self.tools = Tools(hidden, calls)
        self.reasoning = Reasoning()
        self.subagents = Subagents()
        self.media = Media()
        self.calls: list[str] = []
        self.tagged = False
        self._chunk: tuple[str, str] | None = None

    def part(self) -> None:
        """Something that is not text was shown: the next text stands after it."""
        self.texts.parted = self.reasoning.parted = True

    def noted(self, bodies: list[EventBody]) -> list[EventBody]:
        """Return bodies that are about to be shown."""
        for body in bodies:
            if isinstance(body, TextDelta):
                self.reasoning.parted = True
            elif isinstance(body, ReasoningDelta):
                self.texts.parted = True
            elif isinstance(body, ToolStarted | Custom):
                self.part()
        return bodies

    def held(self) -> list[EventBody]:
        """The run ended: return what was held back."""
        return [*self.reasoning.finish(), *self.texts.finish()]

    def go_on(self, kind: str, id: str) -> tuple[list[EventBody], str, bool]:
        """Return what a chunk closes, the id of the message that it continues, and whether that is new."""
        if self._chunk is not None and self._chunk[0] == kind and id in ("", self._chunk[1]):
            return [], self._chunk[1], False
        bodies = self.close_chunk()
        self._chunk = (kind, id)
        return bodies, id, True

    def close_chunk(self) -> list[EventBody]:
        """End the message that comes in chunks."""
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            return []
        kind, id = chunk
        if kind == "call":
            return self.tools.end(id)
        return self.texts.end(id) if kind == "text" else self.reasoning.end(id)
