"""HTTP with the server: one pool of connections, replies read as JSON, failures as sentences."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import httpx

from ....cleaning import read_json
from ....errors import BackendError, BackendUnavailable, NotAllowed, NotSignedIn
from ..translation import problems
from .pool import Pool
from .tokens import claims, expired

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_TRIES = 3
_FIRST_PAUSE = 0.15
_LARGEST_ERROR = 65_536
_SLOW, _CHANGE = 30.0, 60.0


class Http:
    """Asks one server on behalf of many users. asyncio only.

    Reads are tried up to three times, with growing and jittered pauses. Calls that change something are made once: the
    server would do them twice.

    Args:
        base_url: Where the server is: `http://host:port`, with a path if it has one.
        timeout: Seconds that the server may be silent while it answers.
        transport: For tests and for special networks.

    Raises:
        ValueError: `base_url` is not an address.
    """

    def __init__(self, base_url: str, timeout: float, transport: httpx.AsyncBaseTransport | None) -> None:
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f'base_url is the address of the server, "http://host:28110", not {base_url!r}.')
        self._base = str(url).rstrip("/")
        self._timeout = timeout
        self._pool = Pool(transport)

    async def close(self) -> None:
        """Close all connections. The next call opens new ones."""
        await self._pool.close()

    async def get(self, token: str, path: str, read: Callable[[Any], T], *, slow: bool = False) -> T:
        """Return what `read` makes of the answer.

        Args:
            slow: The server reads a lot for this: wait longer, and ask it less often.
        """
        tries = _TRIES - 1 if slow else _TRIES
        timeout = self._for(_SLOW if slow else self._timeout)
        for number in range(1, tries):
            try:
                return await self._call("GET", token, path, read, timeout)
            except BackendUnavailable:
                await asyncio.sleep(_FIRST_PAUSE * 2**number * random.uniform(0.5, 1.0))
        return await self._call("GET", token, path, read, timeout)

    async def post(
        self, token: str, path: str, read: Callable[[Any], T], body: Any = None, *, timeout: float = _CHANGE
    ) -> T:
        """Change something, once. Giving up on that too early would leave it unknown whether it happened."""
        return await self._call("POST", token, path, read, self._for(timeout), body)

    def stream(self, token: str, path: str) -> AbstractAsyncContextManager[httpx.Response]:
        """Open an event stream. Its silence has no limit: whoever reads watches the clock."""
        headers = {**_headers(token), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        timeout = httpx.Timeout(self._timeout, read=None)
        return self._pool.client().stream("GET", self._base + path, headers=headers, timeout=timeout)

    async def refused(self, token: str, response: httpx.Response) -> Exception:
        """Return the error for an answer that is not a success."""
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST_ERROR:
                break
        error = problems.refusal(response.status_code, body)
        if response.status_code >= 500:
            # What it said may hold its paths; it is for its own log.
            log.error("The kogwistar server answered %d to %s.", response.status_code, response.request.url.path)
        if isinstance(error, NotAllowed):
            return await self._why_not(token, error)
        if isinstance(error, NotSignedIn) and claims(token) and "user_id" not in claims(token):
            return NotSignedIn(problems.NO_USER)
        return error

    async def _why_not(self, token: str, error: NotAllowed) -> Exception:
        """The server says 403 to a bad token as to one that is not allowed; only one route tells them apart."""
        if expired(token):
            return NotSignedIn(problems.SIGN_IN_AGAIN)
        if claims(token) and "user_id" not in claims(token):
            return error
        try:
            url = f"{self._base}/api/auth/me"
            known = await self._pool.client().get(url, headers=_headers(token), timeout=self._for(self._timeout))
        except httpx.HTTPError:
            return error
        return NotSignedIn(problems.NO_TOKEN) if known.status_code in (401, 404) else error

    async def _call(
        self, method: str, token: str, path: str, read: Callable[[Any], T], timeout: httpx.Timeout, body: Any = None
    ) -> T:
        try:
            async with self._pool.client().stream(
                method, self._base + path, headers=_headers(token), json=body, timeout=timeout
            ) as response:
                if not response.is_success:
                    error = await self.refused(token, response)
                    # A proxy that waited in vain says so; the server may go on nevertheless.
                    lost = method == "POST" and response.status_code in (502, 504)
                    raise problems.Uncertain(str(error)) if lost else error
                content = await response.aread()
        except httpx.HTTPError as error:
            raise unreachable(error) from None
        try:
            return read(read_json(content))
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            log.warning("The kogwistar server's answer to %s %s was not understood.", method, path.partition("?")[0])
            unclear = problems.Uncertain if method == "POST" else BackendError
            raise unclear(problems.NOT_UNDERSTOOD) from None

    def _for(self, seconds: float) -> httpx.Timeout:
        return httpx.Timeout(self._timeout, read=seconds)


def _headers(token: str) -> dict[str, str]:
    if not token or not token.isascii() or not token.isprintable():
        raise NotSignedIn(problems.NO_TOKEN)
    if expired(token):
        raise NotSignedIn(problems.SIGN_IN_AGAIN)
    return {"Authorization": f"Bearer {token}"}


def unreachable(error: httpx.HTTPError) -> BackendUnavailable:
    """Return the error for an answer that did not come."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
        return BackendUnavailable(problems.NOT_REACHED)
    slow = isinstance(error, httpx.TimeoutException)
    return problems.Uncertain(problems.TOO_SLOW if slow else problems.NOT_REACHED)
