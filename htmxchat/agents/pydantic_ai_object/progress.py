"""The progress of a run, which its checkpoints contain."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter, ValidationError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.tools import DeferredToolRequests
from pydantic_ai.usage import RunUsage

from ...events import JSON, UsageReported
from .memory import dump, load

_REQUESTS = TypeAdapter(DeferredToolRequests)
_USAGE = TypeAdapter(RunUsage)


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run.

    Attributes:
        messages: Those of this run, what the user wrote first; none at the beginning.
        requests: The calls that wait for the user.
    """

    messages: list[ModelMessage] = field(default_factory=list)
    usage: RunUsage = field(default_factory=RunUsage)
    requests: DeferredToolRequests | None = None

    @property
    def responses(self) -> int:
        """How often the model has answered."""
        return sum(isinstance(each, ModelResponse) for each in self.messages)

    @property
    def used(self) -> UsageReported:
        return UsageReported(self.usage.input_tokens, self.usage.output_tokens)

    def encode(self) -> JSON:
        return {
            "messages": dump(self.messages),
            "usage": _USAGE.dump_json(self.usage).decode(),
            "requests": _REQUESTS.dump_json(self.requests).decode() if self.requests else None,
        }

    def after(self, messages: Sequence[ModelMessage], usage: RunUsage) -> Progress:
        """Return the progress after more messages; `usage` counts from the start of the run."""
        return Progress([*self.messages, *messages], copy(usage))

    def asking(self, requests: DeferredToolRequests) -> Progress:
        return replace(self, requests=requests)


def decode(checkpoint: JSON) -> Progress:
    """Return the progress in a checkpoint; the start if it cannot be read."""
    match checkpoint:
        case {"messages": str(messages), "usage": str(usage), "requests": requests}:
            try:
                asked = _REQUESTS.validate_json(requests) if isinstance(requests, str) else None
                return Progress(load(messages), _USAGE.validate_json(usage), asked)
            except ValidationError:
                return Progress()
    return Progress()
