"""Answers over HTTP: what is asked with a form is checked, and of two answers at once one counts."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from htmxchat import (
    Approval,
    Checkpoint,
    Decision,
    InputRequested,
    LocalBackend,
    Request,
    Said,
    Store,
    User,
    create_chat_app,
)
from htmxchat.events import JSON

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2, "title": "Your <name>"},
        "age": {"type": "integer", "minimum": 0},
        "colours": {"type": "array", "items": {"enum": ["red", "blue"]}, "minItems": 1},
    },
    "required": ["name", "colours"],
}
RIGHT = {"answer/name": "Ann", "answer/age": "7", "answer/colours": ["0", "1"]}
FRAGMENT = {"HX-Request": "true"}


class Asking:
    """Asks what its text names, also in another process."""

    name = "asking"

    def answer(self, request: Request) -> AsyncIterator[Said]:
        return self.resume(request, None)

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        yield Checkpoint("asked")
        if request.text == "approval":
            call = Approval("pay", {"euros": 5, "to": "Ann"})
            asked = InputRequested("q", "May I pay?", approval=call)
        else:
            asked = InputRequested("q", "Who?", schema=SCHEMA, decline="No" if request.text == "decline" else "")
        yield f"Got: `{(yield asked)!r}`"


@dataclass
class Site:
    client: TestClient
    backend: LocalBackend

    def ask(self, text: str) -> tuple[str, dict[str, str]]:
        """Have something asked; return the conversation's path and the hidden fields of the form."""
        path = self.client.post("/messages", data={"text": text}).url.path
        html = self.until(path, "<chat-form")
        form = html[: html.index("<chat-form")]
        run = re.findall(r'action="(/runs/\w+/answer)"', form)[-1]
        digest = re.findall(r'name="digest"[^>]*value="(\w+)"|value="(\w+)"[^>]*name="digest"', form)[-1]
        return path, {"action": run, "digest": "".join(digest)}

    def answer(self, hidden: dict[str, str], *, fragment: bool = False, **fields: Any) -> Any:
        data = {"request": "q", "digest": hidden["digest"], **fields.pop("fields", {}), **fields}
        headers = FRAGMENT if fragment else {}
        return self.client.post(hidden["action"], data=data, headers=headers, follow_redirects=False)

    def until(self, path: str, words: str) -> str:
        for _ in range(400):
            html = self.client.get(path).text
            if words in html:
                return html
        raise AssertionError(words)


class Opened:
    """The chat in a process of its own, as far as the database can tell."""

    def __init__(self, url: str, user: User) -> None:
        async def identify(_request: object) -> User:
            return user

        self.backend = LocalBackend(Asking(), Store(url))
        self.client = TestClient(create_chat_app(self.backend, identify=identify))

    def __enter__(self) -> Site:
        self.client.__enter__()
        return Site(self.client, self.backend)

    def __exit__(self, *error: Any) -> None:
        self.client.__exit__(*error)


def test_a_value_is_of_the_types_of_its_schema(url: str, ann: User) -> None:
    with Opened(url, ann) as site:
        path, hidden = site.ask("form")
        assert site.answer(hidden, fields=RIGHT).status_code == 303
        html = site.until(path, "Got:")
    assert "{&#x27;name&#x27;: &#x27;Ann&#x27;, &#x27;age&#x27;: 7" in html or "'age': 7" in html
    assert "Your &lt;name&gt;" in html and "red, blue" in html


def test_what_is_not_right_comes_back_with_what_was_typed(url: str, ann: User) -> None:
    with Opened(url, ann) as site:
        path, hidden = site.ask("form")
        wrong = {"answer/name": "A", "answer/age": "-1", "answer/colours": "1"}
        page = site.answer(hidden, fields=wrong)
        assert page.status_code == 422 and "<!doctype html>" in page.text.lower()
        part = site.answer(hidden, fields=wrong, fragment=True)
        assert part.status_code == 422 and "<hx-partial" in part.text
        for html in page.text, part.text:
            assert 'value="A"' in html and 'value="-1"' in html
            assert "2 fields to correct" in html
            assert "Needs 2 characters or more" in html and "Needs a whole number, 0 or more" in html
        assert site.answer(hidden, fields=RIGHT).status_code == 303
        site.until(path, "Got:")


