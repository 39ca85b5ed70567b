"""The events of a server: one POST, answered by an event stream."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from ....errors import BackendError, BackendUnavailable
from ....text.cleaning import read_json
from ...event_stream import EventStreamReader, TooLarge
from ..exchange import can_be_plainer, plainer
from ..translation.fields import Event
from . import problems

log = logging.getLogger("htmxchat")
_CONNECT = 10.0
_TRIES = 3
_LONGEST_PAUSE = 20.0  # seconds that a server may ask to be left alone
_BUSY = (429, 503)
_SENT_ON = (307, 308)


class Cut(BackendError):
    """The stream broke off."""


class Http:
    """Asks one server. asyncio only.

    A request is made again only when the server says that it has not begun with it.

    Args:
        silence: Seconds that the server may say nothing.
        transport: For tests and for special networks.
    """

    def __init__(self, url: str, silence: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = httpx.URL(url)
        self._timeout = httpx.Timeout(_CONNECT, read=silence, write=silence)
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def events(self, sent: dict[str, Any], headers: Mapping[str, str]) -> AsyncGenerator[Event, None]:
        """Yield events until the stream ends. Closing the generator closes the connection.

        Raises:
            Cut: The stream broke off.
            BackendError: There is none.
        """
        url, plain = self._url, False
        for attempt in range(_TRIES * 2):
            try:
                async with self._open(url, sent, headers) as response:
                    if response.status_code == 200:
                        async with aclosing(_read(response)) as events:
                            async for event in events:
                                yield event
                        return
                    pause = _pause(response) if attempt < _TRIES - 1 else None
                    if response.status_code in _SENT_ON and (there := self._elsewhere(response, url)) is not None:
                        url = there
                    elif response.status_code == 422 and not plain and can_be_plainer(sent):
                        sent, plain = plainer(sent), True
                    elif response.status_code in _BUSY and pause is not None:
                        await asyncio.sleep(pause)
                    else:
                        log.warning("The AG-UI server answered %d to POST %s.", response.status_code, url.path)
                        raise problems.refusal(response.status_code)
            except httpx.ReadTimeout:
                raise Cut(problems.SILENT) from None
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.PoolTimeout):
                raise BackendUnavailable from None
            except httpx.HTTPError:
                raise Cut(problems.CUT) from None
        raise BackendError(problems.ELSEWHERE)

    def _open(self, url: httpx.URL, sent: dict[str, Any], headers: Mapping[str, str]) -> Any:
        # A lone surrogate cannot be sent as UTF-8, and as an escape it can.
        body = json.dumps(sent, ensure_ascii=False).encode("utf-8", "replace")
        wanted = {"Accept": "text/event-stream", "Content-Type": "application/json", **headers}
        return self._connections().stream("POST", url, content=body, headers=wanted)

    def _elsewhere(self, response: httpx.Response, url: httpx.URL) -> httpx.URL | None:
        """Return where the server is, if it is the same: no other may get the headers."""
        there = url.join(response.headers.get("location", ""))
        same = (there.scheme, there.host, there.port) == (url.scheme, url.host, url.port)
        return there if same and there != url else None

    def _connections(self) -> httpx.AsyncClient:
        """Return the client of this event loop. It keeps no connection, so that nobody has to close it."""
        loop = asyncio.get_running_loop()
        if self._client is None or loop is not self._loop:
            forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
            self._client = httpx.AsyncClient(
                transport=self._transport, timeout=self._timeout, limits=limits, cookies=forgetful
            )
            self._loop = loop
        return self._client


async def _read(response: httpx.Response) -> AsyncGenerator[Event, None]:
    kind = response.headers.get("content-type", "text/event-stream").partition(";")[0].strip().lower()
    if kind != "text/event-stream":
        raise BackendError(problems.NO_STREAM)
    reader, ended = EventStreamReader(), False
    try:
        async for piece in response.aiter_bytes():
            for frame in reader.feed(piece):
                if (event := _event(frame.data)) is not None:
                    yield event
        ended = True
    except TooLarge:
        raise BackendError(problems.NOT_UNDERSTOOD) from None
    finally:
        last = reader.end() if ended else []
    for frame in last:
        if (event := _event(frame.data)) is not None:
            yield event


def _event(data: str) -> Event | None:
    """Return what a frame says; `None` for one that is no event, such as a mark of the end."""
    try:
        event = read_json(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None


def _pause(response: httpx.Response) -> float | None:
    """Return for how long the server wants to be left alone; `None` when it does not say, or too long."""
    said = response.headers.get("retry-after", "")
    seconds = float(said) if said.isascii() and said.isdigit() else None
    return seconds if seconds is not None and seconds <= _LONGEST_PAUSE else None


def address(text: str) -> str:
    """Return an address as it is.

    Raises:
        ValueError: It is none.
    """
    try:
        url = httpx.URL(text)
        good = url.scheme in ("http", "https") and bool(url.host)
    except httpx.InvalidURL:
        good = False
    if not good:
        raise ValueError(f"source must be an address like http://localhost:8000/agent, not {text!r}.")
    return text
