"""Schemas that agents ask with, each with an answer that is filled in and one that is refused.

A row is: the schema; what is filled in, by the path in the value; what comes of it; what is filled in wrongly.
"""

from __future__ import annotations

from typing import Any

Filled = dict[str, str | list[str]]


def one(**schema: Any) -> dict[str, Any]:
    """Return the schema of an object with one required property."""
    return {"type": "object", "properties": {"x": schema}, "required": ["x"]}


def may(**schema: Any) -> dict[str, Any]:
    """Return the schema of an object with one property, which need not be there."""
    return {"type": "object", "properties": {"x": schema}}


def null(**schema: Any) -> dict[str, Any]:
    """Return a schema, or null."""
    return {"anyOf": [schema, {"type": "null"}], "default": None}


Row = tuple[dict[str, Any], Filled, Any, Filled | None]

TEXTS: dict[str, Row] = {
    "text": (one(type="string"), {"x": "a"}, {"x": "a"}, {"x": ""}),
    "text with blanks": (one(type="string"), {"x": " a "}, {"x": " a "}, {}),
    "optional text": (may(type="string"), {"x": ""}, {}, None),
    "least": (one(type="string", minLength=3), {"x": "abc"}, {"x": "abc"}, {"x": "ab"}),
    "least, in letters of two units": (one(type="string", minLength=2), {"x": "😀😀"}, {"x": "😀😀"}, {"x": "😀"}),
    "most": (one(type="string", maxLength=3), {"x": "abc"}, {"x": "abc"}, {"x": "abcd"}),
    "exact": (one(type="string", minLength=2, maxLength=2), {"x": "ab"}, {"x": "ab"}, {"x": "a"}),
    "long": (one(type="string", maxLength=500), {"x": "a\r\nb"}, {"x": "a\nb"}, {"x": "a" * 501}),
    "long with a least": (one(type="string", minLength=3, maxLength=500), {"x": "abc"}, {"x": "abc"}, {"x": "ab"}),
    "pattern": (one(type="string", pattern="^[a-z]+$"), {"x": "abc"}, {"x": "abc"}, {"x": "ABC"}),
    "pattern anywhere": (one(type="string", pattern="b"), {"x": "abc"}, {"x": "abc"}, {"x": "ac"}),
    "pattern with a hyphen": (one(type="string", pattern=r"^[\w.-]+$"), {"x": "a.b-c"}, {"x": "a.b-c"}, {"x": "a b"}),
    "pattern of alternatives": (one(type="string", pattern="^a|b$"), {"x": "xb"}, {"x": "xb"}, {"x": "xa"}),
    "pattern of digits": (one(type="string", pattern=r"^\d{5}$"), {"x": "12345"}, {"x": "12345"}, {"x": "١٢٣٤٥"}),
    "pattern that looks ahead": (one(type="string", pattern="(?=a)a"), {"x": "b"}, {"x": "b"}, {"x": ""}),
    "pattern that is none": (one(type="string", pattern="("), {"x": "b"}, {"x": "b"}, {"x": ""}),
    "email": (one(type="string", format="email"), {"x": "a@b.de"}, {"x": "a@b.de"}, {"x": "a@b"}),
    "email with a most": (
        one(type="string", format="email", maxLength=8), {"x": "a@b.de"}, {"x": "a@b.de"}, {"x": "aaaa@b.de"}
    ),
    "uri": (one(type="string", format="uri"), {"x": "https://a.de/b?c"}, {"x": "https://a.de/b?c"}, {"x": "a.de"}),
    "date": (one(type="string", format="date"), {"x": "2027-01-31"}, {"x": "2027-01-31"}, {"x": "2027-02-31"}),
    "time": (one(type="string", format="time"), {"x": "14:30"}, {"x": "14:30:00"}, {"x": "25:00"}),
    "moment": (
        one(type="string", format="date-time"), {"x": "2027-01-31T14:30"}, {"x": "2027-01-31T14:30:00+00:00"},
        {"x": "2027-01-31"},
    ),
    "uuid": (
        one(type="string", format="uuid"), {"x": "123e4567-e89b-12d3-a456-426614174000"},
        {"x": "123e4567-e89b-12d3-a456-426614174000"}, {"x": "123"},
    ),
    "ipv4": (one(type="string", format="ipv4"), {"x": "192.0.2.1"}, {"x": "192.0.2.1"}, {"x": "192.0.2.256"}),
    "a format that is not known": (one(type="string", format="isbn"), {"x": "b"}, {"x": "b"}, {"x": ""}),
    "default": (may(type="string", default="d"), {"x": "d"}, {"x": "d"}, None),
    "default that was taken away": (may(type="string", default="d"), {"x": ""}, {}, None),
    "default with lines": (may(type="string", default="a\nb"), {"x": "a\r\nb"}, {"x": "a\nb"}, None),
    "default that does not fit": (one(type="string", minLength=3, default="d"), {"x": "abc"}, {"x": "abc"}, {"x": ""}),
    "null": (one(**null(type="string")), {"x": ""}, {"x": None}, None),
    "null, optional": (may(**null(type="string")), {"x": ""}, {}, None),
    "null by type": (one(type=["string", "null"]), {"x": ""}, {"x": None}, None),
    "null with a least": (one(**null(type="string", minLength=2)), {"x": "ab"}, {"x": "ab"}, {"x": "a"}),
    "hostile": (one(type="string", title="<b>", description='"><script>'), {"x": "<i>"}, {"x": "<i>"}, {"x": ""}),
    "alone": ({"type": "string"}, {"": "a"}, "a", {"": ""}),
    "alone with a least": ({"type": "string", "minLength": 2}, {"": "ab"}, "ab", {"": "a"}),
}  # fmt: skip

