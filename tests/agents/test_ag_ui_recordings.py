"""What servers of eight frameworks have sent: each run of each recording, however it is cut into pieces."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from htmxchat import EventBody, RunEvent, RunView, fold
from htmxchat.agents.ag_ui_api.tasks import tasks_of
from htmxchat.agents.ag_ui_api.translation import Malformed, Translator
from htmxchat.agents.ag_ui_api.transport.http import Http
from htmxchat.parts import CustomPart, Reasoning, Text, ToolCall
from tests.agents.agui import FILES, Exchange, events, needs_recordings, runs

pytestmark = [pytest.mark.anyio, needs_recordings]
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "agui_expected.json").read_text())
AT = datetime(2026, 1, 1, tzinfo=UTC)


def translated(exchange: Exchange, told: Iterable[dict[str, Any]]) -> tuple[Translator, list[EventBody], str]:
    """Return what a run's events come to."""
    sent = exchange.sent
    translator = Translator(sent.get("messages", []), sent.get("state"))
    translator.begin(sent.get("runId", ""))
    bodies, problem = [], ""
    try:
        for event in told:
            bodies += translator.feed(event)
    except Malformed as error:
        problem = str(error)
    return translator, [*bodies, *translator.stop()], problem


def view_of(bodies: Iterable[EventBody]) -> RunView:
    return fold(RunEvent(number, AT, body) for number, body in enumerate(bodies, 1))


def described(exchange: Exchange) -> dict[str, Any]:
    """Return what a run shows, and what it leaves to be answered."""
    translator, bodies, problem = translated(exchange, events(exchange.body))
    end = translator.end
    tasks = tasks_of(translator, {"set_color"}) if end is not None else ()
    return {
        "end": problem or (end.outcome if end is not None else "cut"),
        "parts": [part_of(part) for part in view_of(bodies).parts],
        "tasks": [f"{task.kind} {task.name}".strip() for task in tasks],
        "messages": " ".join(each["role"] for each in translator.messages.export()),
    }


def part_of(part: object) -> str:
    match part:
        case Text(text=text):
            return text[:200]
        case Reasoning(text=text):
            return f"thought: {text[:200]}"
        case ToolCall():
            told = json.dumps([part.arguments, part.result], ensure_ascii=False)[:160]
            return f"{part.name} {part.state.value}: {told}"
        case CustomPart():
            return f"{part.name} {part.key}: {json.dumps(part.data, ensure_ascii=False)[:160]}"
    raise AssertionError(part)


@pytest.mark.parametrize("number", sorted(EXPECTED))
def test_each_run_shows_what_it_has_told(number: str) -> None:
    assert [described(each) for each in runs(number)] == EXPECTED[number]


def test_every_recording_with_a_run_is_looked_at() -> None:
    assert {number for number in FILES if runs(number)} == set(EXPECTED)


def whole(body: bytes) -> list[bytes]:
    return [body]


def bytewise(body: bytes) -> list[bytes]:
    return [body[at : at + 1] for at in range(len(body))]


def around_line_ends(body: bytes) -> list[bytes]:
    """Cut before and after each byte of a line end."""
    pieces, begin = [], 0
    for at, byte in enumerate(body):
        if byte in b"\r\n":
            pieces += [body[begin:at], body[at : at + 1]]
            begin = at + 1
    return [each for each in [*pieces, body[begin:]] if each]


def inside_characters(body: bytes) -> list[bytes]:
    """Cut in the middle of every character that has several bytes, and elsewhere after seven."""
    pieces, begin = [], 0
    for at, byte in enumerate(body):
        if byte & 0xC0 == 0x80 or at - begin >= 7:
            pieces.append(body[begin:at])
            begin = at
    return [*pieces, body[begin:]]


class Cutting(httpx.AsyncBaseTransport):
    """Answers with a body in these pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=self._stream())

    async def _stream(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


@pytest.mark.parametrize("cut", [whole, bytewise, around_line_ends, inside_characters])
async def test_the_same_events_are_read_however_the_bytes_are_cut(cut: Callable[[bytes], list[bytes]]) -> None:
    for number in FILES:
        for exchange in runs(number):
            if cut is bytewise and len(exchange.body) > 3_000:
                continue
            http = Http("http://agent.example/", 5, Cutting(cut(exchange.body)))
            read = [event async for event in http.events({"messages": []}, {})]
            assert read == [each for each in events(exchange.body) if isinstance(each.get("type"), str)], number


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"], ids=["crlf", "cr", "lf"])
async def test_line_ends_comments_and_what_is_no_event_are_all_the_same(end: bytes) -> None:
    lines = [
        b"\xef\xbb\xbf: hello", b"", b"event: message", b"id: 7", b'data:{"type":"RUN_STARTED",',
        b'data: "a":"\xe2\x80\xa8"}', b"", b": ping", b"data: [DONE]", b"", b"data: 7", b"",
        b'data: {"no": "type"}', b"", b"retry: 5", b"", b'data: {"type":"X"}',
    ]  # fmt: skip
    for pieces in (whole(end.join(lines)), bytewise(end.join(lines))):
        http = Http("http://agent.example/", 5, Cutting(pieces))
        read = [event async for event in http.events({"messages": []}, {})]
        assert read == [{"type": "RUN_STARTED", "a": "\u2028"}, {"type": "X"}]


def test_an_event_of_any_shape_breaks_nothing() -> None:
    values: list[Any] = [None, True, 7, 1.5, "", "x", [], [1], {}, {"a": 1}, [{}], [{"id": 7}], [{"role": "assistant"}]]
    names = {key for number in FILES for each in runs(number) for event in events(each.body) for key in event}
    kinds = {
        event["type"] for number in FILES for each in runs(number) for event in events(each.body) if "type" in event
    }
    for kind in sorted(kinds):
        for value in values:
            translator = Translator([{"id": "u", "role": "user", "content": "x"}], {})
            translator.begin("r")
            for event in ({"type": kind, **dict.fromkeys(names - {"type"}, value)}, {"type": kind}):
                try:
                    view_of(translator.feed(event))
                except Malformed:
                    continue
            translator.stop()
            if translator.end is not None:
                tasks_of(translator, {"set_color"})
