"""Connections to a server, shared by all users of the chat."""

from __future__ import annotations

import asyncio
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx


class Connections:
    """A client of httpx, a new one for each event loop. It keeps no cookies and reads no environment. asyncio only.

    Args:
        transport: For tests and for special networks.
        idle: The most connections that are kept open while nothing is asked; with 0, it need not be closed.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None, idle: int) -> None:
        self._transport = transport
        self._limits = httpx.Limits(max_connections=None, max_keepalive_connections=idle)
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def client(self) -> httpx.AsyncClient:
        """Return the client of this event loop."""
        loop = asyncio.get_running_loop()
        if self._client is None or loop is not self._loop:
            # Connections belong to one event loop, but an object made at import time may see several.
            forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            self._client = httpx.AsyncClient(
                transport=self._transport, limits=self._limits, cookies=forgetful, trust_env=False
            )
            self._loop = loop
        return self._client

    async def close(self) -> None:
        """Close all connections. The next use opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