NUMBERS: dict[str, Row] = {
    "number": (one(type="number"), {"x": "1.5"}, {"x": 1.5}, {"x": "a"}),
    "number that is whole": (one(type="number"), {"x": "7"}, {"x": 7}, {"x": ""}),
    "number with an exponent": (one(type="number"), {"x": "1e3"}, {"x": 1000.0}, {"x": "1e999"}),
    "number that begins with a point": (one(type="number"), {"x": ".5"}, {"x": 0.5}, {"x": "."}),
    "negative": (one(type="number"), {"x": "-0.25"}, {"x": -0.25}, {"x": "--1"}),
    "integer": (one(type="integer"), {"x": "7"}, {"x": 7}, {"x": "7.5"}),
    "integer written long": (one(type="integer"), {"x": "7.0"}, {"x": 7}, {"x": "NaN"}),
    "integer with an exponent": (one(type="integer"), {"x": "1e2"}, {"x": 100}, {"x": "1e-2"}),
    "large integer": (one(type="integer"), {"x": "9007199254740993"}, {"x": 9007199254740993}, {"x": "Infinity"}),
    "optional integer": (may(type="integer"), {"x": ""}, {}, {"x": "a"}),
    "minimum": (one(type="integer", minimum=1), {"x": "1"}, {"x": 1}, {"x": "0"}),
    "maximum": (one(type="integer", maximum=9), {"x": "9"}, {"x": 9}, {"x": "10"}),
    "both": (one(type="number", minimum=0, maximum=1), {"x": "0.5"}, {"x": 0.5}, {"x": "1.01"}),
    "above": (one(type="number", exclusiveMinimum=0), {"x": "0.1"}, {"x": 0.1}, {"x": "0"}),
    "below": (one(type="number", exclusiveMaximum=1), {"x": "0.9"}, {"x": 0.9}, {"x": "1"}),
    "whole above": (one(type="integer", exclusiveMinimum=0), {"x": "1"}, {"x": 1}, {"x": "0"}),
    "whole between fractions": (one(type="integer", minimum=0.5, maximum=2.5), {"x": "2"}, {"x": 2}, {"x": "0"}),
    "multiple": (one(type="integer", multipleOf=5), {"x": "15"}, {"x": 15}, {"x": "16"}),
    "multiple with a least": (one(type="integer", multipleOf=5, minimum=7), {"x": "10"}, {"x": 10}, {"x": "5"}),
    "multiple of a fraction": (one(type="number", multipleOf=0.01), {"x": "0.07"}, {"x": 0.07}, {"x": "0.075"}),
    "whole multiple of a fraction": (one(type="integer", multipleOf=1.5), {"x": "3"}, {"x": 3}, {"x": "4"}),
    "number with a format": (one(type="number", format="float"), {"x": "1"}, {"x": 1}, {"x": "x"}),
    "number by default": (may(type="integer", default=5), {"x": "5"}, {"x": 5}, {"x": "five"}),
    "number by default, taken away": (may(type="integer", default=5), {"x": ""}, {}, None),
    "number or null": (one(**null(type="number")), {"x": ""}, {"x": None}, {"x": "x"}),
    "number or null, given": (one(**null(type="integer", minimum=1)), {"x": "3"}, {"x": 3}, {"x": "0"}),
    "number alone": ({"type": "number"}, {"": "2.5"}, 2.5, {"": "x"}),
    "integer alone": ({"type": "integer", "minimum": 1}, {"": "2"}, 2, {"": "0"}),
}

