"""The agents of a backend: checks its `agent` argument, and says which of them can do what."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import cached_property, partial
from typing import Any

from .. import checks
from ..agent import Agent, CanResume, CanStop, Request, Responder, Said
from ..errors import InvalidInput

_MAX_NAME = 60


class _Function:
    """An async generator function as an agent."""

    def __init__(self, respond: Responder) -> None:
        self._respond = respond
        inner = respond.func if isinstance(respond, partial) else respond
        self.name = getattr(inner, "__name__", type(inner).__name__)

    def answer(self, request: Request) -> AsyncIterator[Said]:
        return self._respond(request)


class Agents:
    """One agent, whose name is "", or several with the names from which the user chooses.

    Raises:
        TypeError: One is no agent, or a name is not a string.
        ValueError: There is none, or a name cannot be shown.
    """

    def __init__(self, given: Any) -> None:
        named = isinstance(given, Mapping) and not isinstance(given, Agent)
        if named and not given:
            raise ValueError('agent must have at least one agent: {"fast": fast, "careful": careful}.')
        if named:
            self._agents = {_name(name): as_agent(agent, f"agent[{name!r}]") for name, agent in given.items()}
        else:
            self._agents = {"": as_agent(given)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names to choose from; none if there is no choice."""
        return tuple(self._agents) if len(self._agents) > 1 else ()

    @cached_property
    def resumable(self) -> frozenset[str]:
        """The names under which runs of these agents can be resumed."""
        return frozenset(name for each in self._agents if (name := self.resumable_as(each)) is not None)

    @cached_property
    def stopping(self) -> frozenset[str]:
        """Those of `resumable` whose agents end their runs themselves when they are stopped."""
        able = {self.resumable_as(name) for name, agent in self._agents.items() if isinstance(agent, CanStop)}
        return self.resumable & able

    def __getitem__(self, name: str) -> Agent:
        """Return the agent with a name; for a name that is not there any more, the first one."""
        return self._agents[self._known(name)]

    async def choose(self, name: str | None, last: Callable[[], Awaitable[str]]) -> dict[str, Any]:
        """Return the names under which a run is stored: those of the chosen agent.

        Args:
            last: Returns the name of the agent that answers if none was chosen; asked only if there are several.

        Raises:
            InvalidInput: There is no such agent.
        """
        if name is not None and name not in self._agents:
            raise InvalidInput("The agent that you chose is not there any more. Reload the page to choose another one.")
        if name is None:
            name = self._known(await last() if self.names else "")
        return {"answered_by": name, "agent": self.resumable_as(name)}

    def _known(self, name: str) -> str:
        return name if name in self._agents else next(iter(self._agents))

    def resumable_as(self, name: str) -> str | None:
        """Return the name under which other processes can resume an agent's runs; `None` if they cannot.

        Raises:
            TypeError: `agent.name` is not a string.
        """
        agent = self._agents[name]
        if not isinstance(agent, CanResume):
            return None
        return name or checks.text("agent.name", getattr(agent, "name", type(agent).__name__), empty=False)


def as_agent(agent: Any, where: str = "agent") -> Agent:
    """Return an agent; an async generator function is wrapped.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(agent, Agent):
        _check(f"{where}.answer", agent.answer)
        if isinstance(agent, CanResume):
            _check(f"{where}.resume", agent.resume)
        return agent
    if not callable(agent):
        said = checks.kind(agent)
        raise TypeError(f"{where} must be an async generator function, or an object with answer(request), not {said}.")
    _check(where, agent)
    return _Function(agent)


def _name(name: Any) -> str:
    checks.text("The name of an agent", name, empty=False)
    if len(name) > _MAX_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(f"The name of an agent must be one line of at most {_MAX_NAME} characters, not {name!r}.")
    return str(name)


def name_of(agent: Agent) -> str:
    """Return an agent's name for logs and telemetry."""
    return str(getattr(agent, "name", type(agent).__name__))


def _check(name: str, function: Any) -> None:
    call = inspect.unwrap(function)
    for each in (call, type(call).__call__):
        if inspect.iscoroutinefunction(each) or inspect.isgeneratorfunction(each):
            raise TypeError(f"{name} must be an async generator function: `async def` with at least one `yield`.")
