"""HTTP with the server: connections that all users share, replies as JSON, failures as errors with sentences."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import httpx

from ....errors import BackendError, BackendUnavailable, NotAllowed, NotSignedIn
from ....text.cleaning import read_json
from ...connections import Connections
from ...server_url import server_url
from ..translation import problems
from .tokens import claims, expired

T = TypeVar("T")
log = logging.getLogger("htmxchat")
EXAMPLE = "http://localhost:28110"
FIRST_PAUSE, _MAX_PAUSE = 0.2, 5.0  # seconds
_SLOW, _CHANGE = 30.0, 60.0  # seconds
_MAX_ERROR = 65_536


class Http:
    """Asks one server on behalf of many users. asyncio only.

    Reads are tried up to three times, with growing and jittered pauses. Calls that change something are made once,
    because the server would do them twice.

    Args:
        base_url: Where the server is: `http://host:port`, with a path if it has one.
        timeout: Seconds that the server may be silent while it answers.
        transport: For tests and for special networks.

    Raises:
        ValueError: `base_url` is not an address.
    """

    def __init__(self, base_url: str, timeout: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.base_url = server_url("base_url", base_url, EXAMPLE)
        self._timeout = timeout
        self._connections = Connections(transport, idle=20)

    async def close(self) -> None:
        """Close all connections. The next call opens new ones."""
        await self._connections.close()

    async def get(self, token: str, path: str, read: Callable[[Any], T], *, slow: bool = False) -> T:
        """Return what `read` makes of the answer.

        Args:
            slow: This is expensive for the server: wait longer, and try only twice.
        """
        seconds, pause = _SLOW if slow else self._timeout, FIRST_PAUSE
        for _ in range(1 if slow else 2):
            try:
                return await self._call("GET", token, path, read, seconds)
            except BackendUnavailable:
                pause = await rest(pause)
        return await self._call("GET", token, path, read, seconds)

    async def post(
        self, token: str, path: str, read: Callable[[Any], T], body: Any = None, *, seconds: float = _CHANGE
    ) -> T:
        """Change something, once. The time limit is long, because after it the result is unknown."""
        return await self._call("POST", token, path, read, seconds, body)

    def stream(self, token: str, path: str) -> AbstractAsyncContextManager[httpx.Response]:
        """Open an event stream. It has no read timeout: the reader has its own."""
        _check(token)
        headers = {**_headers(token), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        timeout = httpx.Timeout(self._timeout, read=None)
        return self._connections.client().stream("GET", self.base_url + path, headers=headers, timeout=timeout)

    async def request(
        self, method: str, path: str, token: str | None, *, seconds: float | None = None, body: Any = None
    ) -> httpx.Response:
        """Return a response, whatever its status.

        Raises:
            BackendUnavailable: There was no response.
        """
        timeout = httpx.Timeout(self._timeout, read=seconds or self._timeout)
        headers, client = _headers(token), self._connections.client()
        try:
            return await client.request(method, self.base_url + path, headers=headers, json=body, timeout=timeout)
        except httpx.HTTPError as error:
            raise unreachable(error) from None

    async def refused(self, token: str, response: httpx.Response) -> Exception:
        """Return the error for a response that is not a success."""
        error = problems.refusal(response.status_code, response.content[:_MAX_ERROR])
        if response.status_code >= 500:
            # The response may contain the server's paths, so it is not logged here.
            log.error("The kogwistar server answered %d to %s.", response.status_code, response.request.url.path)
        if isinstance(error, NotSignedIn) and claims(token) and "user_id" not in claims(token):
            return NotSignedIn(problems.NO_USER)
        if not isinstance(error, NotAllowed):
            return error
        # The server answers 403 to a bad token and to a user who is not allowed; only one route tells them apart.
        try:
            bad = (await self.request("GET", "/api/auth/me", token)).status_code in (401, 404)
        except BackendUnavailable:
            bad = False
        return NotSignedIn(problems.SIGN_IN_AGAIN if expired(token) else problems.NO_TOKEN) if bad else error

    async def _call(
        self, method: str, token: str, path: str, read: Callable[[Any], T], seconds: float, body: Any = None
    ) -> T:
        _check(token)
        response = await self.request(method, path, token, seconds=seconds, body=body)
        if not response.is_success:
            error = await self.refused(token, response)
            # The status of a proxy that got no response; the server may still be working.
            lost = method == "POST" and response.status_code in (502, 504)
            raise problems.Uncertain(str(error)) if lost else error
        try:
            return read(read_json(response.content))
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            log.warning("The kogwistar server's answer to %s %s was not understood.", method, path.partition("?")[0])
            unclear = problems.Uncertain if method == "POST" else BackendError
            raise unclear(problems.NOT_UNDERSTOOD) from None


async def rest(pause: float) -> float:
    """Wait before the next try; return the pause before the one after it, in seconds."""
    await asyncio.sleep(pause * random.uniform(0.5, 1.0))
    return min(pause * 2, _MAX_PAUSE)


def unreachable(error: httpx.HTTPError) -> BackendUnavailable:
    """Return the error for a missing response."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
        return BackendUnavailable(problems.NOT_REACHED)
    slow = isinstance(error, httpx.TimeoutException)
    return problems.Uncertain(problems.TOO_SLOW if slow else problems.NOT_REACHED)


def _check(token: str) -> None:
    if not token or not token.isascii() or not token.isprintable():
        raise NotSignedIn(problems.NO_TOKEN)
    if expired(token):
        raise NotSignedIn(problems.SIGN_IN_AGAIN)


def _headers(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
