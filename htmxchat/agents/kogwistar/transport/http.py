"""HTTP with the server: connections that all users share, replies as JSON, failures as errors with sentences."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import httpx

from .... import checks
from ....errors import BackendError, BackendUnavailable, NotAllowed, NotSignedIn
from ....text.cleaning import read_json
from ..translation import problems
from .tokens import claims, expired

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_ADDRESS = re.compile(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(/[\w.~!$&'()*+,;=:@%/-]*)?", re.ASCII)
_TRIES = 3
FIRST_PAUSE, _MAX_PAUSE = 0.2, 5.0  # seconds
_MAX_ERROR = 65_536
_SLOW, _CHANGE = 30.0, 60.0


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
        self.base_url = address("base_url", base_url)
        self._timeout = timeout
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Close all connections. The next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def get(self, token: str, path: str, read: Callable[[Any], T], *, slow: bool = False) -> T:
        """Return what `read` makes of the answer.

        Args:
            slow: This is expensive for the server: wait longer, and try fewer times.
        """
        seconds, pause = _SLOW if slow else self._timeout, FIRST_PAUSE
        for _ in range(_TRIES - 2 if slow else _TRIES - 1):
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
        return self._connections().stream("GET", self.base_url + path, headers=headers, timeout=timeout)

    async def request(
        self, method: str, path: str, token: str | None, *, seconds: float | None = None, body: Any = None
    ) -> httpx.Response:
        """Return a response, whatever its status.

        Raises:
            BackendUnavailable: There was no response.
        """
        timeout = httpx.Timeout(self._timeout, read=seconds or self._timeout)
        try:
            return await self._connections().request(
                method, self.base_url + path, headers=_headers(token), json=body, timeout=timeout
            )
        except httpx.HTTPError as error:
            raise unreachable(error) from None

    async def refused(self, token: str, response: httpx.Response) -> Exception:
        """Return the error for a response that is not a success."""
        error = problems.refusal(response.status_code, response.content[:_MAX_ERROR])
        if response.status_code >= 500:
            # The response may contain the server's paths, so it is not logged here.
            log.error("The kogwistar server answered %d to %s.", response.status_code, response.request.url.path)
        nobody = bool(claims(token)) and "user_id" not in claims(token)
        if isinstance(error, NotSignedIn) and nobody:
            return NotSignedIn(problems.NO_USER)
        if not isinstance(error, NotAllowed):
            return error
        # The server answers 403 to a bad token and to a user who is not allowed; only one route tells them apart.
        if expired(token):
            return NotSignedIn(problems.SIGN_IN_AGAIN)
        try:
            bad = not nobody and (await self.request("GET", "/api/auth/me", token)).status_code in (401, 404)
        except BackendUnavailable:
            bad = False
        return NotSignedIn(problems.NO_TOKEN) if bad else error

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

    def _connections(self) -> httpx.AsyncClient:
        """Return the client of this event loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or loop is not self._loop:
            # Connections belong to one event loop, but an object made at import time may see several.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
            # All users share the connections, so a cookie of one must not be sent for another.
            forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            self._client = httpx.AsyncClient(
                transport=self._transport, limits=limits, cookies=forgetful, trust_env=False
            )
            self._loop = loop
        return self._client


async def rest(pause: float) -> float:
    """Wait before the next try; return the pause before the one after it, in seconds."""
    await asyncio.sleep(pause * random.uniform(0.5, 1.0))
    return min(pause * 2, _MAX_PAUSE)


def address(name: str, text: str) -> str:
    """Return an address without a slash at its end.

    Raises:
        ValueError: It is none.
    """
    if not _ADDRESS.fullmatch(checks.text(name, text)):
        raise ValueError(f"{name} must be an address like https://host or http://host:port, not {text!r}.")
    return text.rstrip("/")


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
