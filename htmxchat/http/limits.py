"""Limits on what one user may send and keep open."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

import anyio
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import checks
from ..errors import BodyTooLarge, BodyTooSlow
from ..kinds import check_fields
from .csrf import Refuse

_FORM_BYTES_PER_CHARACTER = 12  # four bytes of UTF-8, each written as %XX
_TIMES = ("body_timeout", "resume_seconds", "poll_interval", "backend_timeout")
_FORM_OVERHEAD = 1024  # field names and the other fields


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a chat.

    Attributes:
        text: The longest message, in characters.
        body: The largest request body, in bytes. It must fit the longest message as form data, up to 12 bytes per
            character, so that a text that is too long gets a clear error.
        result: The largest result of a script, in bytes of JSON. If a result is larger, the page leaves out pictures.
        body_timeout: How many seconds a request body may take to arrive, also if it was refused meanwhile.
        streams_per_user: How many open streams a user may have in this process, over all tabs and devices. Browsers
            allow six connections per host over HTTP/1.1.
        requests_per_user: How many concurrent requests a user may have in this process, including streams and polls.
        resume_bytes: About how much memory this process may use to cache what pages show of active answers, so that a
            reader that polls or reconnects is sent only what is new.
        resume_seconds: How long such a cache entry is kept after the last reader.
        runs_per_user: How many active runs a user may have, including those that wait for the user. A `CanLimitRuns`
            backend counts them over all processes; another backend must enforce the limit itself.
        poll_interval: Seconds between two polls of an active answer. A visible page polls for changes by other tabs and
            devices half as often.
        backend_timeout: Seconds that a page waits for the backend before it reports that it is unreachable.

    Raises:
        ValueError: A limit is below 1, a time is not above 0, or `body` is too small for `text`.
    """

    text: int = 20_000
    body: int = 256 * 1024
    result: int = 1024 * 1024
    body_timeout: float = 30.0
    streams_per_user: int = 4
    requests_per_user: int = 32
    resume_bytes: int = 64 * 1024 * 1024
    resume_seconds: float = 60.0
    runs_per_user: int = 10
    poll_interval: float = 0.7
    backend_timeout: float = 15.0

    def __post_init__(self) -> None:
        check_fields(self)
        for name, value in asdict(self).items():
            if name in _TIMES:
                checks.seconds(f"Limits.{name}", value)
            elif value < 1:
                raise ValueError(f"Limits.{name} must be at least 1, not {value}.")
        needed = self.text * _FORM_BYTES_PER_CHARACTER + _FORM_OVERHEAD
        if self.body < needed:
            raise ValueError(
                f"A form with {self.text:,} characters can need {needed:,} bytes: make Limits.body at least that, or "
                f"Limits.text smaller. It is {self.body:,}."
            )


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of a request body.

    Attributes:
        size: The most bytes.
        seconds: The time from the first read until the end of the body.
        pause: The most seconds between two chunks.
    """

    size: int
    seconds: float = math.inf
    pause: float = math.inf


class BodyLimit:
    """ASGI middleware that rejects a body that is too large (`BodyTooLarge`) or too slow (`BodyTooSlow`).

    A `Content-Length` above the limit is rejected before anything is read. Otherwise the body is counted while the app
    reads it: reading past a limit raises the error in the app. If the app does not catch it and has not begun to
    respond, `refuse` makes the response.

    Args:
        bounds: Returns the limits of a request's body.
    """

    def __init__(self, app: ASGIApp, bounds: Callable[[Scope], Bounds], refuse: Refuse) -> None:
        self._app = app
        self._bounds = bounds
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        bounds = self._bounds(scope)
        body = _Body(receive, bounds)
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        if _content_length(scope) > bounds.size:
            await (await self._refuse(Request(scope, receive), BodyTooLarge(bounds.size)))(scope, receive, send_noted)
            return
        try:
            await self._app(scope, body.receive, send_noted)
        except (BodyTooLarge, BodyTooSlow) as error:
            if started or error is not body.error:
                raise
            await (await self._refuse(Request(scope, receive), error))(scope, receive, send_noted)


class _Body:
    """A request body while it is read.

    Attributes:
        error: Why reading stopped.
    """

    def __init__(self, receive: Receive, bounds: Bounds) -> None:
        self._whole = False
        self.error: BodyTooLarge | BodyTooSlow | None = None
        self._receive = receive
        self._bounds = bounds
        self._deadline: float | None = None
        self._read = 0

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        now = anyio.current_time()
        if self._deadline is None:
            self._deadline = now + self._bounds.seconds
        message: Message | None = None
        with anyio.CancelScope(deadline=min(self._deadline, now + self._bounds.pause)):
            message = await self._receive()
        if message is None:
            self.error = BodyTooSlow(min(self._bounds.seconds, self._bounds.pause))
            raise self.error
        self._read += len(message.get("body", b""))
        if self._read > self._bounds.size:
            self.error = BodyTooLarge(self._bounds.size)
            raise self.error
        self._whole = not message.get("more_body", False)
        return message


class QuietDisconnects:
    """ASGI middleware that ends a request without an error when its client has disconnected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = False

        async def send_noted(message: Message) -> None:
            nonlocal gone
            try:
                await send(message)
            except OSError:
                gone = True
                raise

        try:
            await self._app(scope, receive, send_noted)
        except ClientDisconnect:
            pass
        except OSError:
            if not gone:
                raise


def _content_length(scope: Scope) -> int:
    """Return the `Content-Length` in bytes; 0 if it is missing or invalid: then the body is counted."""
    text = Headers(scope=scope).get("content-length", "")
    # int() raises ValueError for thousands of digits.
    return int(text[:32]) if text.isascii() and text.isdigit() else 0


class Slot:
    """One concurrent request or stream of a user; freed at the end of its `with` block."""

    __slots__ = "_open", "_user_id"

    def __init__(self, open: Counter[str], user_id: str) -> None:
        self._open = open
        self._user_id = user_id

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Free the slot."""
        self._open[self._user_id] -= 1
        if not self._open[self._user_id]:
            del self._open[self._user_id]


class Slots:
    """Counts each user's concurrent requests or streams in this process.

    Args:
        per_user: The most a user may have at a time.
    """

    def __init__(self, per_user: int) -> None:
        self._per_user = per_user
        self._open: Counter[str] = Counter()

    def take(self, user_id: str) -> Slot | None:
        """Return a slot, which the caller must free; `None` if all are taken."""
        if self._open[user_id] >= self._per_user:
            return None
        self._open[user_id] += 1
        return Slot(self._open, user_id)

    def count(self, user_id: str) -> int:
        """Return how many slots the user holds."""
        return self._open[user_id]
