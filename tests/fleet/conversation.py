"""One user of the fleet: sends a message, follows the answer over every cut, and keeps all that it is told."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from dataclasses import dataclass, field
from html import unescape
from random import Random
from urllib.parse import urlencode

from htmxchat.http.sse import ServerSentEvent
from tests.fleet.client import Connection, Response, ask
from tests.support import decode

_FIRST_DELAY, _MAX_DELAY = 0.25, 4.0
_STREAM = re.compile(r'hx-sse:connect="([^"]+)"')
_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)
_END = re.compile(rb"^event: end$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that was sent in vain, and from when to when.

    Attributes:
        status: 0 when there was no answer.
    """

    status: int
    begin: float
    end: float


@dataclass
class Conversation:
    """What a user does and sees. Times are those of `time.monotonic`.

    Attributes:
        agent: Where it is sent: a name of `host.AGENTS`.
        words: How many the answer is to have.
        rate: Words a second.
        cut_every: After how many seconds, on average, the reader loses its connection; 0 is never.
        sent: When the message was sent first.
        refused: When sending it failed, and how.
        taken: When it was known to have arrived.
        page: What the page showed then.
        messages: All that came on the stream since.
        seen: The number of the last event that the page shows.
        ended: When it was told that the answer has ended.
        silence: The longest time without anything new, in seconds.
        connections: How many times it has connected.
        cuts: How many of them the reader itself broke.
    """

    name: str
    agent: str
    words: int
    rate: float
    cut_every: float = 0.0
    sent: float = 0.0
    refused: list[Refusal] = field(default_factory=list)
    taken: float | None = None
    path: str = ""
    run: str = ""
    page: str = ""
    messages: list[ServerSentEvent] = field(default_factory=list)
    seen: int = 0
    ended: float | None = None
    silence: float = 0.0
    connections: int = 0
    cuts: int = 0

    @property
    def progress(self) -> float:
        """Which part of the answer has come."""
        return 1.0 if self.ended else min(1.0, self.seen / self.words)

    @property
    def live(self) -> bool:
        return self.taken is not None and self.ended is None

    async def take_part(self, port: int, random: Random) -> None:
        """Send, and follow to the end."""
        await self.send(port)
        page = await self._patiently(port, self.path)
        self.page = page.body
        stream = _STREAM.search(page.body)
        self._heard = time.monotonic()
        delay = _FIRST_DELAY
        while stream is not None and self.ended is None:
            seconds = random.expovariate(1 / self.cut_every) if self.cut_every else None
            heard = await self._follow(port, unescape(stream[1]), seconds)
            delay = _FIRST_DELAY if heard else min(2 * delay, _MAX_DELAY)
            await asyncio.sleep(delay)
        self.ended = self.ended or time.monotonic()

    async def look(self, port: int) -> str:
        """Return the page as one process shows it now."""
        return (await self._patiently(port, self.path)).body

    async def look_at_history(self, port: int) -> str:
        """Return the page with all conversations of this user."""
        return (await self._patiently(port, f"/chat/{self.agent}/")).body

    async def send(self, port: int) -> None:
        """Send the message until it has arrived, as the page does: each time by the same name."""
        text = f"words {self.words} {self.rate:g}"
        body = urlencode({"text": text, "submission": uuid.uuid4().hex}).encode()
        headers = {**self._headers, "Content-Type": "application/x-www-form-urlencoded"}
        began, delay = time.monotonic(), _FIRST_DELAY
        self.sent = began
        while (answer := await ask(port, "POST", f"/chat/{self.agent}/messages", headers, body)).status != 303:
            self.refused.append(Refusal(answer.status, began, time.monotonic()))
            await asyncio.sleep(delay)
            began, delay = time.monotonic(), min(2 * delay, _MAX_DELAY)
        self.taken = time.monotonic()
        self.path, _, self.run = answer.headers["location"].partition("#turn-")

    async def _patiently(self, port: int, path: str) -> Response:
        delay = _FIRST_DELAY
        while (answer := await ask(port, "GET", path, self._headers)).status != 200 or "</html>" not in answer.body:
            await asyncio.sleep(delay)
            delay = min(2 * delay, _MAX_DELAY)
        return answer

    async def _follow(self, port: int, path: str, seconds: float | None) -> bool:
        """Listen until the stream ends, or for so many seconds. Returns whether it began; half a message is none."""
        headers = {**self._headers, **({"Last-Event-ID": str(self.seen)} if self.seen else {})}
        connection, wire = Connection(port), b""
        self.connections += 1
        try:
            async with asyncio.timeout(seconds):
                await connection.open("GET", path, headers)
                while connection.status == 200 and (part := await connection.read()):
                    whole, _, wire = (wire + part).rpartition(b"\n\n")
                    self._take(whole)
        except TimeoutError:
            self.cuts += 1
        finally:
            connection.close()
        return connection.status == 200

    def _take(self, wire: bytes) -> None:
        if not wire:
            return
        self.messages += decode(wire + b"\n\n")
        now = time.monotonic()
        ids = _ID.findall(wire)
        if ids and (last := int(ids[-1])) > self.seen:
            self.seen = last
            self.silence, self._heard = max(self.silence, now - self._heard), now
        if _END.search(wire):
            self.silence, self.ended = max(self.silence, now - self._heard), now

    @property
    def _headers(self) -> dict[str, str]:
        return {"Host": "fleet", "X-Who": self.name}
