"""JSON of any shape: deep, wide, huge, or none that JSON can say. What runs hold stays readable, in every room."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from htmxchat import JSON, Backend, LocalBackend, Request, ToolFinished, ToolStarted, Unknown, User, create_chat_app
from htmxchat.errors import InvalidInput
from htmxchat.scripts.posted import read_body
from htmxchat.text.cleaning import MAX_DEPTH, MAX_VALUES, TOO_DEEP, TOO_MANY, clean_json, read_json
from htmxchat.text.redaction import redact
from tests.inspected import Inspected
from tests.support import FRAGMENT


def lists(depth: int, value: Any = "inside") -> Any:
    for _ in range(depth):
        value = [value]
    return value


def objects(depth: int, value: Any = "inside") -> Any:
    for _ in range(depth):
        value = {"key": value}
    return value


def itself() -> Any:
    value: list[Any] = []
    value += [value, {"again": value}]
    return value


def shared(depth: int) -> Any:
    value: Any = "inside"
    for _ in range(depth):
        value = [value, value]
    return value


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth, inside), default=0)


VALUES: dict[str, Any] = {
    "lists": lists(485),
    "objects": objects(485),
    "both": lists(240, objects(240)),
    "deeper than the stack": lists(20_000),
    "itself": itself(),
    "shared": shared(40),
    "wide": list(range(300_000)),
    "many keys": {str(each): [each] for each in range(150_000)},
    "huge numbers": [10**5_000, -(10**5_000), 10**300, 1e308, math.nan, math.inf],
    "odd texts": {"a\ud800": "\ud800\0", "\0": None},
    "odd keys": {1: "one", None: "none", (1, 2): "pair", 2.5: "half"},
}


@pytest.mark.parametrize("name", VALUES)
def test_what_is_stored_is_json_of_bounded_depth_and_size(name: str) -> None:
    cleaned = clean_json(VALUES[name])
    assert depth(cleaned) <= MAX_DEPTH
    text = json.dumps(cleaned, allow_nan=False)
    text.encode()
    assert read_json(text) == cleaned
    assert text.count(",") <= 2 * MAX_VALUES + 2


def test_what_is_left_out_is_said_in_its_place() -> None:
    assert clean_json(lists(MAX_DEPTH)) == lists(MAX_DEPTH)
    assert clean_json(lists(MAX_DEPTH + 1)) == lists(MAX_DEPTH, TOO_DEEP)
    assert clean_json(range(3)) == "range(0, 3)"
    wide = clean_json([0] * (MAX_VALUES + 1))
    assert isinstance(wide, list)
    assert len(wide) == MAX_VALUES + 1
    assert wide[-1] == TOO_MANY
    assert clean_json([10**5_000]) == ["(an integer of about 5,001 digits)"]


def test_what_is_read_is_of_bounded_depth() -> None:
    assert read_json("[" * 300 + "]" * 300) == lists(MAX_DEPTH, TOO_DEEP)
    assert read_json('{"a": 1, "a": 2}') == {"a": 2}
    assert read_json("1" * 5_000) == "(an integer of 5,000 digits)"
    for text in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, "{", ""):
        with pytest.raises(ValueError, match=r"."):
            read_json(text)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b"\xff", b""])
def test_a_body_that_is_no_json_is_refused_in_a_sentence(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="Send the result as JSON"):
        read_body(body)


def said_by_an_agent(value: Any) -> Backend:
    async def respond(request: Request) -> AsyncGenerator[Any, Any]:
        yield ToolStarted("1", "nest", arguments=value)
        yield ToolFinished("1", result=value)
        yield Unknown("custom.event", {"value": value})
        yield "Done"

    return LocalBackend(respond)


def kept_by_another_backend(value: JSON) -> Backend:
    class Deep(Inspected):
        async def run_checkpoint(self, user: User, run_id: str, number: int) -> JSON:
            return {"value": value, "number": number}

    return Deep(
        [ToolStarted("1", "nest", arguments=value), ToolFinished("1", result=value), Unknown("c", value), "Done"]
    )


DEEP = {"lists", "objects", "both"}
# What is large is slow, and says nothing more here.
SAID = VALUES.keys() - {"itself", "shared", "wide", "many keys"}


@pytest.mark.parametrize(
    ("backend", "name"),
    # Other backends keep JSON; how deep is their own affair.
    [*((said_by_an_agent, name) for name in sorted(SAID)), *((kept_by_another_backend, name) for name in sorted(DEEP))],
)
def test_every_room_of_a_run_stands_whatever_it_holds(backend: Callable[[Any], Backend], name: str) -> None:
    value = VALUES[name]
    with TestClient(create_chat_app(backend(value))) as client:
        client.get("/")
        address = client.post("/messages", data={"text": "Go"}, follow_redirects=False).headers["location"]
        run = address.partition("#turn-")[2]
        assert "event: end" in client.get(f"/runs/{run}/stream").text
        rooms = [address, *(f"/runs/{run}{path}" for path in ("", "/events.jsonl", "/report.html", "/summary.md"))]
        for room in rooms:
            assert client.get(room).status_code == 200, room
        exported = [json.loads(line) for line in client.get(f"/runs/{run}/events.jsonl").text.splitlines()]
        for row in exported:
            assert client.get(f"/runs/{run}/events/{row['seq']}").status_code == 200
            assert client.get(f"/runs/{run}/events/{row['seq']}", headers=FRAGMENT).status_code == 200
        assert client.get(f"/runs/{run}/events?q=inside", headers=FRAGMENT).status_code == 200
        if backend is kept_by_another_backend:
            for query in ("?n=3", "?n=4&with=2"):
                assert client.get(f"/runs/{run}/checkpoints{query}").status_code == 200


def test_what_is_drawn_is_of_bounded_depth() -> None:
    assert depth(redact(lists(300))) <= MAX_DEPTH + 2
    assert TOO_DEEP in json.dumps(redact(objects(300)))
