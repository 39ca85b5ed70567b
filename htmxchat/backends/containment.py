"""Keeps `sys.exit()` and its like in code of the host from ending the process.

asyncio hands the `SystemExit` or `KeyboardInterrupt` of any task on to the caller of the event loop. One in an agent
would end the server, with everyone's runs.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

_EXITS = (SystemExit, KeyboardInterrupt, GeneratorExit)


class Exited(Exception):
    """Contained code has tried to end the process. `__cause__` is what it raised."""


def contained(
    work: Coroutine[Any, Any, T], on_exit: Callable[[Exited], None] = lambda error: None
) -> Coroutine[Any, Any, T]:
    """Return a coroutine that does `work` and raises `Exited` where `work` would end the process.

    The same holds for the tasks that it starts, for those that they start, and for asynchronous generators that any
    of them leaves for the event loop to close. A bare callback (`loop.call_soon`) is not contained, nor is
    `os._exit`.

    While such code takes a step, and only then, the loop's task factory is one that contains what it is given. It
    calls the loop's own, if there is one. No other code can run meanwhile, so no one else sees it.

    Args:
        on_exit: Called at each exit, with what is raised in its place: perhaps no one awaits that task.
    """
    return _Contained(work, on_exit)


class _Contained(Coroutine[Any, Any, Any]):
    """A coroutine around another. It is its own iterator, so that it can be awaited as well as made a task."""

    def __init__(self, work: Coroutine[Any, Any, Any], on_exit: Callable[[Exited], None]) -> None:
        self._work = work
        self._on_exit = on_exit

    def send(self, value: Any) -> Any:
        return self._step(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._work.throw, *error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def __getattr__(self, name: str) -> Any:
        """Look like the coroutine inside to those who inspect it, as anyio does."""
        return getattr(self._work, name)

    def _step(self, resume: Callable[..., Any], *values: Any) -> Any:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._resume(resume, *values)  # trio, where an exit reaches only those who wait for it
        outer, hooks = loop.get_task_factory(), sys.get_asyncgen_hooks()

        def create_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> Any:
            task = _Contained(work, self._on_exit)
            return outer(loop, task, **options) if outer else asyncio.Task(task, loop=loop, **options)

        def finalize(generator: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(loop.create_task, _close(generator, self._on_exit))

        loop.set_task_factory(create_task)
        sys.set_asyncgen_hooks(finalizer=finalize)
        try:
            return self._resume(resume, *values)
        finally:
            sys.set_asyncgen_hooks(*hooks)
            if loop.get_task_factory() is create_task:
                loop.set_task_factory(outer)

    def _resume(self, resume: Callable[..., Any], *values: Any) -> Any:
        try:
            return resume(*values)
        except _EXITS as error:
            exited = Exited(f"It tried to end the process with {error!r}.")
            self._on_exit(exited)
            raise exited from error


async def _close(generator: Any, on_exit: Callable[[Exited], None]) -> None:
    with suppress(Exited):  # no one awaits this, and `on_exit` was told
        await _Contained(generator.aclose(), on_exit)
