"""What an answer shows of a script: little, whatever came of it, and true."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from htmxchat.fragments.turns.proposals import proposal
from htmxchat.html import render
from htmxchat.scripts.excerpt import Beginning, Excerpt, excerpt, excerpt_of
from htmxchat.scripts.models import FromAgent, Script
from htmxchat.scripts.result import Picture, ScriptError, ScriptResult, ScriptState, TableValue, TextValue
from htmxchat.urls import Urls

from .results import RESULT
from .support import Element, parse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SCRIPT = Script("s", "talk", "run", FromAgent("1"), "Plot <b>", "1 + 1", ScriptState.QUEUED, 1, NOW, revision=3)
PNG = Picture("image/png", b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 480))
TRACEBACK = """\
Traceback (most recent call last):
  File "script.py", line 9, in <module>
    f()
  File "script.py", line 4, in f
    rows = [r["dept"] for r in samples]
            ~^^^^^^^^
KeyError: 'dept'
"""


def shown(result: ScriptResult) -> Excerpt:
    return excerpt(replace(SCRIPT, state=result.state, result=result))


def drawn(result: ScriptResult) -> Element:
    return parse(render(proposal(Urls(), "run", "s", "Plot <b>", shown(result)))).one("chat-proposal")


def done(**fields: object) -> ScriptResult:
    return ScriptResult(ScriptState.DONE, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("", None),
        ("\n\n", None),
        ("one\n", Beginning("one", 1, 1)),
        ("\none\n\nthree\n", Beginning("one\n", 3, 2)),
        ("x" * 500, Beginning("x" * 399 + "…", 1, 1)),
    ],
)
def test_of_output_the_first_two_lines_are_shown_and_all_are_counted(text: str, beginning: Beginning | None) -> None:
    assert shown(done(stdout=text)).stdout == beginning


def test_output_says_how_much_of_it_is_shown() -> None:
    lines = "".join(f"line {number}\n" for number in range(41))
    assert drawn(done(stdout=lines)).one("p", cls="label").text == "stdout, first 2 of 41 lines"
    assert drawn(done(stdout=lines)).one("pre").text == "line 0\nline 1"
    assert drawn(done(stdout="all\n")).one("p", cls="label").text == "stdout"


def test_of_a_table_the_first_rows_are_shown_and_the_rest_leads_to_the_room() -> None:
    rows = tuple((f"r{number}", number) for number in range(16))
    box = drawn(done(value=TableValue(("name", "n"), rows, 16, 2)))
    assert [cell.text for cell in box.all("td")] == ["r0", "0", "r1", "1", "r2", "2", "r3", "3"]
    assert box.one("p", cls="rest").text == "12 more rows"
    assert box.one("p", cls="rest").one("a")["href"] == Urls().script("run", "s")
    wide = TableValue(tuple(map(str, range(30))), (tuple("x" * 900 for _ in range(30)),), 1, 40)
    box = drawn(done(value=wide))
    assert (len(box.all("td")), len(box.all("td")[0].text)) == (12, 120)
    assert box.one("p", cls="rest").text == "28 more columns"


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        (PNG, (640, 480)),
        (Picture("image/png", b"\x89PNG\r\n\x1a\nrest"), None),
        (Picture("image/svg+xml", b"<svg width='30px' stroke-width='2' height=\"20.5\">"), (30, 20)),
        (Picture("image/svg+xml", b'<?xml?><svg width="460.8pt" viewBox="0 0 460.8 345.6">'), (460, 345)),
        (Picture("image/svg+xml", b'<svg width="0" height="99999">'), None),
        (Picture("image/svg+xml", b"<svg><rect width='9' height='9'/></svg>"), None),
    ],
)
def test_a_picture_keeps_its_place_before_it_is_there(picture: Picture, size: tuple[int, int] | None) -> None:
    assert shown(done(value=picture)).sizes == (size,)
    img = drawn(done(value=picture)).one("img")
    assert img["alt"] == "Plot <b>, picture 1 of 1" and img["src"].endswith("/pictures/0?r=3")
    assert (img.attributes.get("width"), img.attributes.get("height")) == (
        (str(size[0]), str(size[1])) if size else (None, None)
    )


def test_many_pictures_are_counted() -> None:
    box = drawn(done(pictures=(PNG,) * 9))
    assert len(box.all("img")) == 4 and box.one("p", cls="rest").text == "5 more pictures"


def test_of_a_failure_the_error_comes_first_and_then_where() -> None:
    error = ScriptError("python", "'dept'", "KeyError", TRACEBACK)
    box = drawn(ScriptResult(ScriptState.FAILED, "begun\n", error=error, seconds=0.02))
    assert [each.text for each in box.all("p")] == [
        "KeyError: 'dept'",
        'line 4, rows = [r["dept"] for r in samples]',
        "stdout",
    ]
    assert box.one(**{"class": "state"}).text == "Failed after 0.02 s"


@pytest.mark.parametrize(
    ("state", "seconds", "words"),
    [
        (ScriptState.DONE, 0.42, "Done in 0.42 s"),
        (ScriptState.DONE, 0.001, "Done"),
        (ScriptState.DONE, 61.0, "Done in 1 min 1 s"),
        (ScriptState.TIMED_OUT, 30.0, "Timed out after 30.0 s"),
        (ScriptState.CANCELLED, 0.0, "Cancelled"),
        (ScriptState.REJECTED, 0.0, "Rejected"),
    ],
)
def test_a_state_says_how_long_it_ran(state: ScriptState, seconds: float, words: str) -> None:
    box = drawn(ScriptResult(state, seconds=seconds))
    assert box.one(**{"class": "state"}).text == words
    assert not box.all(cls="out"), "what has no output is its head"


@settings(deadline=None)
@given(RESULT)
def test_what_comes_of_any_script_can_be_drawn_and_is_small(result: ScriptResult) -> None:
    assert len(render(proposal(Urls(), "run", "s", "T", shown(result)))) < 8_000
    assert len(render(proposal(Urls(), "run", "s", "T", excerpt_of(result.state, result.abridged)))) < 8_000


def test_a_log_alone_tells_of_words_and_not_of_rows_and_pictures() -> None:
    table = done(value=TableValue(("a",), ((1,),), 1, 1), stdout="said\n", pictures=(PNG,)).abridged
    known = excerpt_of(ScriptState.DONE, table)
    assert (known.table, known.pictures, known.revision) == (None, 0, None)
    assert known.stdout == Beginning("said", 1, 1)
    assert excerpt_of(ScriptState.DONE, done(value=TextValue("a\nb")).abridged).value == Beginning("a\nb", 2, 2)
