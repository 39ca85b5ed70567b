"""The result of scripts, made up: for tests that try any."""

from __future__ import annotations

from hypothesis import strategies as st

from htmxchat.scripts.result import Picture, ScriptError, ScriptResult, ScriptState, ScriptValue, TableValue, TextValue

TEXT = st.text(max_size=20)
CELL = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT


@st.composite
def tables(draw: st.DrawFn) -> TableValue:
    columns = tuple(draw(st.lists(TEXT, max_size=3)))
    width = len(columns)
    rows = tuple(map(tuple, draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=3))))
    left_out = st.integers(0, 9)
    return TableValue(columns, rows, len(rows) + draw(left_out), width + draw(left_out))


PICTURE = st.builds(Picture, st.sampled_from(["image/png", "image/svg+xml"]), st.binary(max_size=20))
VALUE: st.SearchStrategy[ScriptValue] = st.one_of(
    st.builds(TextValue, TEXT, st.sampled_from(["plain", "html"])), tables(), PICTURE
)
ERROR = st.builds(ScriptError, st.sampled_from(["python", "sandbox"]), TEXT, TEXT, TEXT)
RESULT = st.builds(
    ScriptResult,
    st.sampled_from(ScriptState),
    TEXT,
    TEXT,
    st.none() | VALUE,
    st.lists(PICTURE, max_size=2).map(tuple),
    st.none() | ERROR,
    st.floats(0, 1e6),
    st.booleans(),
    TEXT,
)
