"""What one user can have under way at a time, against real servers: bodies that never end, requests, active runs."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from starlette.requests import Request as HttpRequest
from starlette.testclient import TestClient

from htmxchat import (
    Busy,
    EventBody,
    InputRequested,
    Limits,
    LocalBackend,
    Request,
    Store,
    TooManyRuns,
    User,
    create_chat_app,
)
from tests.fake_auth import Serving
from tests.support import FRAGMENT, Exchange, parse

ANN = User("ann")
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


async def respond(request: Request) -> AsyncGenerator[str | EventBody, Any]:
    answer = yield InputRequested("question", "Which?")
    yield str(answer)


async def identify(request: HttpRequest) -> User | None:
    return User(name) if (name := request.headers.get("x-user", "ann")) != "nobody" else None


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    chat = create_chat_app(LocalBackend(respond), identify=identify, limits=Limits(body_timeout=1.0))
    with Serving(chat) as server:
        yield urlsplit(server.url).port or 0


def half_sent(port: int, path: str, *, user: str = "ann", length: str = "Content-Length: 100") -> socket.socket:
    """Begin a request whose body does not end."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    head = f"POST {path} HTTP/1.1\r\nHost: chat\r\nX-User: {user}\r\n{FORM}{length}\r\n\r\n"
    connection.sendall(head.encode() + (b"text=He" if "Length" in length else b"7\r\ntext=He\r\n"))
    return connection


def trickle(connection: socket.socket, little: bytes = b"x") -> bytes:
    """Send a little now and then, until the server has closed the connection; return what it said."""
    said = b""
    deadline = time.monotonic() + 20
    with connection, suppress(ConnectionError):
        connection.settimeout(0.1)
        while time.monotonic() < deadline:
            try:
                received = connection.recv(65536)
                said += received
                if not received:
                    break
            except TimeoutError:
                connection.sendall(little)
        else:
            raise AssertionError(f"the server holds the connection: {said!r}")
    return said


