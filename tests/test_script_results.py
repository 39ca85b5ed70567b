"""The result of a script: its types, the same for the page, their JSON, and what older versions have written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from htmxchat.errors import InvalidInput
from htmxchat.events import ScriptFinished, Unknown, decode_body
from htmxchat.scripts.encoding import KINDS, decode_result, encode_result
from htmxchat.scripts.posted import parse_result
from htmxchat.scripts.result import Picture, ScriptError, ScriptResult, ScriptState, ScriptValue, TableValue, TextValue
from htmxchat.text.cleaning import clean_json
from tests import result_types
from tests.results import RESULT

TEXT = TextValue("42")
TABLE = TableValue(("a", "b"), ((1, "x"), (None, 2.5)), 9, 3)
PNG = Picture("image/png", b"\x89PNG\r\n\x1a\nrest")
SVG = Picture("image/svg+xml", b"<svg/>")
ERROR = ScriptError("python", "name 'x' is not defined", "NameError", "T\nNameError: name 'x' is not defined\n")
FULL = ScriptResult(ScriptState.FAILED, "out\n", "err\n", TABLE, (PNG, SVG), ERROR, 0.5, True, "x")


class TestThePageHasTheSameTypes:
    def test_its_file_is_what_is_made_from_ours(self) -> None:
        assert result_types.FILE.read_text(encoding="utf-8") == result_types.typescript(), (
            "python -m tests.result_types writes it anew"
        )

    @pytest.mark.parametrize("value", [TEXT, TABLE, PNG], ids=lambda value: type(value).__name__)
    def test_json_has_the_fields_of_the_types(self, value: ScriptValue) -> None:
        encoded = encode_result(replace(FULL, value=value))
        assert encoded.keys() == result_types.names(ScriptResult).keys()
        assert encoded["error"].keys() == result_types.names(ScriptError).keys()
        assert encoded["value"].keys() == result_types.names(type(value)).keys()
        assert {type(each) for each in (TEXT, TABLE, PNG)} == set(KINDS)


@given(RESULT)
def test_a_result_survives_json_and_a_store(result: ScriptResult) -> None:
    encoded = encode_result(result)
    assert decode_result(json.loads(json.dumps(encoded))) == result
    stored = decode_result(clean_json(encoded))
    assert decode_result(clean_json(encode_result(stored))) == stored


@given(RESULT)
def test_what_a_log_has_of_a_result_is_a_result_without_its_bulk(result: ScriptResult) -> None:
    noted = result.abridged
    assert (noted.state, noted.seconds, len(noted.images)) == (result.state, result.seconds, len(result.images))
    assert all(not each.data for each in noted.images)
    assert decode_result(encode_result(noted)) == noted == noted.abridged


def test_the_log_notes_long_text_without_its_end() -> None:
    bulk = ScriptResult(ScriptState.DONE, "x" * 100_000, value=TextValue("y" * 100_000), pictures=(PNG,) * 9)
    noted = json.dumps(encode_result(bulk.abridged))
    assert len(noted) < 6_000
    assert noted.count("100,000 characters") == 2
    table = replace(FULL, value=replace(TABLE, rows=TABLE.rows * 1_000, total=9_000)).abridged.value
    assert table == TableValue(("a", "b"), (), 9_000, 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"kind": "text", "text": "42", "format": "plain"}, TEXT),
        ({"kind": "table", "columns": ["a", "b"], "total": 9, "width": 3}, replace(TABLE, rows=())),
        ({"kind": "image", "type": "image/png"}, Picture("image/png", b"")),
        (None, None),
    ],
)
def test_what_logs_of_before_have_of_results_is_read(value: Any, expected: ScriptValue | None) -> None:
    error = {"origin": "python", "type": "NameError", "message": ERROR.message, "traceback": ERROR.traceback}
    said = {"stdout": "out\n", "stderr": "", "value": value, "pictures": 2, "error": error}
    result = {"state": "failed", "seconds": 0.5, "code": "x", **said}
    drawn = (Picture("image/png", b""),) * 2
    known = ScriptResult(ScriptState.FAILED, "out\n", "", expected, drawn, ERROR, 0.5, False, "x")
    data = {"script_id": "s", "state": "failed", "result": result}
    assert decode_body("ScriptFinished", data) == ScriptFinished("s", ScriptState.FAILED, known)


def test_a_script_of_which_no_more_than_its_state_can_be_read_is_over() -> None:
    for result in (None, "done", {"state": "exploded"}, {"state": "done", "value": {"kind": "sound"}}):
        data = {"script_id": "s", "state": "done", "result": result}
        assert decode_body("ScriptFinished", data) == ScriptFinished("s", ScriptState.DONE)
    data = {"script_id": "s", "state": "exploded"}
    assert decode_body("ScriptFinished", data) == Unknown("ScriptFinished", data)


def test_rows_that_a_store_has_cut_are_left_out() -> None:
    data = encode_result(FULL)
    data["value"]["rows"][1:] = [[None, "(left out)", "…"], "(left out: more than 100,000 values)"]
    assert decode_result(data).value == replace(TABLE, rows=TABLE.rows[:1])


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, {"state": 1}, {"state": "done", "stdout": None}, {"state": "done", "seconds": -1},
        {"state": "done", "seconds": float("nan")}, {"state": "done", "error": "x"}, {"state": "done", "pictures": {}},
        {"state": "done", "value": {"kind": "image", "type": "image/png", "base64": "?"}},
        {"state": "done", "value": {"kind": "image"}},
    ],
)  # fmt: skip
def test_what_is_no_result_is_refused_in_one_way(data: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode_result(data)


def test_a_page_may_not_say_what_is_in_a_log_only() -> None:
    assert parse_result(encode_result(FULL)) == replace(FULL, code="")
    for result in (FULL.abridged, replace(FULL, state=ScriptState.REJECTED, value=None, pictures=())):
        with pytest.raises(InvalidInput):
            parse_result(encode_result(result))
    with pytest.raises(InvalidInput, match="50,000 cells"):
        parse_result(encode_result(replace(FULL, value=TableValue(("a",) * 100, ((1,) * 100,) * 501, 501, 100))))


def test_a_table_that_cannot_be_one_is_refused_where_it_is_made() -> None:
    for rows, total, width in ((((1,),), 1, 2), (((1, 2), (3,)), 2, 2), (((1, 2),), 0, 2), (((1, 2),), 1, 1)):
        with pytest.raises(ValueError, match="TableValue"):
            TableValue(("a", "b"), rows, total, width)
    with pytest.raises(TypeError, match="rows must be a tuple"):
        TableValue(("a",), ([1],), 1, 1)  # type: ignore[arg-type]


def test_a_result_says_in_words_what_can_be_said() -> None:
    assert FULL.text == (
        "out\nerr\na\tb\n1\tx\nNone\t2.5\n(2 pictures, shown to the user)\nT\nNameError: name 'x' is not defined"
    )
    assert FULL.reason == "NameError: name 'x' is not defined"
    assert FULL.images == (PNG, SVG)
    assert replace(FULL, value=SVG).images == (SVG, PNG, SVG)
