"""The messages since a run began, for checkpoints."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from ...agent import Checkpoint
from ...events import JSON, UsageReported
from ...parts import joined
from ...scripts.result import Picture
from ..tools import ToolResult, ToolUse
from . import messages
from .call_assembly import named
from .messages import Message, ModelMessage, ResultMessage
from .reply import Reply


@dataclass(slots=True)
class Progress:
    """The messages and tokens since the run began."""

    said: list[Message] = field(default_factory=list)
    used: UsageReported = field(default_factory=UsageReported)

    @property
    def rounds(self) -> int:
        """The number of replies that called tools."""
        return sum(isinstance(each, ModelMessage) for each in self.said)

    @property
    def text(self) -> str:
        """The text that the model wrote besides its calls."""
        return joined(each.text for each in self.said if isinstance(each, ModelMessage))

    def checkpoint(self) -> Checkpoint:
        tokens: JSON = [self.used.input_tokens, self.used.output_tokens]
        return Checkpoint({"said": messages.encode(self.said), "used": tokens})

    @classmethod
    def read(cls, checkpoint: JSON) -> Progress:
        if not isinstance(checkpoint, dict):
            return cls()
        return cls(messages.decode(checkpoint["said"]), UsageReported(*checkpoint["used"]))

    def add(self, reply: Reply) -> None:
        taken = [call.id for each in self.said if isinstance(each, ModelMessage) for call in each.calls]
        self.said.append(ModelMessage(reply.text, reply.reasoning, named(reply.calls, taken), reply.extra))

    def count(self, usage: UsageReported) -> UsageReported:
        before = self.used
        tokens = before.input_tokens + usage.input_tokens, before.output_tokens + usage.output_tokens
        self.used = UsageReported(*tokens)
        return self.used

    def tell(self, result: ToolResult, *, sees: bool) -> None:
        """Add a call's result, with its pictures if the model sees them. Results are kept in the order of the calls."""
        pictures = [_url(each) for each in result.pictures if sees and each.type == "image/png"]  # models read no SVG
        place, last = self._last()
        results = [each for each in self.said[place + 1 :] if isinstance(each, ResultMessage)]
        results.append(ResultMessage(result.call_id, result.text, tuple(pictures)))
        order = [call.id for call in last.calls]
        results.sort(key=lambda each: order.index(each.call_id))
        self.said[place + 1 :] = results

    def waiting(self) -> list[ToolUse]:
        """Return the calls of the last reply that have no result yet."""
        if not self.said:
            return []
        place, last = self._last()
        done = {each.call_id for each in self.said[place + 1 :] if isinstance(each, ResultMessage)}
        return [ToolUse(call.id, call.name, call.arguments) for call in last.calls if call.id not in done]

    def extras(self) -> dict[str, JSON]:
        """Return the fields that must be sent back in later turns, by call."""
        found: dict[str, JSON] = {}
        for message in self.said:
            for number, call in enumerate(message.calls if isinstance(message, ModelMessage) else ()):
                with_message = message.extra if isinstance(message, ModelMessage) and not number else {}
                if call.extra or with_message:
                    found[call.id] = {"call": dict(call.extra), "message": dict(with_message)}
        return found

    def _last(self) -> tuple[int, ModelMessage]:
        """Return the last reply and its index."""
        return next(
            (place, each) for place, each in reversed([*enumerate(self.said)]) if isinstance(each, ModelMessage)
        )


def _url(picture: Picture) -> str:
    return f"data:{picture.type};base64,{base64.b64encode(picture.data).decode()}"