class TestBodies:
    @pytest.mark.parametrize("length", ["Content-Length: 100", "Transfer-Encoding: chunked"])
    def test_a_body_that_trickles_is_refused_with_a_sentence_and_the_connection_closed(
        self, port: int, length: str
    ) -> None:
        said = trickle(half_sent(port, "/messages", length=length), b"1\r\nx\r\n" if "chunked" in length else b"x")
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in said.lower()
        assert b"The request did not arrive completely within 1 seconds." in said

    @pytest.mark.parametrize(
        ("path", "user", "status"),
        [
            *(("/messages", "nobody", 401), ("/nowhere", "ann", 404), ("/c/unknown/messages", "ann", 408)),
            *(("/runs/unknown/scripts/unknown/result", "ann", 404), ("/history", "ann", 405)),
        ],
    )
    def test_no_other_answer_keeps_the_connection_of_one(self, port: int, path: str, user: str, status: int) -> None:
        said = trickle(half_sent(port, path, user=user))
        assert said.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"connection: close" in said.lower()

    def test_one_that_came_whole_keeps_its_connection(self, port: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-User": "bob"}) as client:
            sent = client.post("/messages", data={"text": "Hello"})
            run = sent.headers["location"].partition("#turn-")[2]
            stopped = client.post(f"/runs/{run}/stop", data={"text": "typed meanwhile"})
        assert (sent.status_code, stopped.status_code) == (303, 303)
        assert "connection" not in sent.headers
        assert "connection" not in stopped.headers

    @pytest.mark.parametrize("path", ["/messages", "/nowhere", "/runs/unknown/stop"])
    def test_an_upload_that_is_aborted_is_no_error(
        self, port: int, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            for length in ("Content-Length: 100", "Transfer-Encoding: chunked"):
                half_sent(port, path, length=length).close()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                assert client.get("/").status_code == 200
            time.sleep(0.3)  # longer than the server takes to see it
        said = [each.getMessage() for each in caplog.records if each.name.startswith(("htmxchat", "uvicorn"))]
        assert [each for each in said if not each.startswith("Run ")] == []  # those of other tests may end now


class TestRequests:
    async def test_a_user_has_so_many_under_way_and_the_next_is_told(self) -> None:
        backend = LocalBackend(respond)
        app = create_chat_app(backend, identify=identify, limits=Limits(requests_per_user=3))
        run = await backend.start_run(ANN, None, "Hello")
        await anyio.sleep(0.1)
        poll = f"/runs/{run.id}/poll?after=99"
        async with anyio.create_task_group() as tasks:
            waiting = [Exchange(app, poll), Exchange(app, f"/runs/{run.id}/stream"), Exchange(app, poll)]
            for each in waiting:
                tasks.start_soon(each.run)
            while app.state.chat.requests.count("ann") < 3:  # noqa: ASYNC110
                await anyio.sleep(0.01)
            # Nor do addresses that lead nowhere go around it.
            for path in (poll, "/history?q=x", f"/runs/{run.id}/events.jsonl", "/c/unknown", "/runs/unknown/poll"):
                refused = Exchange(app, path)
                await refused.run()
                assert refused.status == 429
                assert b"You have 3 open requests to this chat" in refused.body
            others = Exchange(app, "/history", headers={"X-User": "bob"})
            await others.run()
            assert others.status == 200
            for each in waiting:
                each.leave()
            tasks.cancel_scope.cancel()
        assert app.state.chat.requests.count("ann") == 0
        await backend.close()

    async def test_an_export_counts_until_it_has_been_sent(self) -> None:
        backend = LocalBackend(respond)
        app = create_chat_app(backend, identify=identify)
        run = await backend.start_run(ANN, None, "Hello")
        counts: list[int] = []
        export = Exchange(app, f"/runs/{run.id}/events.jsonl")
        send = export._send

        async def counting(message: object) -> None:
            counts.append(app.state.chat.requests.count("ann"))
            await send(message)  # type: ignore[arg-type]

        export._send = counting  # type: ignore[method-assign]
        await backend.stop_run(ANN, run.id)
        await export.run()
        assert set(counts) == {1}
        assert app.state.chat.requests.count("ann") == 0
        await backend.close()

    def test_a_message_that_is_refused_stays_in_the_composer(self) -> None:
        app = create_chat_app(LocalBackend(respond), identify=identify, limits=Limits(requests_per_user=1))
        with TestClient(app) as client, app.state.chat.requests.take("ann"):
            response = client.post("/messages", data={"text": "Hello"}, headers=FRAGMENT)
        assert response.status_code == 429
        partials = parse(response.text).all("hx-partial")
        assert {each["hx-target"] for each in partials} == {"#composer-error", "#status"}
        assert "Close some of its tabs" in partials[0].text


@pytest.fixture(params=["memory", "file", "postgres"])
def backends(request: pytest.FixtureRequest, tmp_path: Path) -> list[LocalBackend]:
    """Backends that share what they keep, as processes do."""
    if request.param == "memory":
        return [LocalBackend(respond)]
    file = f"sqlite:///{tmp_path}/chat.db"
    url = request.getfixturevalue("postgres").url if request.param == "postgres" else file
    return [LocalBackend(respond, Store(url)) for _ in range(3)]


class TestRuns:
    async def test_a_user_has_so_many_over_all_processes_even_when_they_begin_at_once(
        self, backends: list[LocalBackend]
    ) -> None:
        user = User(f"ann {time.time_ns()}")
        for each in backends:
            each.limit_runs(4)
            await each.open()
        asked = [backends[number % len(backends)].start_run(user, None, f"Question {number}") for number in range(12)]
        runs = await asyncio.gather(*asked, return_exceptions=True)
        refused = [each for each in runs if isinstance(each, BaseException)]
        begun = [each for each in runs if not isinstance(each, BaseException)]
        assert [type(each) for each in refused] == [TooManyRuns] * 8
        assert len((await backends[0].list_conversations(user)).items) == 4
        await backends[0].start_run(User(f"bob {time.time_ns()}"), None, "Hello")
        # A conversation that is busy is told so, and one that has ended makes room.
        with pytest.raises(Busy):
            await backends[-1].start_run(user, begun[0].conversation_id, "More")
        await backends[0].stop_run(user, begun[0].id)
        with anyio.fail_after(20):
            while (await backends[-1].get_run(user, begun[0].id)).state.live:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        again = await backends[-1].retry_run(user, begun[0].id)
        with pytest.raises(TooManyRuns, match="You have 4 unfinished answers"):
            await backends[0].start_run(user, None, "One more")
        assert again.state.live
        for each in backends:
            await each.close()

    def test_the_refusal_says_which_and_how_to_go_on_and_keeps_the_text(self) -> None:
        app = create_chat_app(LocalBackend(respond), identify=identify, limits=Limits(runs_per_user=5))
        with TestClient(app, follow_redirects=False) as client:
            paths = [
                client.post("/messages", data={"text": f"<b>Number {number}"}).headers["location"].partition("#")[0]
                for number in range(5)
            ]
            refused = client.post("/messages", data={"text": "One more"}, headers=FRAGMENT)
            page = client.post("/messages", data={"text": "One more"})
            assert refused.status_code == page.status_code == 429
            sentence = (
                "You have 5 unfinished answers, which is the limit: “<b>Number 4”, “<b>Number 3”,"
                " “<b>Number 2”, 2 more. Wait for one to finish, answer its question, or stop it; then try again."
            )
            assert parse(refused.text).one("hx-partial", hx_target="#composer-error").text == sentence
            shown = parse(page.text.removeprefix("<!doctype html>"))
            assert shown.one("p", id="composer-error").text == sentence
            assert shown.one("textarea", name="text").text.strip() == "One more"
            assert len({each["href"] for each in shown.all("a") if each.attributes.get("href") in paths}) == 5

    def test_of_two_chats_over_one_backend_the_least_number_holds(self) -> None:
        backend = LocalBackend(respond)
        for most in (3, 1, 2):
            app = create_chat_app(backend, identify=identify, limits=Limits(runs_per_user=most))
        with TestClient(app, follow_redirects=False) as client:
            assert client.post("/messages", data={"text": "Hello"}).status_code == 303
            refused = client.post("/messages", data={"text": "Hello"})
        assert refused.status_code == 429
        assert "You have 1 unfinished answer" in refused.text
