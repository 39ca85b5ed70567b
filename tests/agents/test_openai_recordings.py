"""What servers have really sent, and its result: the text, the calls, the end and the sentence of each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from htmxchat import LocalBackend, Reasoning, RunEvent, RunView, UsageReported, User, fold
from htmxchat.agents import openai
from htmxchat.agents.event_stream import EventStreamReader
from htmxchat.agents.openai_api import refusals
from htmxchat.agents.openai_api.chat_reader import ChatReader
from htmxchat.agents.openai_api.response_reader import ResponseReader
from htmxchat.agents.openai_api.server import joined
from htmxchat.errors import ChatError
from htmxchat.events import ReasoningDelta
from htmxchat.models import RunState
from htmxchat.testing import each_event

from .recordings import FILES, needs_recordings, playing, recording

pytestmark = needs_recordings
ANN = User("ann")
KEY = "sk-abcdefghijklmnopqrstuvwxyz"

HELLO = "Hello from a tiny scripted model. The answer is forty-two."
MOCK = "Hello from the mock model. Forty-two."
UNI = "line\u2028sep, par\u2029sep, nel\x85end"

CUT, LENGTH, TOO_LONG = refusals.CUT, refusals.FINISHES["length"], refusals.TOO_LONG
KEY_WRONG = "does not accept the API key"
USED_UP = "is used up"
NO_MODEL = "does not have this model"
FAILED = "failed while answering"

# How each ends: the text, and what the sentence has in it; None where it is complete.
ENDS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys("100 101 102 117 125 126 146 159 205 263".split(), (HELLO, None)),
    **dict.fromkeys("200 201 202 203".split(), (MOCK, None)),
    **dict.fromkeys("113 209".split(), (UNI, None)),
    **dict.fromkeys("110 111 208".split(), ("It is 4.", None)),
    **dict.fromkeys("114 115".split(), ('{"city": "Rome", "temp": 21}', None)),
    **dict.fromkeys("112 118 123 148 156 158 210".split(), ("", LENGTH)),
    **dict.fromkeys("500 502 503 504 512 513 514 526 532 534".split(), ("Hello wörld", None)),
    **dict.fromkeys("330 342 350 360 361 370 400 552".split(), ("4", None)),
    **dict.fromkeys("121 122 211 217 307 411 412".split(), ("", TOO_LONG)),
    **dict.fromkeys("144 145 213 304".split(), ("", KEY_WRONG)),
    **dict.fromkeys("306 354".split(), ("", USED_UP)),
    **dict.fromkeys("308 334".split(), ("", NO_MODEL)),
    **dict.fromkeys("216 305 523".split(), ("", "takes no more requests for now")),
    **dict.fromkeys("221 516 522 524".split(), ("", "is overloaded or away")),
    **dict.fromkeys("147 149 235 508 509".split(), ("", CUT)),
    **dict.fromkeys("116 344".split(), ("", refusals.EMPTY)),
    **dict.fromkeys("333 521".split(), ("", refusals.NO_ANSWER)),
    **dict.fromkeys("372 517".split(), ("", "too large for the model's server")),
    **dict.fromkeys("153 154 212 218 222".split(), ("", "The model's server failed (500)")),
    "109": ("It is 21 degrees there, says the tool.", None),
    "119": ("# Title\n\n- one", None),
    "120": ("Hello from a tiny scripted model. The ", None),
    "124": ("", "It says: “image input is not supported"),
    "127": ("", "refused the request (400)"),
    "128": ("", "'messages' is required"),
    "129": ("}\n</tool_call>", None),
    "130": ("", "Field 'temperature'"),
    "131": ("", "unrecognized type nonsense"),
    "132": ("", "no such API there"),
    "155": ("It is 21 degrees there, says the tool.", None),
    "214": ("", "No connected db."),
    "215": ("", "Invalid model name"),
    "220": ("Hello wor", f"{FAILED}. Try again. It says: “litellm.APIConnectionError"),
    "223": ("", "Invalid JSON payload"),
    "224": ("", "Missing required parameter"),
    "300": ("Hello there", None),
    "301": ("I'm sorry, I can't help with that.", None),
    "302": ("Well, the ", refusals.FINISHES["content_filter"]),
    "309": ("", "does not allow this"),
    "310": ("", "Use 'max_completion_tokens' instead."),
    "311": ("Hal", FAILED),
    "320": ("Hi", None),
    "321": ("", "content filter of the model's server refused"),
    "322": ("", "The API deployment for this resource does not exist."),
    "332": ("", FAILED),
    "335": ("", "messages: Field required"),
    "343": ("Hello!", None),
    "351": ("Half an ans", FAILED),
    "353": ("", f"{FAILED}. Try again. It says: “No instances available”"),
    "355": ("Here:", None),
    "362": ("So", refusals.FINISHES["insufficient_system_resource"]),
    "371": ("", "Failed to call a function"),
    "373": ("", FAILED),
    "380": ("It is 4", None),
    "382": ("", "stream_options: Extra inputs are not permitted"),
    "391": ("", "missing a thought_signature"),
    "401": ("", FAILED),
    "505": ("a\u2028b\u2029c\x85d", None),
    "506": ("Hello", None),
    "507": ("Hi", None),
    "510": ("Done.", None),
    "511": ("Done.", None),
    "515": ("hé", None),
    "518": ("", "no API for models but a web page"),
    "519": ("Hello world", None),
    "520": ("", "no API for models but application/x-ndjson"),
    "525": ("", "sends us to another address (307)"),
    "527": ("\ufffd ok", None),
    "528": ("😀", None),
    "529": ("Hi", None),
    "531": ("Hi", "sent something that cannot be read"),
    "533": ("Hi", None),
    "549": ('<tool_call>\n{"name": "get_weather"', None),
    "550": ("Yes", None),
    "551": ("Yes", None),
    "553": ("Aa", None),
    "554": ("Hi there", None),
    "555": ("Hello", None),
    "556": ("Hello you", None),
    "557": ("", "image_url is only supported by certain models"),
    "558": ('```json\n{"a": 1}\n```', None),
}

PARIS = ("get_weather", {"city": "Paris"})
OSLO = [("get_weather", {"city": "Oslo", "unit": "kelvin"}), ("add", {"a": 19, "b": 23})]
CELSIUS = [("get_weather", {"city": "Paris", "unit": "celsius"})]
ONE = [PARIS]
TWO = [PARIS, ("add", {"a": 1, "b": 2})]
# What each calls; what cannot be read is None.
CALLS: dict[str, list[tuple[str, Any]]] = {
    **dict.fromkeys("103 107 108".split(), CELSIUS),
    **dict.fromkeys("104 206".split(), OSLO),
    **dict.fromkeys("331 390 410 542 546 547 548".split(), ONE),
    **dict.fromkeys("303 340 381 540".split(), TWO),
    "106": [("add", {"a": 1, "b": 2})],
    "157": [("get_weather", None)],
    "207": [("get_weather", {"city": 'Lima "Centro" é'})],
    "341": [("search", {"q": "a"}), ("search", {"q": "b"})],
    "541": [("fetch", {"url": "a"}), ("fetch", {"url": "b"}), ("search", {"query": "c"})],
    "543": [("now", None)],
    "544": [("get_weather", None)],
    "545": [("get_weather", None)],
}
THOUGHT = {
    "106": "I need the tool for this.\n",
    "111": "The user asks for a sum. Two and two make four.",
    "330": "Two and two.",
    "332": "Let me",
    "342": "Hmm, ok",
    "350": "Add.",
    "380": "2+2",
    "550": "hm, 2 < 3",
    "551": "hm, let me see",
    "552": "2+2",
}
USED = dict.fromkeys("300 330 350 360 361 370 380 381 390 400 519 554".split(), (9, 4)) | {"101": (9, 16)}

# The same of the Responses API.
RESPONSE_ENDS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys("135 227 250 251 258 260".split(), (HELLO, None)),
    **dict.fromkeys("137 142 229 255".split(), ("It is 4.", None)),
    **dict.fromkeys("141 253".split(), ("It is 21 degrees there, says the tool.", None)),
    **dict.fromkeys("143 233 261".split(), ("", TOO_LONG)),
    **dict.fromkeys("226 234".split(), ("", "(500). Try again. It says: “Error processing stream start”")),
    **dict.fromkeys("140 232".split(), ("", "does not support 'previous_response_id'")),
    "139": ("Hello from a t", None),  # the server says that this is complete
    "256": ("", "resp_doesnotexist"),
    "262": ("Hello from a", None),
    "264": ("", FAILED),
    "600": ("Hello", None),
    "602": ("Hel", LENGTH),
    "603": ("", "It says: “Rate limit reached for m.”"),
    "604": ("", "It says: “The server had an error.”"),
    "605": ("", "It says: “Nested”"),
    "606": ("I can't.", None),
    "607": ("", "Previous response with id"),
    "609": ("", refusals.EMPTY),
}
RESPONSE_CALLS: dict[str, list[tuple[str, Any]]] = {
    **dict.fromkeys("136 228 231 252".split(), CELSIUS),
    **dict.fromkeys("138 230 254".split(), OSLO),
    **dict.fromkeys("601 610".split(), TWO),
}


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries are made at once."""
    monkeypatch.setattr(refusals, "retry_after", lambda headers, now: 0.0 if headers.get("retry-after") != "30" else 30)


