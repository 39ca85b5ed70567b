"""The connections that all users of one server share."""

from __future__ import annotations

import asyncio
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx


class Pool:
    """One httpx client for all calls. asyncio only.

    Args:
        transport: For tests and for special networks.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def client(self) -> httpx.AsyncClient:
        """Return the client of this event loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or loop is not self._loop:
            # Connections belong to one event loop, but an object made at import time may see several.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
            # All users share the connections, so what one is given to remember must not be sent by another.
            forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            self._client = httpx.AsyncClient(transport=self._transport, limits=limits, cookies=forgetful)
            self._loop = loop
        return self._client

    async def close(self) -> None:
        """Close all connections. The next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
