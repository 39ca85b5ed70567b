"""The wire format of server-sent events, read back by an independent decoder."""

from __future__ import annotations

import re
from functools import partial

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import TaskGroup
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from htmxchat.http.detaching import Detached, Detaching
from htmxchat.http.sse import Emit, EventStreamResponse, ServerSentEvent
from tests.support import Exchange, decode

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


class TestEncoding:
    @pytest.mark.parametrize(
        ("event", "wire"),
        [
            (ServerSentEvent(), b"data: \n\n"),
            (ServerSentEvent("one"), b"data: one\n\n"),
            (ServerSentEvent("one", event="end", id="7"), b"id: 7\nevent: end\ndata: one\n\n"),
            (ServerSentEvent("one\ntwo\n"), b"data: one\ndata: two\ndata: \n\n"),
            (ServerSentEvent(" indented"), b"data:  indented\n\n"),
            (ServerSentEvent("", id=""), b"id: \ndata: \n\n"),
        ],
    )
    def test_a_message_is_written_as_the_standard_says(self, event: ServerSentEvent, wire: bytes) -> None:
        assert event.encode() == wire

    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
    def test_every_line_end_becomes_lf(self, end: str) -> None:
        wire = ServerSentEvent(f"one{end}{end}two{end}").encode()
        assert wire == b"data: one\ndata: \ndata: two\ndata: \n\n"

    @pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e", "\0"])
    def test_what_only_other_formats_take_for_a_line_end_is_none(self, character: str) -> None:
        assert ServerSentEvent(f"a{character}b").encode() == f"data: a{character}b\n\n".encode()
        assert decode(ServerSentEvent(f"a{character}b").encode()) == [ServerSentEvent(f"a{character}b")]

    @pytest.mark.parametrize("text", ["1\ndata: forged", "1\r\ndata: forged", "1\rdata: forged", "1\0data: forged"])
    def test_an_id_or_a_name_cannot_begin_another_field(self, text: str) -> None:
        (message,) = decode(ServerSentEvent("real", event=text, id=text).encode())
        assert message == ServerSentEvent("real", event="1data: forged", id="1data: forged")

    def test_data_cannot_begin_another_field_or_message(self) -> None:
        data = "<b>\nevent: end\ndata: x\n\nid: 9\n: comment\nretry: 1"
        assert decode(ServerSentEvent(data).encode()) == [ServerSentEvent(data)]

    def test_half_a_surrogate_pair_does_not_break_the_stream(self) -> None:
        assert ServerSentEvent("a\ud800b").encode() == b"data: a?b\n\n"

    @given(
        st.text(),
        st.none() | st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1),
        st.none() | st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1),
    )
    def test_what_is_read_is_what_was_written(self, data: str, event: str | None, id: str | None) -> None:
        wire = ServerSentEvent(data, event, id).encode()
        assert b"\r" not in wire
        assert wire.endswith(b"\n\n")
        event = None if event == "message" else event  # the name of messages without one
        text = re.sub("\r\n?", "\n", data).encode("utf-8", "replace").decode()
        assert decode(wire) == [ServerSentEvent(text, event, id)]

    @given(st.lists(st.text(max_size=20), max_size=5))
    def test_messages_stay_apart(self, texts: list[str]) -> None:
        wire = b"".join(ServerSentEvent(text).encode() for text in texts)
        assert len(decode(wire)) == len(texts)


