"""Asks the server about a run for which nobody may be waiting, so there is time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ...agent import Request
from ...errors import BackendUnavailable, NotSignedIn
from .credentials import Credentials
from .translation.problems import NoSuchRoute, ServerFailed

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0


class SignedOut(Exception):
    """No token of the run's user is known here: whoever knows one goes on with the run."""


class Asking:
    """Asks with the latest token of a run's user."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def token(self, user_id: str) -> str:
        """Return a token.

        Raises:
            SignedOut: None is known that may be good.
        """
        token = await self._credentials.find(user_id)
        if token is None:
            raise SignedOut
        return token

    def refuse(self, user_id: str, token: str) -> None:
        """The server does not take a token any more."""
        self._credentials.refuse(user_id, token)

    async def patiently(self, request: Request, ask: Callable[[str], Awaitable[T]]) -> T:
        """Ask until there is an answer: what is away now comes back.

        Raises:
            SignedOut: The server takes no token that this process knows.
        """
        delay = _FIRST_DELAY
        while True:
            token = await self.token(request.user.id)
            try:
                return await ask(token)
            except NotSignedIn:
                self.refuse(request.user.id, token)
            except (BackendUnavailable, NoSuchRoute, ServerFailed) as error:
                log.info("Run %s waits: %s", request.run_id, error)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, _LONGEST_DELAY)
