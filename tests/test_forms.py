"""Forms: schemas are drawn, filled in and refused; hostile ones hurt nobody."""

from __future__ import annotations

from typing import Any

import pytest

from htmxchat.forms import form_of, read

from .form_models import MODELS, RECORDED
from .forms import ROWS as WRITTEN
from .forms import Filled

ROWS = {**WRITTEN, **MODELS, **RECORDED}


def posted(filled: Filled) -> dict[str, list[str]]:
    """Return what a browser sends."""
    return {
        "answer" + (f"/{path}" if path else ""): [texts] if isinstance(texts, str) else texts
        for path, texts in filled.items()
    }


@pytest.mark.parametrize("name", ROWS)
def test_what_is_filled_in_becomes_a_value(name: str) -> None:
    schema, filled, value, _ = ROWS[name]
    reading = read(form_of(schema), posted(filled))
    assert reading.problems == {}
    assert reading.value == value
    assert _kinds(reading.value) == _kinds(value)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row[3] is not None])
def test_what_is_not_right_is_refused_with_a_sentence_at_its_field(name: str) -> None:
    schema, _, _, wrong = ROWS[name]
    form = form_of(schema)
    problems = read(form, posted(wrong or {})).problems
    assert problems
    assert problems.keys() <= {"answer", *(field.name for field in form.fields)}
    assert all(sentence.strip() for sentence in problems.values())


def _kinds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _kinds(each) for key, each in value.items()}
    return [_kinds(each) for each in value] if isinstance(value, list) else type(value)
