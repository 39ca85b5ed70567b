"""Talking with an agent in a test: a backend over a store of its own, and the result of each turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio

from htmxchat import JSON, InputRequested, LocalBackend, Request, Run, RunEvent, RunView, Store, User, fold
from htmxchat.journal import Timing
from htmxchat.testing import each_event

ANN = User("ann")
QUICK = Timing(frame=0.01, poll=0.02, renew=0.05, expire=0.4, watch=0.15, grace=0.5, finish=0.5, close=0.2, orphan=0.5)
PATIENCE = 20


@asynccontextmanager
async def served(agent: Any, url: str | None = None) -> AsyncIterator[LocalBackend]:
    """A backend in a process, as it were. Several with the same URL share a store."""
    backend = LocalBackend(agent, Store(url), timing=QUICK)
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


async def say(backend: LocalBackend, text: str, answers: Sequence[JSON] = (), *, after: Run | None = None) -> Run:
    """Say something and answer what is asked; return the run once it has ended."""
    run = await backend.start_run(ANN, None if after is None else after.conversation_id, text)
    await answer(backend, run, answers)
    return run


async def answer(backend: LocalBackend, run: Run, answers: Sequence[JSON] = ()) -> None:
    """Answer what a run asks, in turn, until it has ended."""
    left = list(answers)
    with anyio.fail_after(PATIENCE):
        async for event in each_event(backend, ANN, run.id):
            if isinstance(event.body, InputRequested) and left:
                await backend.answer_request(ANN, run.id, event.body.request_id, left.pop(0))
    assert not left, f"nobody asked: {left}"


async def events(backend: LocalBackend, run: Run) -> list[RunEvent]:
    with anyio.fail_after(PATIENCE):
        return [event async for event in each_event(backend, ANN, run.id)]


async def view(backend: LocalBackend, run: Run) -> RunView:
    return fold(await events(backend, run))


async def reach(backend: LocalBackend, run: Run, met: Callable[[RunView], Any]) -> RunView:
    """Read an active run until its view is as wanted."""
    seen: list[RunEvent] = []
    with anyio.fail_after(PATIENCE):
        async for event in each_event(backend, ANN, run.id):
            seen.append(event)
            if met(fold(seen)):
                return fold(seen)
    raise AssertionError(f"the run has ended without it: {fold(seen)}")


def asks(view: RunView) -> bool:
    """Whether a run waits for an answer."""
    return view.request is not None


def request(text: str) -> Request:
    """Return what an agent is asked in a conversation that begins."""
    return Request(text, (), ANN, "conversation", "run")
