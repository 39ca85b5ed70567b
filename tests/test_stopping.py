"""A server that stops: a page that waits does not hold it up, without flags, and no one's answer is told as stopped."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers import Host, free_port, uvicorn, wait_until

# What a stop may take: the two seconds of silence, and a busy machine.
SOON = 15.0

APP = """
import asyncio
from starlette.applications import Starlette
from starlette.routing import Mount
from htmxchat import InputRequested, LocalBackend, RunScript, Store, create_chat_app

async def respond(request):
    yield "So far. "
    match request.text:
        case "ask":
            yield InputRequested("sure", "Sure?", ("yes", "no"))
        case "script":
            yield RunScript("print(1)", "One")
        case "think":
            await asyncio.sleep(3600)
        case "talk":
            for number in range(20):
                await asyncio.sleep(0.2)
                yield f"w{number} "

app = Starlette(routes=[Mount("/chat", create_chat_app(LocalBackend(respond)))])
"""


@contextmanager
def following(host: Host, text: str) -> Iterator[Iterator[str]]:
    """Send a message and follow its answer: the lines of the stream, up to where it is live and shown."""
    with httpx.Client(base_url=f"{host.url}/chat", follow_redirects=True, timeout=SOON) as client:
        client.get("/")
        page = client.post("/messages", data={"text": text}).text
        url = re.search(r'hx-sse:connect="([^"]+)"', page)
        assert url is not None, page
        with client.stream("GET", f"{host.url}{url[1]}") as stream:
            lines = stream.iter_lines()
            waits = {"ask": "Sure?", "script": "Needs your approval", "think": "So far", "talk": "w1"}[text]
            # The page may have had it already; then the stream begins with nothing.
            if waits not in page:
                assert any(waits in line for line in lines)
            yield lines


@pytest.mark.parametrize(
    ("text", "number"), [("ask", signal.SIGTERM), ("script", signal.SIGINT), ("think", signal.SIGTERM)]
)
def test_a_page_that_waits_does_not_hold_up_a_plain_uvicorn(tmp_path: Path, text: str, number: int) -> None:
    with uvicorn(tmp_path, APP) as host, following(host, text) as lines:
        assert host.stop(number) < SOON
        list(lines)  # the stream has ended in an orderly way, so that the page connects again
        assert "Traceback" not in host.printed
        assert "Cancel" not in host.printed


def test_an_answer_that_is_being_written_is_written_to_its_end(tmp_path: Path) -> None:
    with uvicorn(tmp_path, APP) as host, following(host, "talk") as lines:
        host.process.send_signal(signal.SIGTERM)
        rest = "\n".join(lines)
        assert "w19" in rest
        assert "event: end" in rest
        host.process.wait(SOON)


def test_a_page_that_waits_does_not_hold_up_a_reload(tmp_path: Path) -> None:
    port = free_port()
    with uvicorn(tmp_path, APP, "--reload", port=port) as host, following(host, "ask") as lines:
        (tmp_path / "app.py").write_text(APP + "\n# changed\n")
        list(lines)
        wait_until(lambda: host.printed.count("Application startup complete") == 2, "the new process serves")
        host.stop()


def test_a_server_with_several_workers_is_not_held_up(tmp_path: Path) -> None:
    shared = APP.replace("LocalBackend(respond)", 'LocalBackend(respond, Store("sqlite:///chat.db"))')
    with uvicorn(tmp_path, shared, "--workers", "2") as host, following(host, "ask") as lines:
        assert host.stop() < SOON
        list(lines)


def test_a_server_that_stops_after_so_many_requests_is_not_held_up(tmp_path: Path) -> None:
    with uvicorn(tmp_path, APP, "--limit-max-requests", "6") as host, following(host, "ask") as lines:
        with httpx.Client(base_url=host.url) as other:
            for _ in range(6):
                try:
                    other.get("/chat/")
                except httpx.TransportError:
                    break
        list(lines)
        host.process.wait(SOON)
