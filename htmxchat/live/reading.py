"""Reads a backend's `run_events`. A backend that yields no batches gets an error that says what to write."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from .. import checks
from ..backend import Backend
from ..events import RunEvent
from ..models import User

_EXAMPLE = "async def run_events(self, user, run_id, *, after=None): … yield [event]"


class NotBatches(TypeError):
    """`run_events` is not an async generator of batches. The message is for anyone who wrote the backend."""


def check_reading(backend: Backend) -> None:
    """Refuse a `run_events` of which it can be seen, without calling it, that it is no async generator.

    Raises:
        NotBatches: It says what to write.
    """
    function = inspect.unwrap(backend.run_events)
    if checks.is_async(function):
        raise _refused(backend, "a coroutine: it is called and not awaited, so it has to yield")
    if inspect.isgeneratorfunction(function):
        raise _refused(backend, "a generator that is not async")


def open_run(backend: Backend, user: User, run_id: str, after: int | None) -> AsyncGenerator[Sequence[RunEvent], None]:
    """Return what `run_events` returns, for `aclosing`. What it yields goes through `checked`.

    Raises:
        NotBatches: It is no async generator.
    """
    batches: Any = backend.run_events(user, run_id, after=after)
    if isinstance(batches, AsyncGenerator):
        return batches
    if hasattr(batches, "close"):
        batches.close()
    raise _refused(backend, f"a function that returns {checks.kind(batches)}")


def checked(batch: Sequence[RunEvent], backend: Backend) -> Sequence[RunEvent]:
    """Return what `run_events` has yielded.

    Raises:
        NotBatches: It is no sequence of events.
    """
    found: Any = batch
    if isinstance(found, list | tuple) and all(isinstance(event, RunEvent) for event in found):
        return batch
    if isinstance(found, RunEvent):
        raise _refused(backend, "an async generator of single events")
    if isinstance(found, list | tuple):
        found = next(event for event in found if not isinstance(event, RunEvent))
        raise _refused(backend, f"an async generator of lists that hold {checks.kind(found)}")
    raise _refused(backend, f"an async generator of {checks.kind(found)}")


async def read_run(
    backend: Backend, user: User, run_id: str, after: int | None = None
) -> AsyncGenerator[Sequence[RunEvent], None]:
    """Yield what `run_events` yields.

    Raises:
        NotBatches: It is no async generator of batches.
    """
    async with aclosing(open_run(backend, user, run_id, after)) as batches:
        async for batch in batches:
            yield checked(batch, backend)


async def each_of(batches: AsyncGenerator[Sequence[RunEvent], None]) -> AsyncGenerator[RunEvent, None]:
    """Yield the events of batches, one at a time."""
    async with aclosing(batches):
        async for batch in batches:
            for event in batch:
                yield event


def _refused(backend: Backend, what: str) -> NotBatches:
    name = f"{type(backend).__name__}.run_events"
    return NotBatches(f"{name} is {what}. Make it an async generator that yields lists of events: {_EXAMPLE}.")
