"""How much one user may send and keep open."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .csrf import Refuse
from .errors import BodyTooLarge
from .kinds import check_fields

_FORM_BYTES_PER_CHARACTER = 12  # four bytes of UTF-8, each written as %XX
_FORM_OVERHEAD = 1024  # field names and the other fields


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a chat.

    Attributes:
        text: The longest message, in characters.
        body: The largest request body, in bytes. It must hold the longest message as a form writes it, at worst 12
            bytes a character, so that a text that is too long is told so and not cut off.
        result: The largest result of a script, in bytes of JSON. A page whose result is larger leaves pictures out.
        streams_per_user: How many live streams a user may have open at a time, over all tabs and devices that this
            process serves. Browsers themselves allow six connections a host over HTTP/1.1.

    Raises:
        ValueError: A limit is below 1, or `body` is too small for `text`.
    """

    text: int = 20_000
    body: int = 256 * 1024
    result: int = 1024 * 1024
    streams_per_user: int = 4

    def __post_init__(self) -> None:
        check_fields(self)
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"Limits.{name} is at least 1, not {value}.")
        needed = self.text * _FORM_BYTES_PER_CHARACTER + _FORM_OVERHEAD
        if self.body < needed:
            raise ValueError(
                f"A form with {self.text:,} characters can need {needed:,} bytes: make Limits.body at least that, or "
                f"Limits.text smaller. It is {self.body:,}."
            )


class BodyLimit:
    """ASGI middleware that refuses a request body of more than `limit` bytes with `BodyTooLarge`.

    A `Content-Length` above the limit is refused before anything is read. A body of unknown length is counted as the
    app reads it: reading past the limit raises `BodyTooLarge` in the app. If the app lets it through, and has not
    begun to answer, `refuse` makes the response.

    Args:
        others: The limits of some paths, by what these match.
    """

    def __init__(
        self, app: ASGIApp, limit: int, refuse: Refuse, others: Mapping[re.Pattern[str], int] | None = None
    ) -> None:
        self._app = app
        self._limit = limit
        self._refuse = refuse
        self._others = dict(others or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        matching = (limit for path, limit in self._others.items() if path.search(scope["path"]))
        limit = next(matching, self._limit)
        too_large = BodyTooLarge(limit)
        if _content_length(scope) > limit:
            await (await self._refuse(Request(scope, receive), too_large))(scope, receive, send)
            return
        read = 0
        started = False

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > limit:
                    raise too_large
            return message

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive_counted, send_noted)
        except BodyTooLarge as error:
            if started or error is not too_large:
                raise
            await (await self._refuse(Request(scope, receive), too_large))(scope, receive, send)


def _content_length(scope: Scope) -> int:
    """Return the announced length in bytes; 0 when there is none to go by, and then the body is counted."""
    text = Headers(scope=scope).get("content-length", "")
    # Short enough to be read at once: int() refuses thousands of digits, and its error is not this module's.
    return int(text[:32]) if text.isascii() and text.isdigit() else 0


class StreamSlots:
    """Counts the streams that each user has open in this process.

    Args:
        per_user: How many a user may have at a time.
    """

    def __init__(self, per_user: int) -> None:
        self._per_user = per_user
        self._open: Counter[str] = Counter()

    @contextmanager
    def take(self, user_id: str) -> Iterator[bool]:
        """Hold a slot while the block runs; false when all are taken."""
        taken = self._open[user_id] < self._per_user
        if not taken:
            yield False
            return
        self._open[user_id] += 1
        try:
            yield True
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]

    def count(self, user_id: str) -> int:
        """Return how many streams the user has open."""
        return self._open[user_id]
