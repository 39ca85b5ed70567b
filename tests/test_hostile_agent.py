"""What an agent says can be anything. The page stands, and other people are served."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from htmxchat import (
    InputRequested,
    LocalBackend,
    Request,
    Source,
    SourcesFound,
    ToolStarted,
    UsageReported,
    create_chat_app,
)
from htmxchat.endpoints.reconcile import LAST_TURN
from htmxchat.text.markdown import Markdown
from tests.support import FRAGMENT, parse

NESTED: Any = 1
for _ in range(250):
    NESTED = [NESTED]


def page_after(*said: Any) -> str:
    """Return the page of a conversation in which the agent said this, or what it makes when it is its turn."""

    async def respond(request: Request) -> AsyncGenerator[Any, Any]:
        for each in said:
            yield each() if callable(each) else each

    with TestClient(create_chat_app(LocalBackend(respond))) as client:
        client.get("/")
        answer = client.post("/messages", data={"text": "Go on"}, follow_redirects=False)
        address = answer.headers["location"]
        run = address.partition("#turn-")[2]
        stream = client.get(f"/runs/{run}/stream")
        assert "event: end" in stream.text
        page = client.get(address)
        assert page.status_code == 200
        return page.text


ADDRESSES = ["http://[", "https://x]", "http://\u2100.test/", "javascript:alert(1)", "//x", "", "http:"]


@pytest.mark.parametrize("url", ADDRESSES)
def test_a_source_with_a_broken_address_is_shown_as_far_as_it_can_be(url: str) -> None:
    page = page_after(SourcesFound((Source("The source", url),)), "Done")
    assert "The source" in page
    assert "javascript:" not in page


@pytest.mark.parametrize(
    "make",
    [
        lambda: SourcesFound((Source("t", 5),)),  # type: ignore[arg-type]
        lambda: SourcesFound((Source(None),)),  # type: ignore[arg-type]
        lambda: UsageReported("12", "5"),  # type: ignore[arg-type]
        lambda: UsageReported(None, None),  # type: ignore[arg-type]
        lambda: InputRequested("r", "p", choices=({"a": 1},)),  # type: ignore[arg-type]
        lambda: InputRequested("r", "p", choices="north"),  # type: ignore[arg-type]
    ],
    ids=["an address", "a title", "tokens", "no tokens", "choices", "a choice"],
)
def test_an_event_of_the_wrong_types_fails_the_run_and_not_the_page(
    make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    page = page_after("Before. ", make)
    assert "Before." in page
    assert 'data-state="failed"' in page
    assert re.search(r"TypeError: \w+\.\w+ must be an? .*, not .+\.", caplog.text), "the log says what to write"


def test_arguments_nested_deep_do_not_blow_up_the_page() -> None:
    page = page_after(ToolStarted("1", "deep", arguments={"x": NESTED, "y": list(range(5_000))}), "Done")
    assert len(page) < 200_000


def test_a_question_with_any_id_can_be_answered() -> None:
    for request_id in ("a/b", "..", ".", "?#%2F", "\u2026"):

        async def respond(request: Request, request_id: str = request_id) -> AsyncGenerator[Any, Any]:
            answer = yield InputRequested(request_id, "Which?")
            yield f"You said {answer}."

        with TestClient(create_chat_app(LocalBackend(respond))) as client:
            client.get("/")
            address = client.post("/messages", data={"text": "Go"}, follow_redirects=False).headers["location"]
            run = address.partition("#turn-")[2]
            while "Which?" not in client.get(address).text:
                pass
            answered = client.post(f"/runs/{run}/answer", data={"request": request_id, "answer": "north"})
            assert answered.status_code == 200
            client.get(f"/runs/{run}/stream")
            assert "You said north." in client.get(address).text


def test_an_answer_counts_only_for_the_words_that_the_page_showed() -> None:
    given: list[object] = []

    async def respond(request: Request) -> AsyncGenerator[Any, Any]:
        for table in ("test", "production"):
            given.append((yield InputRequested("sure", f"Drop the {table} table?", ("Yes", "No"))))
        yield "Dropped."

    with TestClient(create_chat_app(LocalBackend(respond))) as client:
        client.get("/")
        address = client.post("/messages", data={"text": "Go"}, follow_redirects=False).headers["location"]
        run = address.partition("#turn-")[2]

        def question(words: str) -> dict[str, str]:
            while words not in (html := client.get(address).text):
                pass
            form = parse(html).one("form", cls="request")
            return {each["name"]: each["value"] for each in form.all("input")} | {"answer": "Yes"}

        first = question("test table")
        assert client.post(f"/runs/{run}/answer", data=first).status_code == 200
        second = question("production table")
        assert second["request"] == first["request"]
        fragment = {**FRAGMENT, LAST_TURN: run}
        for headers in ({}, fragment):
            refused = client.post(f"/runs/{run}/answer", data=first, headers=headers)
            assert refused.status_code == 409
            assert "The agent asks something else now than this page showed. Read the question again." in refused.text
            assert "Yes" in refused.text, "what was answered is not lost"
        assert client.post(f"/runs/{run}/answer", data=second).status_code == 200
        client.get(f"/runs/{run}/stream")
        assert given == ["Yes", "Yes"] and "Dropped." in client.get(address).text


@pytest.mark.parametrize(
    "text",
    [
        "<x>\n\n" * 5_000,
        "```python\na = 1\n```\n\n" * 2_000,
        "|" + "a|" * 780 + "\n|" + "-|" * 780 + "\n" + "|a|\n" * 2_000,
        "> " * 10_000 + "a\n" + "b\n" * 50_000,
        "1. " * 100_000,
    ],
    ids=["tags", "code", "table", "quotes", "lists"],
)
def test_text_that_is_dear_to_render_is_shown_plainly(text: str) -> None:
    blocks = Markdown().blocks(text + "\n\nThe end")
    assert blocks[-1] == "<p>The end</p>"
    assert sum(block.count("<span class=") for block in blocks) < 60_000


def test_what_follows_hostile_text_is_rendered_as_ever() -> None:
    blocks = Markdown().blocks("# a\n\n" + "> " * 200 + "x\n\n**b**\n")
    assert blocks[0] == "<h3>a</h3>"
    assert blocks[-1] == "<p><strong>b</strong></p>"


@pytest.mark.parametrize("referer", ["http://[", "http://]", "//", "\x00", "http://x/c/%ff"])
def test_a_broken_referer_changes_nothing(referer: str) -> None:
    async def respond(request: Request) -> AsyncGenerator[str, Any]:
        yield "Hello"

    with TestClient(create_chat_app(LocalBackend(respond))) as client:
        assert client.get("/history", headers={"referer": referer.replace("\x00", "")}).status_code == 200


def test_page_json_is_what_the_tool_was_given() -> None:
    page = page_after(ToolStarted("1", "find", arguments={"query": "a < b"}), "Done")
    assert json.dumps({"query": "a < b"}, indent=2) in unescape(page)
    assert "a < b" not in page
