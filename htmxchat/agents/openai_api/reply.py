"""What a model says in one reply, as plain frozen data, and the protocol of those who read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ...agent import SendFile
from ...events import ReasoningDelta, UsageReported
from ..event_stream import ServerEvent

Piece: TypeAlias = str | ReasoningDelta | SendFile
"""More of the answer, or of the reasoning, or a file that the model has made."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool.

    Attributes:
        id: As the server named it; may be empty.
        arguments: As the model wrote them; it may be no JSON.
        extra: What the server wants to have back with the call.
    """

    id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, from its first byte to its last.

    Attributes:
        finish: Why the model stopped, in the server's words; empty when it did not say.
        ended: Whether the server said that this is all. If not, the connection was cut.
        extra: What the server wants to have back with the message.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""
    ended: bool = False
    usage: UsageReported | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class ReplyReader(Protocol):
    """Makes a reply of the events of a stream."""

    @property
    def done(self) -> bool:
        """Whether the server said that this is all; what follows does not count."""

    def feed(self, event: ServerEvent) -> Iterator[Piece]:
        """Yield what an event adds.

        Raises:
            ChatError: The event is an error, or cannot be read.
        """

    def end(self) -> Sequence[Piece]:
        """Return what was held back until the end of the stream."""

    def reply(self) -> Reply:
        """Return the reply so far."""
