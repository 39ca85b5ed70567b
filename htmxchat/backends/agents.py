"""Checks a backend's `agent` argument and returns it as an `Agent`."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from .. import checks
from ..agent import Agent, CanResume, Request, Responder, Said


class _Function:
    """An async generator function as an agent."""

    def __init__(self, respond: Responder) -> None:
        self._respond = respond
        inner = respond.func if isinstance(respond, partial) else respond
        self.name = getattr(inner, "__name__", type(inner).__name__)

    def answer(self, request: Request) -> AsyncIterator[Said]:
        return self._respond(request)


def as_agent(agent: Any) -> Agent:
    """Return an agent; an async generator function is wrapped.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(agent, Agent):
        _check("agent.answer", agent.answer)
        if isinstance(agent, CanResume):
            _check("agent.resume", agent.resume)
        return agent
    if not callable(agent):
        said = checks.kind(agent)
        raise TypeError(f"agent must be an async generator function, or an object with answer(request), not {said}.")
    _check("agent", agent)
    return _Function(agent)


def resumable_name(agent: Agent) -> str | None:
    """Return the name under which other processes can resume the agent's runs; `None` if they cannot.

    Raises:
        TypeError: `agent.name` is not a string.
    """
    if not isinstance(agent, CanResume):
        return None
    return checks.text("agent.name", getattr(agent, "name", type(agent).__name__), empty=False)


def name_of(agent: Agent) -> str:
    """Return an agent's name for logs and telemetry."""
    return str(getattr(agent, "name", type(agent).__name__))


def _check(name: str, function: Any) -> None:
    call = inspect.unwrap(function)
    for each in (call, type(call).__call__):
        if inspect.iscoroutinefunction(each) or inspect.isgeneratorfunction(each):
            raise TypeError(f"{name} must be an async generator function: `async def` with at least one `yield`.")
