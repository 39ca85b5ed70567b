"""The events of an async generator of this process, such as the adapter of a framework."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from importlib import import_module
from typing import Any, TypeAlias

from ..translation.fields import Event

Source: TypeAlias = Callable[[Any], AsyncIterator[Any]]


async def events_of(source: Source, sent: dict[str, Any]) -> AsyncGenerator[Event, None]:
    """Yield the events of a source as plain data. Closing the generator closes the source.

    The source is given a `RunAgentInput` of the package `ag-ui-protocol` if that is installed, else the same as a
    dictionary. It may yield the package's events, or dictionaries.
    """
    stream: Any = source(_input(sent))
    try:
        async for event in stream:
            yield _plain(event)
    finally:
        if hasattr(stream, "aclose"):
            await stream.aclose()


def _input(sent: dict[str, Any]) -> Any:
    try:
        core = import_module("ag_ui.core")
    except ModuleNotFoundError:
        return sent
    return core.RunAgentInput.model_validate(sent)


def _plain(event: Any) -> Event:
    if hasattr(event, "model_dump"):
        dumped: dict[str, Any] = event.model_dump(by_alias=True, mode="json", exclude_none=True)
        return dumped
    if not isinstance(event, dict):
        raise TypeError(f"An AG-UI agent yields events, not {type(event).__name__}.")
    return event
