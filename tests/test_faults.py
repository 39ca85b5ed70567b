"""Real processes on a real PostgreSQL: one of them stops, or the database goes away. No one is told what is not so."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest

from htmxchat.backends.active import INTERRUPTED
from htmxchat.http.sse import ServerSentEvent
from htmxchat.live.stream import DELAYED
from tests.servers import Host, Postgres, uvicorn, wait_until
from tests.support import decode

APP = """
import asyncio, os
from fastapi import FastAPI
from htmxchat import InputRequested, LocalBackend, Store, User, chat_lifespan, create_chat_app

async def respond(request):
    word, _, rest = request.text.partition(" ")
    if word == "ask":
        yield f"You said {(yield InputRequested('sure', 'Sure?'))}."
    for number in range(int(rest or 0)):
        yield f"w{number} "
        await asyncio.sleep(0.1)

async def identify(request):
    return User(request.headers.get("x-who", "ann"))

chat = create_chat_app(LocalBackend(respond, Store(os.environ["DB"])), identify=identify)
app = FastAPI(lifespan=chat_lifespan(chat))
app.mount("/chat", chat)
"""


@contextmanager
def serving(folder: Path, database: Postgres) -> Iterator[tuple[Host, httpx.Client]]:
    source = APP.replace('os.environ["DB"]', repr(database.url))
    with uvicorn(folder, source) as host, httpx.Client(base_url=host.url, follow_redirects=True, timeout=30) as client:
        yield host, client


def begin(client: httpx.Client, text: str, who: str = "ann") -> tuple[str, str]:
    """Send a first message. Returns the page's address and the stream's."""
    answer = client.post("/chat/messages", data={"text": text}, headers={"X-Who": who})
    assert answer.status_code == 200, answer.text
    stream = re.search(r'hx-sse:connect="([^"]+)"', answer.text)
    assert stream is not None, answer.text
    return answer.url.path, unescape(stream[1])


class Reader(threading.Thread):
    """Follows a stream, and knows when each message came."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.heard: list[tuple[float, ServerSentEvent]] = []
        self.start()

    def run(self) -> None:
        with httpx.stream("GET", self.url, timeout=60) as answer:
            wire = b""
            for chunk in answer.iter_raw():
                wire += chunk
                whole, _, wire = wire.rpartition(b"\n\n")
                for message in decode(whole + b"\n\n") if whole else []:
                    self.heard.append((time.monotonic(), message))

    def when(self, text: str) -> float | None:
        """Return when a message with this text came first."""
        return next((at for at, message in self.heard if text in message.data), None)


@pytest.mark.parametrize("text", ["words 120", "ask 5"])
def test_a_database_that_goes_away_for_a_while_delays_an_answer_and_ends_nothing(
    tmp_path: Path, own_postgres: Postgres, text: str
) -> None:
    """The second process is idle while the database is away, and looks at the run as soon as it is back."""
    shown = "Sure?" if text.startswith("ask") else "w5"
    with (
        serving(tmp_path / "a", own_postgres) as (host, client),
        serving(tmp_path / "b", own_postgres) as (idle, other),
    ):
        page, stream = begin(client, text)
        readers = [Reader(host.url + stream), Reader(idle.url + stream)]
        wait_until(lambda: all(reader.heard for reader in readers), "both pages follow")
        wait_until(lambda: shown in other.get(page).text, "the answer has begun")
        own_postgres.stop()
        away = time.monotonic()
        for reader in readers:
            wait_until(lambda reader=reader: reader.when(DELAYED), "the page is told")  # type: ignore[misc]
        told = [reader.when(DELAYED) for reader in readers]
        assert client.get(page).status_code == 503
        time.sleep(max(0.0, away + 8 - time.monotonic()))
        own_postgres.start()
        assert "interrupted" not in other.get(page).text
        if text.startswith("ask"):
            run = re.search(r"/runs/(\w+)/", stream)
            assert run is not None
            answered = other.post(f"/chat/runs/{run[1]}/answer", data={"request": "sure", "answer": "yes"})
            assert answered.status_code == 200, answered.text
        for reader in readers:
            reader.join(30)
            assert reader.heard[-1][1] == ServerSentEvent("completed", event="end")
        final = other.get(page).text
        assert ("You said yes." if text.startswith("ask") else "w119") in final
        assert all(f"w{number} " in final for number in range(int(text.split()[1]) - 1))
        # Generous, because the machine may be busy; what is meant is about two seconds.
        assert all(at is not None and at - away < 6 for at in told)
        assert "Traceback" not in host.printed


def test_a_process_that_stops_politely_under_load_tells_nobody_that_they_stopped(
    tmp_path: Path, postgres: Postgres
) -> None:
    with serving(tmp_path / "a", postgres) as (one, first), serving(tmp_path / "b", postgres) as (_, second):
        pages = [begin(client, "words 30", f"user {number}")[0] for number in range(8) for client in (first, second)]
        one.stop()
        stopped, interrupted, complete = 0, 0, 0
        for number, page in enumerate(pages):
            headers = {"X-Who": f"user {number // 2}"}

            def ended(page: str = page, headers: dict[str, str] = headers) -> str | None:
                text = second.get(page, headers=headers).text
                return None if 'aria-busy="true"' in text else text

            wait_until(ended, "the run has ended")
            text = ended() or ""
            stopped += 'data-state="cancelled"' in text
            # One that has written its last word can still be interrupted before it has said so.
            interrupted += INTERRUPTED in text
            complete += INTERRUPTED not in text and "w29" in text
        assert (stopped, interrupted + complete) == (0, 16)
        assert complete >= 8