def test_every_recording_of_an_answer_is_in_a_table() -> None:
    other = {"133", "134", "150", "151", "152", "225", "257", "259"}  # of other routes
    table = ENDS.keys() | CALLS.keys() | RESPONSE_ENDS.keys() | RESPONSE_CALLS.keys()
    assert FILES.keys() - other - {"530", "608"} <= table


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("number", sorted([*ENDS, *RESPONSE_ENDS]))
async def test_an_answer_ends_as_it_should(number: str) -> None:
    text, sentence = ENDS.get(number) or RESPONSE_ENDS[number]
    view, events = await answered(number)
    if sentence is None:
        assert (view.state, view.error) == (RunState.COMPLETED, None)
        assert view.text.startswith(text)
    else:
        assert view.state is RunState.FAILED
        assert sentence in (view.error or "")
        assert view.text.startswith(text)
        assert len(view.error or "") < 500
    said = "\n".join(map(repr, events))
    assert KEY not in said
    assert "sk-abcd" not in said


async def answered(number: str) -> tuple[RunView, list[RunEvent]]:
    async with playing(recording(number)) as server:
        api: Any = "chat" if reader_of(number) is ChatReader else "responses"
        backend = LocalBackend(openai(server.url, model="m", api_key=KEY, rounds=1, api=api))
        run = await backend.start_run(ANN, None, "Hello")
        events = [event async for event in each_event(backend, ANN, run.id)]
        await backend.close()
    return fold(events), events


