"""One reply of a model, as plain frozen data, and the protocol of readers."""

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
        id: The server's id; may be empty.
        arguments: The arguments as the model wrote them; may be invalid JSON.
        extra: Fields that must be sent back to the server with the call.
    """

    id: str
    name: str
    arguments: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes:
        finish: The server's finish reason; may be empty.
        ended: Whether the server marked the end. If not, the connection was lost.
        extra: Fields that must be sent back to the server with the message.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""
    ended: bool = False
    usage: UsageReported | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class ReplyReader(Protocol):
    """Makes a reply from the events of a stream."""

    @property
    def done(self) -> bool:
        """Whether the server marked the end; later events are ignored."""

    def feed(self, event: ServerEvent) -> Iterator[Piece]:
        """Yield the pieces in an event.

        Raises:
            ChatError: The event is an error, or invalid.
        """

    def end(self) -> Sequence[Piece]:
        """Return the pieces that were buffered until the end of the stream."""

    def reply(self) -> Reply:
        """Return the reply so far."""
