"""The events of a server: one POST, answered by an event stream."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import httpx

from ....errors import BackendError, BackendUnavailable
from ....text.cleaning import read_json
from ...connections import Connections
from ...event_stream import TooLarge, events_in
from ...retry_after import retry_after
from ..exchange import can_be_plainer, plainer
from ..translation.fields import Event
from . import problems

log = logging.getLogger("htmxchat")
_CONNECT = 10.0
_AGAIN = 3
_FIRST_REST, _MAX_REST = 0.25, 4.0  # seconds
_NOT_THERE = httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.PoolTimeout
_MAX_PAUSE = 20.0  # the longest Retry-After that is waited for, in seconds
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
        self._connections = Connections(transport, idle=0)

    async def events(
        self, sent: dict[str, Any], headers: Mapping[str, str], patience: float = 0
    ) -> AsyncGenerator[Event, None]:
        """Yield events until the stream ends. Closing the generator closes the connection.

        Args:
            patience: Seconds for which a server that is away is waited for.

        Raises:
            Cut: The stream broke off.
            BackendError: There is none.
        """
        url, plain, again, rest = self._url, False, _AGAIN, _FIRST_REST
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            try:
                async with self._open(url, sent, headers) as response:
                    status = response.status_code
                    if status == 200:
                        async with aclosing(_read(response)) as events:
                            async for event in events:
                                yield event
                        return
                    there, again = self._elsewhere(response, url), again - 1
                    pause = _pause(response, deadline)
            except httpx.ReadTimeout:
                raise Cut(problems.SILENT) from None
            except _NOT_THERE:
                if asyncio.get_running_loop().time() >= deadline:
                    raise BackendUnavailable from None
                await asyncio.sleep(rest)
                rest = min(rest * 2, _MAX_REST)
                continue
            except httpx.HTTPError:
                raise Cut(problems.CUT) from None
            if again >= 0 and there is not None:
                url = there
            elif status == 422 and not plain and can_be_plainer(sent):
                sent, plain = plainer(sent), True
            elif again >= 0 and status in _BUSY and pause is not None:
                await asyncio.sleep(pause)
            else:
                log.warning("The AG-UI server answered %d to POST %s.", status, url.path)
                raise problems.refusal(status)

    def _open(self, url: httpx.URL, sent: dict[str, Any], headers: Mapping[str, str]) -> Any:
        # A lone surrogate cannot be sent as UTF-8, but as an escape.
        body = json.dumps(sent, ensure_ascii=False).encode("utf-8", "replace")
        wanted = {"Accept": "text/event-stream", "Content-Type": "application/json", **headers}
        return self._connections.client().stream("POST", url, content=body, headers=wanted, timeout=self._timeout)

    def _elsewhere(self, response: httpx.Response, url: httpx.URL) -> httpx.URL | None:
        """Return the address of a redirect within the same server: no other server may get the headers."""
        if response.status_code not in _SENT_ON:
            return None
        there = url.join(response.headers.get("location", ""))
        same = (there.scheme, there.host, there.port) == (url.scheme, url.host, url.port)
        return there if same and there != url else None


async def _read(response: httpx.Response) -> AsyncGenerator[Event, None]:
    kind = response.headers.get("content-type", "text/event-stream").partition(";")[0].strip().lower()
    if kind != "text/event-stream":
        raise BackendError(problems.NO_STREAM)
    try:
        async for frame in events_in(response.aiter_bytes()):
            if (event := _event(frame.data)) is not None:
                yield event
    except TooLarge:
        raise BackendError(problems.NOT_UNDERSTOOD) from None


def _event(data: str) -> Event | None:
    """Return the event in a frame; `None` for a frame without one, such as an end mark."""
    try:
        event = read_json(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None


def _pause(response: httpx.Response, deadline: float) -> float | None:
    """Return the seconds in Retry-After; `None` if there are none or too many."""
    seconds = retry_after(response.headers)
    if seconds is None and response.status_code == 503 and asyncio.get_running_loop().time() < deadline:
        return 1.0
    return seconds if seconds is not None and seconds <= _MAX_PAUSE else None


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
