"""A model's server, and one request to it: retries before the first byte, bytes to pieces, failures to sentences."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from ... import checks
from ...errors import BackendError, BackendUnavailable, ChatError
from ...events import JSON, ReasoningDelta, StageChanged
from ..event_stream import EventStreamReader, ServerEvent, TooLarge, unhurried
from ..server_url import server_url
from . import refusals
from .reply import Piece, Reply, ReplyReader

UNREACHABLE = "The model's server cannot be reached. Try again in a moment."
SILENT = "The model's server has said nothing for {seconds:g} seconds. Try again."
_CONNECT = 10.0
_TRIES = 3
_MAX_ERROR = 65_536
_MAX_ANSWER = 32 * 2**20
_SHORTEST_SECRET = 6


class OtherApi(BackendError):
    """The server does not know this API, or has the model in another one."""


class Server:
    """Where models answer.

    Args:
        base_url: The address that `/chat/completions` comes after: `http://localhost:11434/v1`.
        api_key: Sent as a bearer token; shown nowhere.
        headers: Sent with each request; shown nowhere.
        timeout: Seconds that the server may say nothing, also before its first word.
        client: Makes the requests; else each run has a client of its own, which reads no environment.

    Raises:
        ValueError: An argument cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        headers: Mapping[str, str],
        timeout: float,
        client: httpx.AsyncClient | None,
    ) -> None:
        self.base_url = server_url("base_url", base_url, "http://localhost:11434/v1")
        self._timeout = checks.seconds("timeout", timeout)
        self._client = client
        self._ssl: ssl.SSLContext | None = None
        sent = {"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity"}
        if api_key is not None:
            sent["Authorization"] = f"Bearer {_header('api_key', api_key)}"
        for name, value in headers.items():
            sent[checks.text("headers", name, empty=False)] = _header(f"headers[{name!r}]", value)
        self._headers = httpx.Headers(sent)
        given = (api_key or "", *headers.values())
        self.secrets = tuple(value for value in given if len(value) >= _SHORTEST_SECRET)

    def __repr__(self) -> str:
        return f"Server({self.base_url!r})"

    @asynccontextmanager
    async def connections(self) -> AsyncIterator[httpx.AsyncClient]:
        """Open what a run asks through."""
        if self._client is not None:
            yield self._client
            return
        if self._ssl is None and self.base_url.startswith("https:"):
            self._ssl = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False)
        # Certificates are costly to load. Over http there are none, and redirects are not followed.
        async with httpx.AsyncClient(verify=self._ssl or False, trust_env=False) as client:
            yield client

    async def ask(
        self, client: httpx.AsyncClient, path: str, body: Mapping[str, JSON], reader: Callable[[], ReplyReader]
    ) -> AsyncGenerator[Piece | StageChanged | Reply, None]:
        """Yield what the server says, as it comes, and last the whole reply.

        A request that was refused before its first byte is made again where that is safe and may help.

        Raises:
            ChatError: It failed.
        """
        asked, tries = dict(body), 1
        while True:
            refusal, seconds = BackendError(), 0.0
            try:
                async with self._post(client, path, asked) as response:
                    if response.status_code == 200:
                        async with aclosing(self._read(response, reader())) as pieces:
                            async for piece in pieces:
                                yield piece
                        return
                    said = await _beginning(response, _MAX_ERROR)
                refusal = refusals.refused(response.status_code, said, self.secrets)
                if (
                    response.status_code in (400, 422)
                    and b"stream_options" in said
                    and asked.pop("stream_options", None)
                ):
                    continue
                if response.status_code in (404, 405) or b"v1/responses" in said:
                    raise OtherApi(str(refusal))
                wait = refusals.pause(response.status_code, response.headers, said)
                if wait is None or tries == _TRIES:
                    raise refusal
                seconds = wait
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
                if tries == _TRIES:
                    raise BackendUnavailable(UNREACHABLE) from None
                seconds = 0.3
            except httpx.TimeoutException:
                raise BackendUnavailable(SILENT.format(seconds=self._timeout)) from None
            except httpx.HTTPError:
                raise BackendUnavailable(refusals.CUT) from None
            tries += 1
            if seconds >= 1:
                yield StageChanged(f"The model's server is busy; asking again in {seconds:.0f} s")
            await asyncio.sleep(seconds)
            if seconds >= 1:
                yield StageChanged("")

    @asynccontextmanager
    async def _post(
        self, client: httpx.AsyncClient, path: str, body: Mapping[str, JSON]
    ) -> AsyncIterator[httpx.Response]:
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        headers = httpx.Headers(self._headers)
        headers["Content-Type"] = "application/json"
        timeout = httpx.Timeout(self._timeout, connect=min(_CONNECT, self._timeout))
        url = self.base_url + path
        async with client.stream(
            "POST", url, content=data, headers=headers, timeout=timeout, follow_redirects=False
        ) as response:
            yield response

    async def _read(self, response: httpx.Response, reader: ReplyReader) -> AsyncGenerator[Piece | Reply, None]:
        type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if type == "application/json" or type.startswith("text/html"):
            said = await _beginning(response, _MAX_ANSWER)
            pieces = _whole(said, reader) if type == "application/json" else None
            if pieces is None:
                raise refusals.not_an_answer(said, type, self.secrets)
            for piece in pieces:
                yield piece
            yield reader.reply()
            return
        stream, begin, any_event = EventStreamReader(), b"", False
        async for packet in unhurried(response.aiter_bytes()):
            if not any_event:
                begin = (begin + packet)[:_MAX_ERROR]
            try:
                events = stream.feed(packet)
            except TooLarge:
                raise BackendError(refusals.CUT) from None
            any_event = any_event or bool(events)
            for piece in joined(events, reader):
                yield piece
            if reader.done:
                break
        events = stream.end()
        if not (any_event or events):
            raise refusals.not_an_answer(begin, type, self.secrets)
        for piece in joined(events, reader):
            yield piece
        for piece in reader.end():
            yield piece
        yield reader.reply()


def joined(events: Iterable[ServerEvent], reader: ReplyReader) -> Iterator[Piece]:
    """Yield what events add, neighbouring pieces of a kind as one; all that came before an error, then raise it."""
    held: Piece = ""
    try:
        for event in events:
            for piece in reader.feed(event):
                if isinstance(piece, str) and isinstance(held, str):
                    held += piece
                elif isinstance(piece, ReasoningDelta) and isinstance(held, ReasoningDelta):
                    held = ReasoningDelta(held.text + piece.text)
                else:
                    if held:
                        yield held
                    held = piece
    except ChatError:
        if held:
            yield held
        raise
    if held:
        yield held


def _whole(said: bytes, reader: ReplyReader) -> Sequence[Piece] | None:
    """Return the pieces of an answer that came whole, as JSON; `None` if this is none."""
    pieces = [*joined([ServerEvent("", said.decode("utf-8", "replace"))], reader), *reader.end()]
    reply = reader.reply()
    return pieces if pieces or reply.calls or reply.finish else None


async def _beginning(response: httpx.Response, most: int) -> bytes:
    said = b""
    async for packet in response.aiter_bytes():
        said += packet
        if len(said) >= most:
            break
    return said[:most]


def _header(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {checks.kind(value)}.")
    if not value.isascii() or not value.isprintable() or not value.strip():
        raise ValueError(f"{name} cannot be sent: it is empty, or has line ends or characters other than ASCII.")
    return value
