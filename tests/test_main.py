"""`python -m htmxchat`: the demo, as a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from htmxchat import __version__
from htmxchat.cli import main
from tests.fake_auth import FakeAuth

ROOT = Path(__file__).parent.parent
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "htmxchat", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    """Return the address that it prints."""
    assert process.stdout
    line = process.stdout.readline()
    found = re.search(r"http://localhost:\d+/", line)
    assert found, line + (process.stderr.read() if process.stderr and process.poll() is not None else "")
    return found[0]


def browser(url: str, cookies: httpx.Cookies | None = None) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=20, cookies=cookies, trust_env=False)


def stop(process: subprocess.Popen[str], how: signal.Signals = signal.SIGINT) -> tuple[float, str]:
    """Return how long it took to end, and what it said to stderr."""
    at = time.monotonic()
    process.send_signal(how)
    _, errors = process.communicate(timeout=10)
    return time.monotonic() - at, errors


def test_it_serves_stops_at_once_with_a_stream_open_and_keeps_the_conversation(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "chat.db"
    process = start("--port", "0", "--db", str(file))
    with browser(url_of(process)) as client:
        assert client.get("/").status_code == 200
        sent = client.post("/messages", data={"text": "Watch the queue for me, and tell me each step."})
        path, _, run = sent.headers["location"].partition("#turn-")
        with client.stream("GET", f"/runs/{run}/stream") as stream:
            chunks = stream.iter_raw()
            received = b""
            while b"hx-partial" not in received:
                received += next(chunks)
            took, errors = stop(process)
        cookies = client.cookies
    assert process.returncode == 0
    assert took < 3
    assert errors == ""
    again = start("--port", "0", "--db", str(file))
    with browser(url_of(again), httpx.Cookies({each.name: each.value or "" for each in cookies.jar})) as client:
        page = client.get(path)
    assert page.status_code == 200
    assert "Watch the queue for me" in page.text
    assert 'data-state="failed"' in page.text
    assert "interrupted" in page.text
    assert {each.name for each in tmp_path.iterdir()} <= {"chat.db", "chat.db-wal", "chat.db-shm"}


def test_without_a_file_nothing_is_written(start: Start, tmp_path: Path) -> None:
    process = start("--port", "0")
    with browser(url_of(process)) as client:
        client.get("/")
        assert client.post("/messages", data={"text": "Hello"}).status_code == 303
    _, errors = stop(process, signal.SIGTERM)
    assert errors == ""
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_said_in_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start("--port", port)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert output == ""
    assert len(errors.splitlines()) == 1
    assert port in errors


def test_a_file_that_cannot_be_used_is_said_in_one_line(start: Start, tmp_path: Path) -> None:
    process = start("--port", "0", "--db", str(tmp_path / "no" / "such" / "folder" / "chat.db"))
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1
    assert "chat.db" in errors


def test_a_server_that_is_not_there_is_said_and_may_come_later(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    process = start("--agent", "kogwistar", "--url", url, "--port", "0")
    with browser(url_of(process)) as client:
        assert client.get("/login").status_code == 200
    _, said = stop(process)
    assert said == f"The kogwistar server at {url} cannot be reached now. People can sign in as soon as it is there.\n"


def test_an_address_where_something_else_answers_is_said(start: Start) -> None:
    url = url_of(start("--port", "0"))
    process = start("--agent", "kogwistar", "--url", url, "--port", "0")
    with browser(url_of(process)) as client:
        assert client.get("/login").status_code == 200
    _, said = stop(process)
    assert said.startswith(f"What answers at {url.rstrip('/')} does not look like a kogwistar server (404 ")


@pytest.mark.parametrize("native", [False, True])
def test_a_server_that_cannot_chat_is_said(start: Start, native: bool) -> None:
    with FakeAuth() as server:
        server.native = native
        process = start("--agent", "kogwistar", "--url", server.url, "--port", "0")
        with browser(url_of(process)) as client:
            assert client.get("/login").status_code == 200
            refused = client.post("/login", data={"back": ""}, headers={"sec-fetch-site": "same-origin"})
        _, said = stop(process)
    assert said.startswith("This kogwistar server cannot chat: it is the native one") if native else said == ""
    assert ("cannot chat" in refused.text) is native


def test_it_explains_itself(start: Start) -> None:
    output, errors = start("--help").communicate(timeout=20)
    assert errors == ""
    assert [word for word in ("--port", "--db", "--host", "--stream") if word not in output] == []


def test_it_knows_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"htmxchat {__version__}\n"


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--stream", "ws"], ["--nothing"]])
def test_what_it_does_not_know_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Usage:" in capsys.readouterr().err


def test_a_missing_package_is_said_in_one_line() -> None:
    code = "import runpy, sys; sys.modules['click'] = None; runpy.run_module('htmxchat', run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr == "The command line needs click and uvicorn: pip install 'htmxchat[server]'\n"