CHOICES: dict[str, Row] = {
    "flag": (one(type="boolean"), {"x": "on"}, {"x": True}, None),
    "flag that is not ticked": (one(type="boolean"), {}, {"x": False}, None),
    "flag by default": (may(type="boolean", default=True), {}, {"x": False}, None),
    "flag or null": (one(**null(type="boolean")), {"x": "1"}, {"x": False}, {"x": "2"}),
    "flag or null, not said": (one(**null(type="boolean")), {"x": ""}, {"x": None}, {"x": "no"}),
    "flag that has to be": (one(type="boolean", const=True), {"x": "0"}, {"x": True}, {"x": "1"}),
    "flag alone": ({"type": "boolean"}, {"": "on"}, True, None),
    "enum": (one(enum=["a", "b"]), {"x": "1"}, {"x": "b"}, {"x": "2"}),
    "enum with a type": (one(type="string", enum=["a", "b"]), {"x": "0"}, {"x": "a"}, {"x": ""}),
    "enum with names": (one(enum=["a", "b"], enumNames=["A", "B"]), {"x": "0"}, {"x": "a"}, {"x": "A"}),
    "enum of numbers": (one(enum=[1, 2.5]), {"x": "1"}, {"x": 2.5}, {"x": "-1"}),
    "enum of flags": (one(enum=[True, 1]), {"x": "1"}, {"x": 1}, {"x": "9"}),
    "enum with null": (one(enum=["a", None]), {"x": ""}, {"x": None}, {"x": "1"}),
    "enum, optional": (may(enum=["a"]), {"x": ""}, {}, {"x": "1"}),
    "enum by default": (may(enum=["a", "b"], default="b"), {"x": "1"}, {"x": "b"}, {"x": "7"}),
    "enum of what does not fit": (one(type="string", enum=["a", 1]), {"x": "0"}, {"x": "a"}, {"x": "1"}),
    "enum of lists": (one(enum=[["a"], {"b": 1}]), {"x": "1"}, {"x": {"b": 1}}, {"x": "²"}),
    "constant": (one(const="a"), {"x": "0"}, {"x": "a"}, {"x": ""}),
    "constants in oneOf": (
        one(oneOf=[{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]), {"x": "1"}, {"x": "b"}, {"x": "B"},
    ),
    "constants in anyOf": (one(anyOf=[{"const": 1}, {"const": 2}]), {"x": "0"}, {"x": 1}, {"x": "3"}),
    "constants with a type": (
        one(type="string", oneOf=[{"const": "a", "title": "A"}]), {"x": "0"}, {"x": "a"}, {"x": "1"},
    ),
    "enums in anyOf": (one(anyOf=[{"enum": ["a"]}, {"enum": ["b"]}]), {"x": "1"}, {"x": "b"}, {"x": "2"}),
    "constants or null": (
        one(anyOf=[{"const": "a"}, {"type": "null"}]), {"x": ""}, {"x": None}, {"x": "1"},
    ),
    "enum alone": ({"enum": ["a", "b"]}, {"": "1"}, "b", {"": "x"}),
    "boxes": (one(type="array", items={"enum": ["a", "b", "c"]}), {"x": ["0", "2"]}, {"x": ["a", "c"]}, {"x": ["3"]}),
    "boxes, none": (one(type="array", items={"enum": ["a"]}), {}, {"x": []}, None),
    "boxes, none, optional": (may(type="array", items={"enum": ["a"]}), {}, {}, None),
    "boxes with a least": (
        one(type="array", items={"enum": ["a", "b"]}, minItems=1), {"x": ["1"]}, {"x": ["b"]}, {},
    ),
    "boxes with a most": (
        one(type="array", items={"enum": ["a", "b"]}, maxItems=1), {"x": ["1"]}, {"x": ["b"]}, {"x": ["0", "1"]},
    ),
    "boxes with a least, optional": (
        may(type="array", items={"enum": ["a", "b"]}, minItems=2), {}, {}, {"x": ["1"]},
    ),
    "boxes, each once": (
        one(type="array", items={"enum": ["a", "b"]}, uniqueItems=True), {"x": ["1", "1"]}, {"x": ["b"]}, {"x": ["7"]},
    ),
    "boxes with titles": (
        one(type="array", items={"anyOf": [{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]}),
        {"x": ["1"]}, {"x": ["b"]}, {"x": ["B"]},
    ),
    "boxes by default": (
        may(type="array", items={"enum": ["a", "b"]}, default=["b"]), {"x": ["1"]}, {"x": ["b"]}, {"x": ["2"]},
    ),
    "boxes or null": (one(**null(type="array", items={"enum": ["a"]})), {}, {"x": None}, {"x": ["1"]}),
    "boxes alone": ({"type": "array", "items": {"enum": ["a"]}}, {"": ["0"]}, ["a"], {"": ["1"]}),
}  # fmt: skip

_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}

OBJECTS: dict[str, Row] = {
    "nothing": ({"type": "object", "properties": {}}, {}, {}, None),
    "group": (one(**_PERSON), {"x/name": "Ann", "x/age": "7"}, {"x": {"name": "Ann", "age": 7}}, {"x/age": "7"}),
    "group, optional": (may(**_PERSON), {"x/name": "Ann"}, {"x": {"name": "Ann"}}, {"x/age": "7"}),
    "group, left out": (may(**_PERSON), {"x/name": "", "x/age": ""}, {}, None),
    "group or null": (may(**null(**_PERSON)), {"x": '{"name": "Ann"}'}, {"x": {"name": "Ann"}}, {"x": "{}"}),
    "group by reference": (
        {**one(**{"$ref": "#/$defs/P"}), "$defs": {"P": _PERSON}}, {"x/name": "Ann"}, {"x": {"name": "Ann"}}, {},
    ),
    "reference with words": (

               {**one(**{"$ref": "#/definitions/C", "description": "Which",
                   "default": "a"}), "definitions": {"C": {"enum": ["a"]}}},
        {"x": "0"}, {"x": "a"}, {"x": "1"},
    ),
    "reference in allOf": (
        {**one(allOf=[{"$ref": "#/$defs/C"}], default="a"), "$defs": {"C": {"enum": ["a", "b"]}}},
        {"x": "1"}, {"x": "b"}, {"x": "2"},
    ),
    "reference and more": (
        {**one(**{"$ref": "#/$defs/S", "minLength": 3}), "$defs": {"S": {"type": "string"}}},
        {"x": "abc"}, {"x": "abc"}, {"x": "ab"},
    ),
    "reference with odd letters": (
        {**one(**{"$ref": "#/$defs/a~1b%20c"}), "$defs": {"a/b c": {"type": "integer"}}}, {"x": "1"}, {"x": 1},
        {"x": "a"},
    ),
    "the whole by reference": (
        {"$ref": "#/$defs/P", "$defs": {"P": _PERSON}}, {"name": "Ann"}, {"name": "Ann"}, {"name": ""},
    ),
    "odd names": (

               {"type": "object",
            "properties": {"a/b": {"type": "string"}, "~c": {"type": "integer"}, "": {"type": "string"}}},
        {"a~1b": "x", "~0c": "3", "/": "y"}, {"a/b": "x", "~c": 3}, {"~0c": "x"},
    ),
    "no more than these": (
        {**one(type="string"), "additionalProperties": False}, {"x": "a", "y": "b"}, {"x": "a"}, {},
    ),
    "draft 7": ({"$schema": "http://json-schema.org/draft-07/schema#", **one(type="string")}, {"x": "a"},
    {"x": "a"}, {}),
}  # fmt: skip

AS_JSON: dict[str, Row] = {
    "anything": (one(), {"x": "[1]"}, {"x": [1]}, {"x": "["}),
    "a list of texts": (one(type="array", items={"type": "string"}), {"x": '["a"]'}, {"x": ["a"]}, {"x": "[1]"}),
    "a list of objects": (one(type="array", items=_PERSON), {"x": '[{"name": "A"}]'}, {"x": [{"name": "A"}]},
    {"x": "[{}]"}),
    "a map": (
        one(type="object", additionalProperties={"type": "integer"}), {"x": '{"a": 1}'}, {"x": {"a": 1}},
        {"x": '{"a": "b"}'},
    ),
    "either": (one(anyOf=[{"type": "string"}, {"type": "integer"}]), {"x": "3"}, {"x": 3}, {"x": "3.5"}),
    "two types": (one(type=["string", "integer"]), {"x": '"a"'}, {"x": "a"}, {"x": "true"}),
    "not": (one(**{"not": {"type": "string"}}), {"x": "3"}, {"x": 3}, {"x": '"a"'}),
    "two levels": (
        one(type="object", properties={"y": _PERSON}), {"x/y": '{"name": "A"}'}, {"x": {"y": {"name": "A"}}},
        {"x/y": "{}"},
    ),
    "condition": (
        {**one(type="integer"), "if": {"properties": {"x": {"minimum": 5}}}, "then": {"required": ["y"]}},
        {"": '{"x": 1}'}, {"x": 1}, {"": '{"x": 7}'},
    ),
    "dependency": (
        {**may(type="integer"), "dependentRequired": {"x": ["y"]}}, {"": "{}"}, {}, {"": '{"x": 7}'},
    ),
    "number of properties": ({**may(type="integer"), "minProperties": 1}, {"": '{"x": 1}'}, {"x": 1}, {"": "{}"}),
    "required without a schema": ({"type": "object", "required": ["x"]}, {"": '{"x": 1}'}, {"x": 1}, {"": "{}"}),
    "a free object": ({"type": "object"}, {"": '{"x": 1}'}, {"x": 1}, {"": "[]"}),
    "draft 4 bounds": (one(type="integer", minimum=1, exclusiveMinimum=True), {"": '{"x": 2}'}, {"x": 2}, {"": "{"}),
    "no schema": ({"type": "strin"}, {"": "3"}, 3, {"": "x"}),
    "many fields": (
        {"type": "object", "properties": {f"x{n}": {"type": "integer"} for n in range(61)}, "required": ["x0"]},
        {"": '{"x0": 1}'}, {"x0": 1}, {"": "{}"},
    ),
    "many choices": (one(enum=list(range(201))), {"x": "200"}, {"x": 200}, {"x": "201"}),
    "a tree": (
        {**one(**{"$ref": "#/$defs/T"}), "$defs": {"T": {"type": "array", "items": {"$ref": "#/$defs/T"}}}},
        {"": '{"x": [[]]}'}, {"x": [[]]}, {"": "{"},
    ),
    "itself": ({"$ref": "#"}, {"": "3"}, 3, {"": "x"}),
    "elsewhere": ({"$ref": "https://example.com/schema.json"}, {"": "3"}, 3, {"": "x"}),
    "elsewhere in it": (one(**{"$ref": "file:///etc/passwd"}), {"": "3"}, 3, {"": "x"}),
    "nowhere": (one(**{"$ref": "#/$defs/none"}), {"": "3"}, 3, {"": "x"}),
    "a reference that moves": (one(**{"$dynamicRef": "#x"}), {"": "3"}, 3, {"": "x"}),
}  # fmt: skip

ROWS: dict[str, Row] = {**TEXTS, **NUMBERS, **CHOICES, **OBJECTS, **AS_JSON}
