"""Schemas that mean harm, and schemas that nobody has thought of: both are drawn or refused, and cost little."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from htmxchat import Approval, InputRequested
from htmxchat.forms import Form, arguments_form, form_of, misfit, read
from htmxchat.forms.fields import MAX_FIELDS, Field
from htmxchat.forms.formats import FORMATS
from htmxchat.forms.patterns import MAX_WAYS, all_of, html_pattern
from htmxchat.forms.texts import held
from htmxchat.fragments.turns.fields import Fields
from htmxchat.html import render
from tests.forms import ROWS, one


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    return schema


def laughs(levels: int) -> dict[str, Any]:
    """A schema that doubles with each level."""
    named: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**named, f"d{levels}": {"type": "integer"}}}


HOSTILE: dict[str, Any] = {
    "10,000 fields": {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(10_000)}},
    "100 levels": deep(100),
    "doubling": laughs(40),
    "a loop": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    "a loop in allOf": {"allOf": [{"$ref": "#"}]},
    "a tree that branches": {
        "$ref": "#/$defs/t",
        "$defs": {"t": {"anyOf": [{"items": {"$ref": "#/$defs/t"}}, {"items": {"$ref": "#/$defs/t"}}]}},
    },
    "a long list": {"enum": [str(n) for n in range(50_000)]},
    "long words": one(enum=["x" * 50_000, "y"]),
    "a pattern that doubles": one(type="string", pattern="^(a+)+$"),
    "a pattern that doubles by alternatives": one(type="string", pattern="^(a|a)*$"),
    "a pattern of many stars": one(type="string", pattern="a*" * 30 + "b"),
    "a large count": one(type="string", pattern="(a{1,1000}){1,1000}"),
    "a larger count": one(type="string", pattern="((a{1,1000}){1,1000}){1,1000}"),
    "a long pattern": one(type="string", pattern="a" * 50_000),
    "markup": one(type="string", title="</label><script>alert(1)</script>", default='"><img src=x onerror=alert(1)>'),
    "markup in a name": {"type": "object", "properties": {'"><script>alert(1)</script>': {"type": "string"}}},
    "markup in a choice": one(enum=["<script>alert(1)</script>", "</option></select><script>"]),
    "markup in JSON": one(type="object", description="<script>alert(1)</script>", default={"a": "</textarea><script>"}),
    "turned text": one(type="string", title="safe\u202etxt.exe"),
    "an address": {"$ref": "http://127.0.0.1:1/schema.json"},
    "an address in it": {"type": "object", "properties": {"x": {"$ref": "http://127.0.0.1:1/schema.json"}}},
    "an identity": {"$id": "http://127.0.0.1:1/", "properties": {"x": {"$ref": "schema.json"}}},
    "a dialect": {"$schema": "http://127.0.0.1:1/dialect", "type": "object", "properties": {"x": {"type": "string"}}},
    "no types": {"type": 7, "properties": [], "required": "x", "enum": {}},
    "nonsense": {"properties": {"x": 5, "y": None, "z": []}, "$ref": 7, "allOf": {}, "anyOf": [1, 2]},
    "numbers": one(type="number", minimum=float("inf"), multipleOf=0),
    "large numbers": one(type="integer", minimum=10**400, maximum=-(10**400), multipleOf=10**400),
    "small steps": one(type="number", multipleOf=5e-324),
    "lengths": one(type="string", minLength=10**30, maxLength=-1),
    "counts": one(type="array", items={"enum": ["a"]}, minItems=10**9, maxItems=-5),
    "notes of other kinds": one(type="string", title=7, description={"a": 1}, default=[1], format=["email"]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_drawn_in_bounds_and_answered(name: str) -> None:
    form = form_of(HOSTILE[name])
    assert sum(1 for _ in form.fields) <= MAX_FIELDS
    html = render(Fields("f").form(form))
    assert len(html) < 250_000
    assert "<script>" not in html and "<img" not in html
    for text in ("", "a" * 20_000 + "b", "[" * 5_000, '{"x": ' * 500 + "1" + "}" * 500, "0" * 400, "\x00", "\ud800"):
        reading = read(form, {field.name: [text] for field in form.fields})
        assert all(len(sentence) < 2_000 for sentence in reading.problems.values())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arguments_are_shown_in_bounds(name: str) -> None:
    for arguments in ({"x": "a" * 50_000}, {"x": HOSTILE[name]}, {f"x{n}": "<script>" for n in range(1_000)}):
        form = arguments_form(arguments, HOSTILE[name])
        assert sum(1 for _ in form.fields) <= MAX_FIELDS
        sent = {field.name: held(field, field.initial) for field in form.fields}
        assert sum(len(text) for texts in sent.values() for text in texts) < 20_000
        assert "<script>" not in render(Fields("f").arguments(form))
        reading = read(form, sent)
        assert reading.value == arguments or reading.problems


@pytest.mark.parametrize("name", ["an address", "an address in it", "a loop", "a tree that branches", "doubling"])
def test_what_cannot_be_checked_says_nothing_of_a_value(name: str) -> None:
    assert misfit({"x": 1}, HOSTILE[name]) == ""


def test_what_is_too_large_is_refused_where_it_is_asked() -> None:
    with pytest.raises(ValueError, match="100,000"):
        InputRequested("q", "?", schema=HOSTILE["10,000 fields"])
    with pytest.raises(ValueError, match="100,000"):
        InputRequested("q", "?", approval=Approval("t", {"x": "a" * 100_000}))
    with pytest.raises(ValueError, match="only one of choices, schema and approval"):
        InputRequested("q", "?", ("a",), schema={"type": "string"})


PATTERNS = [
    *(
        "^[a-z]+$",
        r"^\d{5}$",
        r"^[\w.-]+$",
        "^a|b$",
        "b",
        r"^(?:ab)?c{2,3}$",
        r"\$\d+",
        "[^/]+",
        "^[a-z]+@[a-z]+$",
        "^$",
    ),
    *(r"^[A-Z]{2}-\d{4}$", "(ab|cd)x", "^(foo|bar)$", r"^\S{1,20}$", "[(){}|]", "^.{2,4}$", r"a\-b", r"^#[0-9a-f]{6}$"),
]
BOMBS = [
    "^(a+)+$",
    "^(a|a)*$",
    "(a*)*b",
    "a*" * 8 + "b",
    "(a|ab)*c",
    "(x+x+)+y",
    r"(\w+\s?)*$",
    "(?=a)a",
    r"(a)\1",
    "(?i)a",
]


@pytest.mark.parametrize("pattern", BOMBS)
def test_a_browser_is_not_given_a_pattern_that_it_may_not_come_to_an_end_with(pattern: str) -> None:
    assert html_pattern(pattern, 10_000) is None


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text(st.sampled_from("abcdz019AB-./@$#(){}|x "), max_size=8))
def test_a_browsers_pattern_means_what_the_schemas_does(pattern: str, text: str) -> None:
    shown = html_pattern(pattern, 100)
    assert shown is not None
    found = misfit(text, {"type": "string", "pattern": pattern}) == ""
    assert (re.fullmatch(_python(shown), text) is not None) == found


def test_a_longer_text_needs_a_simpler_pattern() -> None:
    assert html_pattern("^[a-z]+@[a-z]+$", 1_000) is not None
    assert html_pattern("^[a-z]+@[a-z]+$", 10_000) is None
    assert 1_000**2 <= MAX_WAYS < 10_000**2


NAMES = st.sampled_from(["a", "b", "subject", "reply_to"])
BOUND = st.integers(-50, 50)


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    """Return the schema of a value."""
    kind = draw(st.sampled_from(["string", "integer", "number", "boolean", "enum", "list"]))
    schema: dict[str, Any]
    if kind == "enum":
        schema = {"enum": draw(st.lists(st.sampled_from(["a", "b", 1, 2.5, True, None]), min_size=1, max_size=4))}
    elif kind == "list":
        schema = {"type": "array", "items": {"enum": ["a", "b", "c"]}}
        schema |= draw(
            st.fixed_dictionaries({}, optional={"minItems": st.integers(0, 3), "maxItems": st.integers(0, 3)})
        )
    else:
        schema = {"type": kind}
        if kind == "string":
            more = {
                "minLength": st.integers(0, 4),
                "maxLength": st.integers(0, 8),
                "pattern": st.sampled_from(PATTERNS),
            }
            more["format"] = st.sampled_from([*FORMATS, "other"])
        elif kind == "boolean":
            more = {}
        else:
            bounds: Any = BOUND if kind == "integer" else st.one_of(BOUND, st.floats(-50, 50))
            more = dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], bounds)
            more["multipleOf"] = st.sampled_from([1, 2, 5, 0.5, 0.01, 10])
        keys = draw(st.sets(st.sampled_from(sorted(more)), max_size=2)) if more else set()
        schema |= {key: draw(more[key]) for key in sorted(keys)}
    if draw(st.booleans()):
        schema = {"anyOf": [schema, {"type": "null"}]}
    if draw(st.booleans()):
        schema["default"] = draw(st.sampled_from(["a", "abc", 3, 2.5, True, ["a"], None]))
    return schema


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    inner = st.dictionaries(NAMES, values(), min_size=1, max_size=3)
    properties: dict[str, Any] = draw(inner)
    if draw(st.booleans()):
        group = draw(inner)
        properties["group"] = {"type": "object", "properties": group, "required": [*group][:1]}
    required = draw(st.lists(st.sampled_from([*properties]), unique=True))
    return {"type": "object", "properties": properties, "required": required}


TEXT = st.text(st.sampled_from("abcdz019AB-./@$#(){}|x 😀é"), max_size=8)
WRITTEN = {
    "email": st.sampled_from(["a@b.de", "a@b", "x", "a.b@c-d.example", ".a@b.de", "a..b@c.de"]),
    "uri": st.sampled_from(["https://a.de", "x", "mailto:a@b.de", "https://a b", "urn:a"]),
    "date": st.sampled_from(["2027-01-31", "0001-01-01", "9999-12-31"]),
    "time": st.sampled_from(["00:00", "14:30", "23:59:59"]),
    "moment": st.sampled_from(["2027-01-31T14:30", "0001-01-01T00:00", "9999-12-31T23:59"]),
    "number": st.one_of(
        st.integers(-60, 60).map(str), st.floats(-60, 60).map("{:.3f}".format), st.sampled_from([".5", "1e1", "0.07"])
    ),
    "integer": st.one_of(st.integers(-60, 60).map(str), st.sampled_from(["1e1", "2.0", "0.5"])),
    "json": st.sampled_from(["1", '"a"', "[]", "null", "true"]),
}


def accepts(field: Field, texts: list[str], *, needed: bool) -> bool:
    """Return whether a browser lets a field be sent: by HTML's attributes, and by what the page's script checks."""
    if field.kind == "flag":
        return texts in ([], ["on"])
    if field.kind == "choices":
        may_be_empty = not needed
        return (not texts and may_be_empty) or field.shortest <= len(texts) <= field.longest
    text = texts[0]
    if not text:
        return not needed
    if field.kind == "choice":
        return True
    if field.kind in ("number", "integer"):
        value = Decimal(text)
        if (field.least and value < Decimal(field.least)) or (field.most and value > Decimal(field.most)):
            return False
        if field.step in ("", "any"):
            return True
        # Where there is no least, HTML counts from what the field holds at first.
        base = Decimal(field.least) if field.least else Decimal(held(field, field.initial)[0] or 0)
        return (value - base) % Decimal(field.step) == 0
    if field.kind in ("date", "time", "moment", "json"):
        return True
    units = len(text.encode("utf-16-le")) // 2
    if units > field.longest or (field.kind == "long" and len(text) < field.shortest):
        return False
    if field.kind == "email" and not re.fullmatch(r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9.-]+", text):
        return False
    pattern = all_of(list(field.patterns))
    return pattern is None or re.fullmatch(_python(pattern), text) is not None


def filled(draw: Any, form: Form) -> Iterator[tuple[Field, list[str]]]:
    for field in form.fields:
        if field.kind == "flag":
            yield field, draw(st.sampled_from([[], ["on"]]))
        elif field.kind == "choices":
            yield field, draw(st.lists(st.sampled_from([str(n) for n in range(len(field.options))]), unique=True))
        elif field.kind == "choice":
            yield field, [draw(st.sampled_from(["", *(str(n) for n in range(len(field.options)))]))]
        else:
            yield field, [draw(st.one_of(st.just(""), WRITTEN.get(field.kind, TEXT)))]


@given(st.data(), schemas())
def test_what_the_form_accepts_in_the_browser_the_server_accepts_and_it_fits(data: st.DataObject, schema: Any) -> None:
    form = form_of(schema)
    assume(form.schema is not None and not form.is_json)
    written = list(filled(data.draw, form))
    texts_of = {field.name: texts for field, texts in written}
    # A pattern that only the server looks at is told when the form is sent.
    assume(all(_all_patterns_shown(field) for field, _ in written))
    groups = [part for part in form.parts if not isinstance(part, Field)]
    for field, texts in written:
        group = next((each for each in groups if field in each.fields), None)
        begun = (
            group is None
            or group.required
            or any(texts_of[each.name] != held(each, each.initial) for each in group.fields)
        )
        assume(accepts(field, texts, needed=field.required and begun))
    assume(not any(field.kind == "json" for field, _ in written))
    reading = read(form, texts_of)
    assert reading.problems == {}
    assert misfit(reading.value, schema) == ""
    assert json.loads(json.dumps(reading.value)) == reading.value


@given(st.data(), schemas())
def test_whatever_is_sent_becomes_a_value_that_fits_or_a_sentence(data: st.DataObject, schema: Any) -> None:
    form = form_of(schema)
    texts = st.lists(st.one_of(TEXT, st.sampled_from(["0", "1", "on", "true", "null", "1e999", "\x00"])), max_size=3)
    reading = read(form, {field.name: data.draw(texts) for field in form.fields})
    assert reading.problems or misfit(reading.value, schema) == ""


@given(st.dictionaries(st.text(max_size=5), st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
), max_size=4))  # fmt: skip
def test_arguments_that_nobody_touches_stay_what_they_are(arguments: dict[str, Any]) -> None:
    form = arguments_form(arguments)
    sent = {field.name: [text.replace("\n", "\r\n") for text in held(field, field.initial)] for field in form.fields}
    reading = read(form, sent)
    assert (
        reading.problems == {}
        or any("\x00" in text for text in json.dumps(arguments).split('"'))
        or _unstorable(arguments)
    )
    if not reading.problems:
        assert json.dumps(reading.value, sort_keys=True) == json.dumps(arguments, sort_keys=True)


@pytest.mark.parametrize("name", ROWS)
def test_all_that_is_drawn_names_its_fields(name: str) -> None:
    form = form_of(ROWS[name][0])
    html = render(Fields("f").form(form))
    for field in form.fields:
        if field.kind != "choices" or field.options:
            assert 'name="answer' in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def _all_patterns_shown(field: Field) -> bool:
    pattern = (field.schema or {}).get("pattern") or next(
        (each["pattern"] for each in (field.schema or {}).get("anyOf", ()) if "pattern" in each), None
    )
    return pattern is None or html_pattern(pattern, field.longest) in field.patterns


def _python(pattern: str) -> str:
    """Return a pattern of HTML's in Python's words."""
    return (
        pattern.replace("\\d", "[0-9]").replace("[[0-9]", "[0-9").replace("\\w", "a-zA-Z0-9_")
        if "\\" in pattern
        else pattern
    )


def _unstorable(value: Any) -> bool:
    return re.search(
        "[\x00\ud800-\udfff]", json.dumps(value, ensure_ascii=False)
    ) is not None or "\\u0000" in json.dumps(value)
