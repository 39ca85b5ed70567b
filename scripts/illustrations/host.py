"""The host that is drawn: the demo's agent, whose runs also have steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.routing import Mount

from htmxchat import (
    JSON,
    Look,
    NotFound,
    RunState,
    RunStep,
    RunSteps,
    Source,
    StubBackend,
    User,
    chat_lifespan,
    create_chat_app,
)
from scripts.illustrations.serving import serving

_STEPS = (
    ("read the request", 0.04, RunState.COMPLETED),
    ("find the bookings", 0.82, RunState.COMPLETED),
    ("check the totals", 0.31, RunState.COMPLETED),
    ("write the file", 1.46, RunState.FAILED),
)


class _Stepped(StubBackend):
    async def run_steps(self, user: User, run_id: str) -> RunSteps:
        steps = [RunStep(number, name, state, took) for number, (name, took, state) in enumerate(_STEPS)]
        return RunSteps(tuple(steps), (), workflow="export")

    async def run_checkpoint(self, user: User, run_id: str, number: int) -> JSON:
        raise NotFound

    async def run_evidence(self, user: User, run_id: str) -> tuple[Source, ...]:
        return ()


@contextmanager
def operations_site() -> Iterator[str]:
    """Serve the chat on a free port; yield its address."""
    look = Look(introduction="Ask about alerts, queues and runbooks.")
    chat = create_chat_app(_Stepped(), title="Operations", look=look)
    with serving(Starlette(routes=[Mount("/chat", chat)], lifespan=chat_lifespan(chat))) as address:
        yield f"{address}/chat/"
