"""Bodies survive the way into a log and back; what is not known becomes Unknown."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htmxchat import events as e
from htmxchat.files import File
from htmxchat.scripts.result import ScriptState
from htmxchat.text.cleaning import clean_body, clean_json, clean_text, one_line, searchable, storable
from tests.results import RESULT

TEXT = st.text(st.characters(), max_size=20)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
SOURCE = st.builds(e.Source, TEXT, st.none() | TEXT, TEXT, TEXT)
FILE = st.builds(File, TEXT, TEXT, TEXT, st.integers(), TEXT)
BODIES: dict[type[e.EventBody], st.SearchStrategy[e.EventBody]] = {
    e.RunStarted: st.builds(e.RunStarted),
    e.RunStopping: st.builds(e.RunStopping),
    e.StageChanged: st.builds(e.StageChanged, TEXT),
    e.ReasoningDelta: st.builds(e.ReasoningDelta, TEXT),
    e.TextDelta: st.builds(e.TextDelta, TEXT),
    e.TextReplaced: st.builds(e.TextReplaced, TEXT),
    e.ToolStarted: st.builds(e.ToolStarted, TEXT, TEXT, TEXT, VALUE),
    e.ToolFinished: st.builds(e.ToolFinished, TEXT, TEXT, VALUE, st.booleans()),
    e.SourcesFound: st.builds(e.SourcesFound, st.lists(SOURCE, max_size=3).map(tuple)),
    e.ScriptProposed: st.builds(e.ScriptProposed, TEXT, TEXT, TEXT, st.booleans()),
    e.ScriptFinished: st.builds(e.ScriptFinished, TEXT, st.sampled_from(ScriptState), st.none() | RESULT),
    e.InputRequested: st.builds(e.InputRequested, TEXT, TEXT, st.lists(TEXT, max_size=3).map(tuple)),
    e.InputAnswered: st.builds(e.InputAnswered, TEXT, VALUE),
    e.UsageReported: st.builds(e.UsageReported, st.integers(), st.integers()),
    e.TitleSuggested: st.builds(e.TitleSuggested, TEXT),
    e.RunEnded: st.builds(e.RunEnded, st.sampled_from(e.Outcome), st.none() | TEXT),
    e.FileSent: st.builds(e.FileSent, FILE),
    e.Custom: st.builds(e.Custom, TEXT.filter(bool), VALUE, TEXT),
    e.Unknown: st.builds(e.Unknown, TEXT, VALUE),
}
BODY = st.one_of(*BODIES.values())


def test_every_body_is_tried_here() -> None:
    assert set(BODIES) == set(e.BODIES.values())


@given(BODY)
def test_a_body_survives_json(body: e.EventBody) -> None:
    name, data = e.encode_body(body)
    assert e.decode_body(name, json.loads(json.dumps(data))) == body


@given(BODY)
def test_a_cleaned_body_can_be_stored_and_stays_as_it_is(body: e.EventBody) -> None:
    cleaned = clean_body(body)
    assert type(cleaned) is type(body)
    assert clean_body(cleaned) == cleaned
    name, data = e.encode_body(cleaned)
    text = json.dumps(data, ensure_ascii=False)
    assert storable(text)
    assert "\\u0000" not in text
    assert e.decode_body(name, json.loads(text)) == cleaned


@given(st.text().filter(lambda name: name not in e.BODIES), st.dictionaries(TEXT, VALUE, max_size=3))
def test_an_unknown_name_is_unknown(name: str, data: dict[str, Any]) -> None:
    assert e.decode_body(name, data) == e.Unknown(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [("TextDelta", {}), ("RunEnded", {"outcome": "exploded"}), ("SourcesFound", {"sources": [{"nope": 1}]})],
)
def test_an_unknown_shape_is_unknown(name: str, data: dict[str, Any]) -> None:
    assert e.decode_body(name, data) == e.Unknown(name, data)


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        (("a",) * 101, "InputRequested.choices has 101 choices; 100 are allowed. Without choices, users write."),
        (
            ("a", "b" * 1_001),
            "InputRequested.choices[1] has 1,001 characters; 1,000 are allowed. Put explanations into the",
        ),
    ],
    ids=["many", "long"],
)
def test_a_question_offers_no_more_than_can_be_read(choices: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        e.InputRequested("q", "Which?", choices)
    data = {"request_id": "q", "prompt": "Which?", "choices": list(choices)}
    assert e.decode_body("InputRequested", data) == e.Unknown("InputRequested", data)


def test_fields_of_a_later_version_are_ignored() -> None:
    assert e.decode_body("TextDelta", {"text": "x", "colour": "red"}) == e.TextDelta("x")


def test_cleaning_keeps_what_it_can() -> None:
    class Markup(str):
        def __str__(self) -> str:
            return "<b>"

    assert clean_text("a\x00\ud800b😀") == "a\ufffd\ufffdb😀"
    assert type(clean_text(Markup("x"))) is str
    assert clean_text(Markup("x")) == "x"
    assert clean_json({1: (1, 2.5, float("inf")), "t": True, "n": None, "e": e.Outcome.FAILED}) == {
        "1": [1, 2.5, "inf"],
        "t": True,
        "n": None,
        "e": "failed",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  one\ttwo  \nthree", "one two"),
        ("\n\n x", "x"),
        (" \n ", ""),
        ("exactly ten", "exactly…"),
        ("ten signs.", "ten signs."),
        ("abcdefghijklm", "abcdefghi…"),
        ("abcdefghi klm", "abcdefghi…"),
    ],
)
def test_a_line_is_cut_at_a_word(text: str, line: str) -> None:
    assert one_line(text, 10) == line


def test_searching_ignores_case_and_width() -> None:
    assert searchable("STRASSE \uff28afen") == searchable("straße hafen")