def test_a_form_is_answered_after_a_restart(url: str, ann: User) -> None:
    with Opened(url, ann) as site:
        path, hidden = site.ask("form")
    with Opened(url, ann) as site:
        assert "<chat-form" in site.until(path, "<chat-form")
        assert site.answer(hidden, fields=RIGHT).status_code == 303
        assert "Ann" in site.until(path, "Got:")


def test_of_two_answers_at_once_one_counts(url: str, ann: User) -> None:
    with Opened(url, ann) as site:
        path, hidden = site.ask("form")
        names = ["Ann", "Bob", "Cid", "Dan"]

        def send(name: str) -> int:
            return int(site.answer(hidden, fields={**RIGHT, "answer/name": name}, fragment=True).status_code)

        with ThreadPoolExecutor(len(names)) as pool:
            codes = list(pool.map(send, names))
        assert sorted(codes) == [204, 404, 404, 404]
        html = site.until(path, "Got:")
    record = html[html.index("You answered") :]
    assert names[codes.index(204)] in record
    assert not any(name in record for name, code in zip(names, codes, strict=True) if code != 204)


def test_an_answer_that_comes_too_late_is_told_with_what_was_typed(url: str, ann: User) -> None:
    with Opened(url, ann) as site:
        path, hidden = site.ask("form")
        site.answer(hidden, fields=RIGHT)
        site.until(path, "Got:")
        headers = {**FRAGMENT, "Chat-Last-Turn": ""}
        data = {"request": "q", **hidden, **RIGHT, "answer/name": "Late"}
        late = site.client.post(hidden["action"], data=data, headers=headers)
    assert late.status_code == 404
    assert "not open any more" in late.text and "Your &lt;name&gt;: Late" in late.text


def test_an_answer_to_other_words_is_refused(url: str, ann: User) -> None:
    with Opened(url, ann) as site:
        _, hidden = site.ask("form")
        changed = site.answer({**hidden, "digest": "0" * 64}, fields=RIGHT)
    assert changed.status_code == 409


def test_a_form_is_declined_only_where_that_is_offered(url: str, ann: User) -> None:
    with Opened(url, ann) as site:
        _, hidden = site.ask("form")
        assert site.answer(hidden, decision="decline").status_code == 422
        path, hidden = site.ask("decline")
        assert site.answer(hidden, decision="decline").status_code == 303
        html = site.until(path, "Got:")
    assert "You declined" in html and "None" in html


@pytest.mark.parametrize(
    ("fields", "decision"),
    [
        ({"decision": "approve", "answer/euros": "5", "answer/to": "Ann"}, Decision(True)),
        (
            {"decision": "approve", "answer/euros": "4", "answer/to": "Ann"},
            Decision(True, "", {"euros": 4, "to": "Ann"}),
        ),
        ({"decision": "deny", "answer/euros": "x", "reason": " No. "}, Decision(False, "No.")),
    ],
    ids=["approve", "change", "deny"],
)
def test_a_call_is_decided_about(url: str, ann: User, fields: dict[str, str], decision: Decision) -> None:
    with Opened(url, ann) as site:
        path, hidden = site.ask("approval")
        assert site.answer(hidden, fields=fields).status_code == 303
        html = site.until(path, "Got:")
    assert repr(decision.answer) in html.replace("&#x27;", "'").replace("&quot;", '"').replace("&#39;", "'")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"answer": "Approve"}, 400),
        ({"decision": "yes"}, 400),
        ({"decision": "approve"}, 422),
        ({"decision": "approve", "answer/euros": "many", "answer/to": "Ann"}, 422),
        ({"decision": "deny", "reason": "\x00"}, 422),
        ({"decision": "approve", "answer/euros": "5", "answer/to": "x" * 30_000}, 422),
    ],
    ids=["words", "another decision", "no arguments", "wrong arguments", "NUL", "too long"],
)
def test_a_crafted_decision_is_refused(tmp_path: Path, ann: User, fields: dict[str, str], status: int) -> None:
    with Opened(f"sqlite:///{tmp_path}/chat.db", ann) as site:
        path, hidden = site.ask("approval")
        assert site.answer(hidden, fields=fields).status_code == status
        assert "<chat-form" in site.client.get(path).text
