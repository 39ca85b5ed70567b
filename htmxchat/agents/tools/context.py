"""What a tool can say while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ...agent import Request
from ...checks import kind
from ...events import JSON, Custom, SourcesFound, StageChanged, TextDelta

Emitted: TypeAlias = Custom | SourcesFound | StageChanged | TextDelta


class ToolContext:
    """Given to a tool that has a parameter with this annotation. Its methods may be called in any thread.

    Attributes:
        request: What the agent answers: who asks, in which conversation.
        call_id: Of this call, unique in the run.
    """

    def __init__(self, request: Request, call_id: str, emit: Callable[[Emitted], None]) -> None:
        self.request = request
        self.call_id = call_id
        self._emit = emit

    def progress(self, text: str) -> None:
        """Show what the tool does now, in a few words, until it says something else or all tools are done."""
        self._emit(StageChanged(text))

    def show(self, name: str, data: JSON = None, *, key: str | None = None) -> None:
        """Show a part of the host's own, drawn by `create_chat_app(parts={name: …})`.

        Args:
            key: The same name and key again brings the part up to date; by default the call's own, so that a tool has
                one part a name.
        """
        self._emit(Custom(name, data, self.call_id if key is None else key))

    def emit(self, body: Emitted) -> None:
        """Add an event: `SourcesFound(…)`, `TextDelta(…)`, `Custom(…)` or `StageChanged(…)`.

        Raises:
            TypeError: It is of another kind.
        """
        if not isinstance(body, Emitted):
            raise TypeError(f"A tool may emit Custom, SourcesFound, StageChanged and TextDelta, not {kind(body)}.")
        self._emit(body)
