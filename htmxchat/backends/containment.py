"""Prevents `sys.exit()` and the like in the host's code from ending the process.

asyncio raises the `SystemExit` or `KeyboardInterrupt` of any task in the caller of the event loop. From an agent, it
would end the server with all runs.
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
    """Contained code tried to end the process. `__cause__` is what it raised."""


def contained(
    work: Coroutine[Any, Any, T], on_exit: Callable[[Exited], None] = lambda error: None
) -> Coroutine[Any, Any, T]:
    """Return a coroutine that runs `work` and raises `Exited` where `work` would end the process.

    The same holds for tasks that it starts, directly or indirectly, and for async generators that they leave to the
    event loop to close. Callbacks (`loop.call_soon`) and `os._exit` are not contained.

    During each step of such code, the loop's task factory is replaced by one that wraps new tasks and calls the
    previous factory. No other code runs during the step, so nothing else is affected.

    Args:
        on_exit: Called at each exit with the `Exited`, because the task may not be awaited.
    """
    return _Contained(work, on_exit)


class _Contained(Coroutine[Any, Any, Any]):
    """A wrapper around a coroutine. It is its own iterator, so that it can be awaited and be made a task."""

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
        """Delegate to the inner coroutine, for code that inspects it, as anyio does."""
        return getattr(self._work, name)

    def _step(self, resume: Callable[..., Any], *values: Any) -> Any:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._resume(resume, *values)  # trio, where an exit propagates to the parent task only
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
            exited = Exited(f"The code tried to end the process with {error!r}.")
            self._on_exit(exited)
            raise exited from error


async def _close(generator: Any, on_exit: Callable[[Exited], None]) -> None:
    with suppress(Exited):  # not awaited, and already reported by `on_exit`
        await _Contained(generator.aclose(), on_exit)
