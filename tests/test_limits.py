"""How much one user may send and keep open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from htmxchat.errors import BodyTooLarge, ChatError
from htmxchat.http.limits import BodyLimit, Bounds, Limits, QuietDisconnects, Slots
from htmxchat.http.lingering import LingeringClose

LIMIT = 10


def bounds(scope: Scope) -> Bounds:
    return Bounds(LIMIT)


async def refuse(request: Request, error: ChatError) -> Response:
    return PlainTextResponse(str(error), error.status)


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def handled(request: Request, error: Exception) -> Response:
    assert isinstance(error, ChatError)
    return PlainTextResponse("handled by the app", error.status)


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size):
        yield b"x"


class TestLimits:
    def test_the_longest_message_fits_in_a_body_however_it_is_encoded(self) -> None:
        limits = Limits()
        assert len("😀".encode()) * 3 * limits.text < limits.body

    def test_a_body_too_small_for_the_text_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="100,000 characters"):
            Limits(text=100_000)
        assert Limits(text=100_000, body=2 * 1024 * 1024).text == 100_000

    @pytest.mark.parametrize("name", [each.name for each in fields(Limits)])
    def test_a_limit_of_nothing_is_an_error(self, name: str) -> None:
        with pytest.raises(ValueError, match=rf"Limits.{name} must be (at least 1|a number of seconds above 0)"):
            Limits(**{name: 0})


class TestBodyLimit:
    @pytest.mark.parametrize("size", [0, 1, LIMIT])
    def test_a_body_up_to_the_limit_passes(self, size: int) -> None:
        app = BodyLimit(Starlette(routes=[Route("/", length, methods=["POST"])]), bounds, refuse)
        assert TestClient(app).post("/", content=b"x" * size).text == str(size)
        assert TestClient(app).post("/", content=chunks(size)).text == str(size)

    async def test_a_larger_announced_body_is_refused_unread(self) -> None:
        sent: list[Message] = []

        async def receive() -> Message:
            raise AssertionError("the body was read")

        async def send(message: Message) -> None:
            sent.append(message)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError("the app was called")

        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"9" * 5000)]}
        await BodyLimit(app, bounds, refuse)(scope, receive, send)
        assert sent[0]["status"] == 413

    def test_a_body_of_unknown_length_is_refused_when_it_passes_the_limit(self) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            response = await length(Request(scope, receive))
            await response(scope, receive, send)

        response = TestClient(BodyLimit(app, bounds, refuse)).post("/", content=chunks(LIMIT + 1))
        assert response.status_code == 413
        assert response.text == str(BodyTooLarge(LIMIT))

    async def test_no_more_is_read_than_it_takes_to_know(self) -> None:
        read = 0

        async def receive() -> Message:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": b"xxxx", "more_body": True}

        async def send(message: Message) -> None:
            pass

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await Request(scope, receive).body()

        await BodyLimit(app, bounds, refuse)({"type": "http", "method": "POST", "headers": []}, receive, send)
        assert read == 3

    def test_an_app_that_handles_the_error_itself_answers(self) -> None:
        app = Starlette(routes=[Route("/", length, methods=["POST"])], exception_handlers={ChatError: handled})
        response = TestClient(BodyLimit(app, bounds, refuse)).post("/", content=chunks(LIMIT + 1))
        assert (response.status_code, response.text) == (413, "handled by the app")

    async def test_an_answer_that_has_begun_is_not_followed_by_another(self) -> None:
        sent: list[str] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"x" * (LIMIT + 1), "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message["type"])

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await receive()

        with pytest.raises(BodyTooLarge):
            await BodyLimit(app, bounds, refuse)({"type": "http", "method": "POST", "headers": []}, receive, send)
        assert sent == ["http.response.start"]

    async def test_a_body_that_does_not_come_is_refused_in_time(self) -> None:
        sent: list[Message] = []
        heard = 0

        async def receive() -> Message:
            nonlocal heard
            heard += 1
            await anyio.sleep(0.02)  # never long enough to be idle
            return {"type": "http.request", "body": b"", "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await Request(scope, receive).body()

        scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"5")]}
        await BodyLimit(app, lambda scope: Bounds(LIMIT, 0.1), refuse)(scope, receive, send)
        assert heard > 1
        assert sent[0]["status"] == 408
        assert sent[1]["body"] == b"The request did not arrive completely within 0.1 seconds. Try again."

    async def test_a_body_that_pauses_is_refused_however_long_it_may_take(self) -> None:
        sent: list[Message] = []

        async def receive() -> Message:
            await anyio.sleep_forever()
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await Request(scope, receive).body()

        scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"5")]}
        await BodyLimit(app, lambda scope: Bounds(LIMIT, 3_600, 0.01), refuse)(scope, receive, send)
        assert sent[0]["status"] == 408

    async def test_what_comes_after_the_body_may_take_as_long_as_it_wants(self) -> None:
        messages = [{"type": "http.request", "body": b"x", "more_body": False}]
        heard: list[Message] = []

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await anyio.sleep(0.1)
            return {"type": "http.disconnect"}

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            heard.extend([await receive(), await receive()])

        async def send(message: Message) -> None: ...

        await BodyLimit(app, lambda scope: Bounds(LIMIT, 0.05), refuse)(
            {"type": "http", "method": "POST", "headers": []}, receive, send
        )
        assert heard[1] == {"type": "http.disconnect"}


class TestLingeringClose:
    async def _told(self, app: ASGIApp, chunks: int, seconds: float = 60.0) -> tuple[list[Message], int]:
        """Return what is sent to a client that sends so many chunks and then waits, and how many are left."""
        left, sent = chunks, list[Message]()

        async def receive() -> Message:
            nonlocal left
            if not left:
                await anyio.sleep_forever()
            left -= 1
            return {"type": "http.request", "body": b"x", "more_body": left > 0}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"%d" % chunks)]}
        await LingeringClose(app, seconds)(scope, receive, send)
        return sent, left

    async def test_what_still_comes_is_read_between_a_refusal_and_its_end(self) -> None:
        sent, left = await self._told(PlainTextResponse("no", 403), 100)
        assert left == 0 and sent[1]["body"] == b"no" and sent[1]["more_body"] and not sent[2].get("more_body")
        assert (b"connection", b"close") in sent[0]["headers"]

    async def test_after_its_time_nothing_more_is_read(self) -> None:
        _, left = await self._told(PlainTextResponse("no", 403), 100, seconds=0.0)
        assert left == 100

    async def test_a_connection_whose_body_came_whole_stays(self) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await Request(scope, receive).body()
            await PlainTextResponse("yes")(scope, receive, send)

        sent, _ = await self._told(app, 3)
        assert (b"connection", b"close") not in sent[0]["headers"] and len(sent) == 2


class TestQuietDisconnects:
    async def _run(self, error: Exception, *, sending: bool) -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if sending:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            raise error

        async def send(message: Message) -> None:
            raise error

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        await QuietDisconnects(app)({"type": "http"}, receive, send)

    async def test_a_client_that_went_away_is_no_fault(self) -> None:
        await self._run(ClientDisconnect(), sending=False)
        await self._run(OSError("the connection is gone"), sending=True)

    @pytest.mark.parametrize("error", [OSError("the disk is full"), RuntimeError("a mistake")])
    async def test_a_fault_is_still_one(self, error: Exception) -> None:
        with pytest.raises(type(error)):
            await self._run(error, sending=False)


class TestSlots:
    def test_a_user_gets_so_many_and_no_more(self) -> None:
        slots = Slots(2)
        first, second = slots.take("ada"), slots.take("ada")
        assert first and second and slots.take("ada") is None
        assert slots.take("bob")
        first.leave()
        assert slots.take("ada")

    def test_a_refusal_frees_nothing(self) -> None:
        slots = Slots(1)
        assert slots.take("ada")
        assert slots.take("ada") is None
        assert slots.count("ada") == 1

    async def test_cancelling_frees_the_slot(self) -> None:
        slots = Slots(1)

        async def stream() -> None:
            slot = slots.take("ada")
            assert slot
            with slot:
                await anyio.sleep_forever()

        async with anyio.create_task_group() as group:
            group.start_soon(stream)
            await anyio.wait_all_tasks_blocked()
            assert slots.count("ada") == 1
            group.cancel_scope.cancel()
        assert slots.count("ada") == 0

    def test_two_instances_never_meet(self) -> None:
        mine, other = Slots(1), Slots(1)
        assert mine.take("ada") and other.take("ada")