class TestEventStreamResponse:
    async def test_its_headers_keep_proxies_from_caching_buffering_and_changing_it(self) -> None:
        exchange = Exchange(EventStreamResponse(one_message), "/")
        await exchange.run()
        assert exchange.status == 200
        assert exchange.headers == {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store, no-transform",
            "x-accel-buffering": "no",
        }

    async def test_each_message_is_sent_at_once(self) -> None:
        exchange = Exchange(None, "/")  # type: ignore[arg-type]
        seen: list[int] = []

        async def produce(emit: Emit, _: TaskGroup) -> None:
            for text in ("one", "two"):
                await emit(ServerSentEvent(text))
                seen.append(len(exchange.chunks))

        exchange._app = EventStreamResponse(produce)
        await exchange.run()
        assert seen == [1, 2]
        assert exchange.chunks == [b"data: one\n\n", b"data: two\n\n", b""]

    async def test_silence_is_filled_with_comments(self) -> None:
        async def produce(emit: Emit, _: TaskGroup) -> None:
            await exchange.until(":\n\n:\n\n")
            await emit(ServerSentEvent("late"))

        exchange = Exchange(EventStreamResponse(produce, heartbeat=0.01), "/")
        await exchange.run()
        assert decode(exchange.body) == [ServerSentEvent("late")]

    async def test_a_client_that_leaves_cancels_the_producer_at_once(self) -> None:
        cancelled = False

        async def produce(emit: Emit, _: TaskGroup) -> None:
            nonlocal cancelled
            await emit(ServerSentEvent("one"))
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                cancelled = True
                raise

        exchange = Exchange(EventStreamResponse(produce), "/")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run)
            await exchange.until("one")
            exchange.leave()
            await exchange.end()
        assert cancelled

    async def test_a_client_that_takes_nothing_is_given_up(self) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await anyio.sleep_forever()

        async def produce(emit: Emit, _: TaskGroup) -> None:
            await emit(ServerSentEvent("one"))
            raise AssertionError("the message was taken")

        with anyio.fail_after(5):
            await EventStreamResponse(produce, send_timeout=0.02)(SCOPE, anyio.sleep_forever, send)  # type: ignore[arg-type]

    async def test_a_client_that_takes_no_heartbeat_is_given_up(self) -> None:
        started = anyio.Event()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                started.set()
                await anyio.sleep_forever()

        async def produce(emit: Emit, _: TaskGroup) -> None:
            await anyio.sleep_forever()

        with anyio.fail_after(5):
            response = EventStreamResponse(produce, heartbeat=0.01, send_timeout=0.02)
            await response(SCOPE, anyio.sleep_forever, send)  # type: ignore[arg-type]
        assert started.is_set()

    async def test_a_connection_that_breaks_ends_the_stream_quietly(self) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                raise OSError("connection reset")

        await EventStreamResponse(one_message)(SCOPE, anyio.sleep_forever, send)  # type: ignore[arg-type]

    async def test_what_the_producer_raises_is_raised(self) -> None:
        async def produce(emit: Emit, _: TaskGroup) -> None:
            raise LookupError("a bug")

        with pytest.raises(ExceptionGroup) as error:
            await Exchange(EventStreamResponse(produce), "/").run()
        assert error.group_contains(LookupError, match="a bug")

    async def test_it_ends_whole_when_its_time_is_over(self) -> None:
        async def produce(emit: Emit, _: TaskGroup) -> None:
            await emit(ServerSentEvent("one"))
            await anyio.sleep_forever()

        exchange = Exchange(EventStreamResponse(produce, lifetime=0.05), "/")
        with anyio.fail_after(5):
            await exchange.run()
        assert exchange.chunks == [b"data: one\n\n", b""]

    async def test_it_ends_whole_when_what_runs_beside_it_cancels_it(self) -> None:
        async def produce(emit: Emit, tasks: TaskGroup) -> None:
            await emit(ServerSentEvent("one"))
            tasks.start_soon(beside, tasks)
            await anyio.sleep_forever()

        async def beside(tasks: TaskGroup) -> None:
            tasks.cancel_scope.cancel()

        exchange = Exchange(EventStreamResponse(produce), "/")
        with anyio.fail_after(5):
            await exchange.run()
        assert exchange.chunks == [b"data: one\n\n", b""]


class TestDetaching:
    async def test_an_open_stream_keeps_none_of_the_layers_that_its_request_has_passed(self) -> None:
        returned = anyio.Event()
        inside: list[str] = []

        async def produce(emit: Emit, _: TaskGroup) -> None:
            await emit(ServerSentEvent("one"))
            await anyio.sleep_forever()

        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            async def named(message: Message) -> None:
                inside.append(message["type"])
                message["headers"].append((b"x-layer", b"passed"))
                await send(message)

            await EventStreamResponse(produce)(scope, receive, named)
            returned.set()

        exchange = Exchange(Detaching(layer), "/")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run)
            await exchange.until("one")
            assert returned.is_set()
            exchange.leave()
        assert exchange.headers["x-layer"] == "passed"
        assert inside == ["http.response.start"]

    async def test_what_it_holds_is_released_when_the_client_leaves_and_when_a_layer_fails(self) -> None:
        released: list[str] = []

        async def stream(scope: Scope, receive: Receive, send: Send) -> None:
            detached = Detached.of(scope)
            assert detached is not None
            detached.release = partial(released.append, scope["path"])
            await EventStreamResponse(one_message)(scope, receive, send)
            if scope["path"] == "/fails":
                raise LookupError("a bug")

        left = Exchange(Detaching(stream), "/leaves")
        left.leave()
        await left.run()
        with pytest.raises(LookupError):
            await Exchange(Detaching(stream), "/fails").run()
        assert released == ["/leaves", "/fails"]


async def one_message(emit: Emit, _: TaskGroup) -> None:
    await emit(ServerSentEvent("one"))
