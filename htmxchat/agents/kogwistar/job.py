"""One run in this process: its signals, its token, and requests about it that are repeated until they succeed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from ...agent import Request
from ...errors import BackendUnavailable, NotSignedIn
from .credentials import Credentials
from .links import Links
from .progress import Progress
from .timing import Timing
from .translation.problems import NoSuchRoute, ServerFailed
from .transport.client import Client
from .transport.http import FIRST_PAUSE, rest

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("htmxchat")
# Any other id in an answer run makes the server build a copy of the second one under that name.
_ANSWERING = frozenset({"debug.rag.v1", "agentic_answering.v2"})


class SignedOut(Exception):
    """This process has no token of the run's user. A process that has one continues the run."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The workflow that answers, and what all runs share to reach the server."""

    client: Client
    links: Links
    credentials: Credentials
    timing: Timing
    workflow_id: str
    initial_state: Callable[[str], Mapping[str, Any]]

    @property
    def workflow(self) -> bool:
        """Whether messages start workflow runs, for which the server stores no turns."""
        return self.workflow_id not in _ANSWERING


@dataclass(frozen=True, slots=True)
class Sent:
    """What happened to a message: why it was not confirmed, if so, and whether it stays in the conversation."""

    error: Exception | None = None
    kept: bool = True


@dataclass
class Signals:
    """What this process tells a run, and hears of it.

    Attributes:
        news: Set when there is something to look at.
        stop_asked: When the user asked it to stop, by the event loop's clock.
        sent: Is to say what happened to the message, if someone waits for that.
    """

    news: asyncio.Event = field(default_factory=asyncio.Event)
    stop_asked: float | None = None
    sent: asyncio.Future[Sent] | None = None

    def stop(self) -> None:
        self.stop_asked = asyncio.get_running_loop().time()
        self.news.set()

    def settle(self, sent: Sent) -> None:
        """Say what happened to the message; only the first that is said counts."""
        if self.sent is not None and not self.sent.done():
            self.sent.set_result(sent)

    async def wait(self, seconds: float) -> None:
        """Wait for news, or for some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()


@dataclass
class Job:
    """A run, and what is needed to continue with it."""

    setup: Setup
    request: Request
    progress: Progress
    signals: Signals

    @property
    def given_up(self) -> bool:
        """Whether a stop was requested so long ago that the run is no longer waited for."""
        asked = self.signals.stop_asked
        return asked is not None and asyncio.get_running_loop().time() - asked >= self.setup.timing.give_up

    async def token(self) -> str:
        """Return the latest token of the run's user.

        Raises:
            SignedOut: This process knows no valid token.
        """
        token = await self.setup.credentials.find(self.request.user.id)
        if token is None:
            raise SignedOut
        return token

    def refuse(self, token: str) -> None:
        """Note that the server no longer accepts a token."""
        self.setup.credentials.refuse(self.request.user.id, token)

    async def link(self, **names: str) -> None:
        """Remember names that the server has for the run."""
        await self.ask(lambda _: self.setup.links.add_run(self.request.run_id, self.progress.turn, **names))

    async def ask(self, call: Callable[Concatenate[str, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of a call that takes a token. It is repeated while the server cannot be reached.

        Raises:
            SignedOut: The server accepts no token that this process knows.
        """
        pause = FIRST_PAUSE
        while True:
            token = await self.token()
            try:
                return await call(token, *args, **kwargs)
            except NotSignedIn:
                self.refuse(token)
            except (BackendUnavailable, NoSuchRoute, ServerFailed) as error:
                log.info("Run %s waits: %s", self.request.run_id, error)
            pause = await rest(pause)
