"""`ToolContext`: what a tool can show while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ...agent import Request
from ...checks import kind
from ...events import JSON, Custom, SourcesFound, StageChanged, TextDelta

Emitted: TypeAlias = Custom | SourcesFound | StageChanged | TextDelta


class ToolContext:
    """Passed to a tool that has a parameter with this annotation. Its methods may be called in any thread.

    Attributes:
        request: The request that the agent answers, with its user and conversation.
        call_id: The id of this call, unique in the run.
    """

    def __init__(self, request: Request, call_id: str, emit: Callable[[Emitted], None]) -> None:
        self.request = request
        self.call_id = call_id
        self._emit = emit

    def progress(self, text: str) -> None:
        """Show what the tool is doing, in a few words, until the next call or until all tools are done."""
        self._emit(StageChanged(text))

    def show(self, name: str, data: JSON = None, *, key: str | None = None) -> None:
        """Show a part that the host draws with `create_chat_app(parts={name: …})`.

        Args:
            key: The same name and key updates the part. By default it is the call's id, so that a call has one part
                per name.
        """
        self._emit(Custom(name, data, self.call_id if key is None else key))

    def emit(self, body: Emitted) -> None:
        """Add an event: `SourcesFound(…)`, `TextDelta(…)`, `Custom(…)` or `StageChanged(…)`.

        Raises:
            TypeError: It is another event.
        """
        if not isinstance(body, Emitted):
            raise TypeError(f"A tool may emit Custom, SourcesFound, StageChanged and TextDelta, not {kind(body)}.")
        self._emit(body)
