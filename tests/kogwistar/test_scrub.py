"""What the server says about its own insides does not reach a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from htmxchat.agents.kogwistar.translation.mapping import Translator
from htmxchat.agents.kogwistar.translation.outcome import state_text
from htmxchat.agents.kogwistar.translation.problems import plain
from htmxchat.agents.kogwistar.translation.replies import ServerEvent
from htmxchat.agents.kogwistar.translation.scrub import scrub, scrub_text

TRACEBACK = 'Traceback (most recent call last):\n  File "/srv/kog/engine.py", line 3, in step\n    do()\nKeyError: 1'


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        (f"it failed: {TRACEBACK}", "engine"),
        ('File "/srv/kog/engine.py", line 3, in step\n    secret_call(x)', "secret_call"),
        ("cannot open /srv/kog/data.db today", "data.db"),
        ("cannot open C:\\\\Users\\\\bob\\\\kog\\\\x.py", "bob"),
        ("postgresql://kog:hunter2@db.internal:5432/kog", "hunter2"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl was refused", "eyJ"),
        ("cannot open <server-path>", "server-path"),
    ],
)
def test_text_loses_places_tracebacks_and_secrets(said: str, secret: str) -> None:
    assert secret not in scrub_text(said)
    assert secret not in plain(said)


@pytest.mark.parametrize("before", ["", "hi\n", "x" * 20_000 + "\n", "progress: 100 %\n\n"])
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (TRACEBACK, "KeyError: 1"),
        (f"{TRACEBACK}\n\nDuring handling of the above exception, another exception occurred:\n\n"
         'Traceback (most recent call last):\n  File "<exec>", line 3\n    1 +\n      ^\nSyntaxError: invalid syntax',
         "SyntaxError: invalid syntax"),
        ('  + Exception Group Traceback (most recent call last):\n  |   File "/srv/kog/engine.py", line 1, in engine\n'
         "  | ExceptionGroup: two (1 sub-exception)\n  +-+---------------- 1 ----------------\n"
         '    | Traceback (most recent call last):\n    |   File "/srv/kog/engine.py", line 3, in step\n'
         "    |     engine()\n    | ValueError: no such region\n    +------------------------------------",
         "ValueError: no such region"),
        ('Traceback (most recent call last):\n  File "x.py", line 3, in f\n    g()\nValueError: first\n  second\nthird',
         "ValueError: first second third"),
    ],
    ids=["plain", "chained", "group", "lines"],
)  # fmt: skip
def test_the_reason_at_the_end_of_a_traceback_stays(before: str, said: str, reason: str) -> None:
    assert plain(before + said).endswith(reason)
    assert len(plain(before + said)) <= 300
    scrubbed = scrub_text(f"{before}{said}\nmore of it")
    assert reason.split()[0] in scrubbed and scrubbed.endswith("more of it")
    for shown in (plain(before + said), scrubbed):
        assert "engine" not in shown and "File" not in shown


def test_a_failed_call_of_a_tool_says_why_although_it_has_no_result() -> None:
    finished = Translator().add(event("tool.result", {"tool_call_id": "1", "ok": False, "error": "no such index"}))
    assert (finished.body.result, finished.body.failed) == ("no such index", True)  # type: ignore[union-attr]


@pytest.mark.parametrize("value", ["hunter2", {"password": "hunter2"}, ["hunter2"], {"a": "hunter2", "b": 1}])
def test_the_words_of_a_call_hold_nothing_of_what_the_tool_was_given_and_gave_back(value: Any) -> None:
    call = event("tool.call", {"tool_call_id": "1", "name": "x", "arguments": value})
    result = event("tool.result", {"tool_call_id": "1", "ok": False, "result": value})
    for heard in (call, result):
        told = Translator().add(heard)
        assert told is not None
        assert "hunter2" not in told.body.summary  # type: ignore[union-attr]
        assert "hunter2" in repr(told.body)


@pytest.mark.parametrize("said", ["cannot read /secrets", "GET https://kog.example/x?key=SECRET failed"])
def test_a_sentence_loses_more(said: str) -> None:
    assert "ecret" not in plain(said).lower()


@pytest.mark.parametrize(
    "said",
    ["and/or", "GET /checkout/slow is slow", "https://example.com/home/user/page?x=1", "5 / 3", "a <b> c", "1.5 KB/s"],
)
def test_what_users_asked_for_stays(said: str) -> None:
    assert scrub_text(said) == said


def test_values_keep_their_shape() -> None:
    assert scrub({"a": [TRACEBACK, 1, None], "b": {"c": "ok"}}) == {"a": ["… KeyError: 1", 1, None], "b": {"c": "ok"}}


def event(type: str, payload: dict[str, Any]) -> ServerEvent:
    return ServerEvent(1, type, datetime.now(UTC), payload, {"seq": 1, "payload": payload})


@pytest.mark.parametrize(
    "heard",
    [
        event("tool.result", {"tool_call_id": "1", "ok": False, "result": TRACEBACK}),
        event("tool.call", {"tool_call_id": "1", "name": "x", "arguments": {"file": "/srv/kog/engine.py"}}),
        event("step.failed", {"error": TRACEBACK}),
    ],
    ids=lambda event: event.type,
)
def test_events_lose_it_in_all_that_is_kept_of_them(heard: ServerEvent) -> None:
    assert "engine" not in repr(Translator().add(heard))


def test_an_answer_is_the_users_and_stays() -> None:
    answer = "It failed with `Traceback (most recent call last):` in /srv/kog/engine.py"
    completed = Translator().add(event("output.completed", {"assistant_text": answer}))
    assert completed.body.text == answer  # type: ignore[union-attr]


def test_a_state_that_stands_for_an_answer_loses_it() -> None:
    text = state_text({"total": 3, "last_error": TRACEBACK, "log": "/srv/kog/run.log"})
    assert '"total": 3' in text
    assert "/srv" not in text