def cuts(body: bytes) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Yield the body cut in every way in which a network can cut it."""
    yield "whole", [body]
    yield "bytes", [body[at : at + 1] for at in range(len(body))]
    yield "sevens", [body[at : at + 7] for at in range(0, len(body), 7)]
    for name, pattern in {
        "in a line end": rb"\r(?=\n)|\n(?=\n)|\r",
        "in a field's name": rb"da(?=ta:)",
        "before the colon": rb"data(?=:)",
        "in a character": rb"[\xc0-\xff](?=[\x80-\xbf])",
        "in an escape": rb"\\(?=[u\"\\])",
        "in a number": rb"\d(?=\d)",
        "in [DONE]": rb"\[DO(?=NE\])",
        "after a BOM's first byte": rb"^\xef",
        "before each line end": rb".(?=[\r\n])",
    }.items():
        yield name, split_after(body, pattern)


def split_after(body: bytes, pattern: bytes) -> list[bytes]:
    places = [0, *(match.end() for match in re.finditer(pattern, body)), len(body)]
    return [body[begin:end] for begin, end in pairwise(places)]


def read(packets: Sequence[bytes], reader: Callable[[], Any]) -> tuple[Any, ...]:
    """Return everything that comes of a stream: what was said, the reply, and the error."""
    stream, replied = EventStreamReader(), reader()
    pieces: list[Any] = []
    error = ""
    try:
        for packet in packets:
            pieces += joined(stream.feed(packet), replied)
        pieces += [*joined(stream.end(), replied), *replied.end()]
    except ChatError as raised:
        error = str(raised)
    text = "".join(each for each in pieces if isinstance(each, str))
    thought = "".join(each.text for each in pieces if isinstance(each, ReasoningDelta))
    return text, thought, replied.reply(), error


STREAMS = [number for number in FILES if number != "534" and b"text/event-stream" in recording(number).head]


@pytest.mark.parametrize("number", STREAMS)
def test_where_a_stream_is_cut_changes_nothing(number: str) -> None:
    body = recording(number).body
    ways = cuts(body)
    _, packets = next(ways)
    reader = reader_of(number)
    whole = read(packets, reader)
    for name, packets in ways:
        assert b"".join(packets) == body
        assert read(packets, reader) == whole, name


def reader_of(number: str) -> Any:
    chat = number in ENDS or number in CALLS or number == "530"
    return ChatReader if chat else ResponseReader


@pytest.mark.parametrize("number", sorted([*CALLS, *RESPONSE_CALLS]))
def test_calls_are_put_together(number: str) -> None:
    *_, reply, error = read([recording(number).body], reader_of(number))
    found = [(call.name, _object(call.arguments)) for call in reply.calls]
    assert (error, found) == ("", CALLS.get(number) or RESPONSE_CALLS[number])


@pytest.mark.parametrize("number", ["135", "141", "600", "606"])
def test_items_that_come_only_whole_are_said(number: str) -> None:
    body = recording(number).body
    without = b"\n\n".join(event for event in body.split(b"\n\n") if b".delta" not in event)
    assert len(without) < len(body)
    assert read([without], ResponseReader)[0] == read([body], ResponseReader)[0] != ""


def _object(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:
        return None


def test_a_large_call_comes_whole() -> None:
    *_, reply, _ = read([recording("530").body], ChatReader)
    (call,) = reply.calls
    assert len(json.loads(call.arguments)["text"]) > 40_000


@pytest.mark.parametrize("number", sorted(THOUGHT))
async def test_reasoning_is_told_from_text(number: str) -> None:
    view, _ = await answered(number)
    assert "".join(part.text for part in view.parts if isinstance(part, Reasoning)) == THOUGHT[number]


@pytest.mark.parametrize("number", sorted(USED))
async def test_tokens_are_counted(number: str) -> None:
    view, _ = await answered(number)
    assert view.usage == UsageReported(*USED[number])


@pytest.mark.parametrize("number", ["544", "157", "508", "509"])
async def test_a_call_of_an_answer_that_is_not_complete_is_not_run(number: str) -> None:
    ran: list[str] = []

    def get_weather(city: str = "") -> str:
        ran.append(city)
        return city

    async with playing(recording(number)) as server:
        backend = LocalBackend(openai(server.url, model="m", tools=[get_weather]))
        run = await backend.start_run(ANN, None, "Hello")
        view = fold([event async for event in each_event(backend, ANN, run.id)])
        await backend.close()
    assert (view.state, ran) == (RunState.FAILED, [])


async def test_a_stream_of_single_bytes_through_a_socket() -> None:
    each_byte = partial(split_after, pattern=rb"(?s).")
    async with playing(recording("505"), cut=each_byte) as server:
        backend = LocalBackend(openai(server.url, model="m"))
        run = await backend.start_run(ANN, None, "Hello")
        view = fold([event async for event in each_event(backend, ANN, run.id)])
        await backend.close()
    assert view.text == "a\u2028b\u2029c\x85d"


async def test_a_server_that_knows_no_stream_options_is_asked_without_them() -> None:
    async with playing(recording("382"), recording("500")) as server:
        backend = LocalBackend(openai(server.url, model="m"))
        run = await backend.start_run(ANN, None, "Hello")
        view = fold([event async for event in each_event(backend, ANN, run.id)])
        await backend.close()
    first, second = (request.partition(b"\r\n\r\n")[2] for request in server.requests)
    assert b"stream_options" in first
    assert b"stream_options" not in second
    assert view.state is RunState.COMPLETED


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("number", "times"),
    [("305", 3), ("306", 1), ("523", 1), ("524", 3), ("522", 3), ("218", 1), ("153", 1), ("304", 1), ("525", 1)],
)
async def test_only_what_may_help_is_asked_again(number: str, times: int) -> None:
    async with playing(recording(number)) as server:
        backend = LocalBackend(openai(server.url, model="m"))
        run = await backend.start_run(ANN, None, "Hello")
        _ = [event async for event in each_event(backend, ANN, run.id)]
        await backend.close()
    assert len(server.requests) == times


def test_a_stream_is_read_in_linear_time() -> None:
    event = b"data: " + b"x" * 200_000 + b"\n\n"
    stream = EventStreamReader()
    events = [each for at in range(len(event)) for each in stream.feed(event[at : at + 1])]
    assert [len(each.data) for each in events] == [200_000]
