"""How a run ended is settled once, by what came first: the agent, a stop, the end of its process, or its database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest

from htmxchat.agent import Request
from htmxchat.backends.active import AGENT_FAILED, INTERRUPTED, ActiveRun
from htmxchat.backends.agents import as_agent
from htmxchat.errors import BackendError
from htmxchat.events import Outcome, RunEnded, RunStopping
from htmxchat.journal import Journal, Timing
from htmxchat.models import User
from htmxchat.observing import Observer
from htmxchat.store import Store

pytestmark = pytest.mark.anyio

QUICK = Timing(frame=0.0, poll=0.01, renew=0.02, grace=0.1, close=0.1)
STOPPED = RunEnded(Outcome.CANCELLED)
BROKEN_OFF = RunEnded(Outcome.FAILED, INTERRUPTED)


@dataclass
class Play:
    """A responder whose every step the test takes, so that anything can happen between two of them."""

    item: asyncio.Queue[Callable[[], Any]]
    stubborn: bool = False

    async def respond(self, request: Request) -> AsyncIterator[Any]:
        yield "A"
        while True:
            try:
                step = await self.item.get()
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise
                yield "dropped"
                return
            item = step()
            if item is None:
                return
            yield item


def journal(store: Store) -> Journal[ActiveRun]:
    async def nobody_is_gone(process: str, alive_at: object) -> None: ...

    async def nothing_is_left(run_ids: object, since: object) -> None: ...

    return Journal(store, QUICK, (), Observer(), nobody_is_gone, nothing_is_left)


def failing() -> Any:
    raise BackendError("It broke.")


def cancelling() -> Any:
    raise asyncio.CancelledError


AGENT: dict[str, tuple[Callable[[], Any], RunEnded]] = {
    "returns": (lambda: None, RunEnded(Outcome.COMPLETED)),
    "ends": (lambda: RunEnded(Outcome.SUSPENDED, "Later."), RunEnded(Outcome.SUSPENDED, "Later.")),
    "fails": (failing, RunEnded(Outcome.FAILED, "It broke.")),
    "cancels": (cancelling, RunEnded(Outcome.FAILED, AGENT_FAILED)),
}
FROM_OUTSIDE: dict[str, tuple[Callable[[ActiveRun], None], RunEnded]] = {
    "stop": (ActiveRun.stop, STOPPED),
    "interrupt": (ActiveRun.interrupt, BROKEN_OFF),
}


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("agent", [*AGENT, "yields"])
@pytest.mark.parametrize("order", list(permutations(["agent", "stop", "interrupt"])))
async def test_what_comes_first_is_what_is_told(order: tuple[str, ...], agent: str, stubborn: bool) -> None:
    """Between two causes, every number of turns of the event loop from none to enough."""
    store = Store()
    live = journal(store)
    for turns in range(8):
        play = Play(asyncio.Queue(), stubborn)
        started = await store.runs.start_run("ann", None, "Hello", owner=live.owner)
        run = ActiveRun(store, live, started, as_agent(play.respond))
        driven = asyncio.create_task(run.drive(User("ann")))
        await run.more(1)
        for cause in order:
            if cause == "agent":
                play.item.put_nowait(AGENT[agent][0] if agent in AGENT else lambda: "more")
            else:
                FROM_OUTSIDE[cause][0](run)
            for _ in range(turns):
                await asyncio.sleep(0)
        await driven
        ends = [event.body for event in run.events if isinstance(event.body, RunEnded)]
        first, second = [FROM_OUTSIDE[cause][1] for cause in order if cause != "agent"]
        possible = {first}
        if agent in AGENT and order[0] == "agent":
            # The agent was told first; whether it got to say so before the next thing happened is a matter of turns.
            possible = {AGENT[agent][1]} if turns > 4 else {AGENT[agent][1], first}
        assert len(ends) == 1
        assert ends[0] in possible, (ends, second)
        # Only a stop is told as stopping.
        assert (RunStopping() in [event.body for event in run.events]) == (ends[0] == STOPPED)
        stored, more = await store.logs.read_events(started.run.id, 0)
        assert stored == run.events
        assert not more
    await live.close()
    await store.close()


async def test_a_stop_still_ends_the_clean_up_of_an_agent_that_is_done() -> None:
    cleaning = asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[Any]:
        try:
            yield RunEnded(Outcome.COMPLETED)
        finally:
            cleaning.set()
            await asyncio.Event().wait()

    store = Store()
    live = journal(store)
    started = await store.runs.start_run("ann", None, "Hello", owner=live.owner)
    run = ActiveRun(store, live, started, as_agent(respond))
    driven = asyncio.create_task(run.drive(User("ann")))
    await cleaning.wait()
    run.stop()
    await driven
    assert run.events[-1].body == RunEnded(Outcome.COMPLETED)
    await live.close()
    await store.close()
