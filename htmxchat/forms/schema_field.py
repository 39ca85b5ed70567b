"""Converts one value of a schema to a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..events import JSON
from .checking import checker
from .fields import MAX_LENGTH, MAX_OPTIONS, NOTHING, Field, Option, Path
from .formats import FORMATS, MOMENTS, has_format
from .numbers import bounds
from .patterns import html_pattern
from .simplifying import demands, options, simple, text

_LONG = 200
_TEXT = ("type", "format", "minLength", "maxLength", "pattern")
_NUMBER = ("type", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LIST = ("type", "items", "minItems", "maxItems", "uniqueItems")


def drawn_field(
    path: Path, title: str, schema: Mapping[str, Any], *, required: bool, given: Any = NOTHING
) -> Field | None:
    """Return the field for a value; `None` if it cannot be drawn.

    Args:
        required: Whether the value has to be there, null if it may be.
        given: What it holds already: an argument. A text may then be empty.
    """
    found, nullable = simple(schema)
    initial = given
    if given is NOTHING and "default" in found and (checks := checker(schema)) and checks.fits(found["default"]):
        initial = found["default"]
    if nullable and initial is None and given is NOTHING:
        initial = NOTHING
    field = Field(
        path,
        "text",
        text(found, "title") or title,
        text(found, "description"),
        required=required and not nullable,
        empty=None if required and nullable else NOTHING,
        initial=initial,
        schema=schema,
    )
    drawn = _of_kind(field, found, nullable=nullable)
    if drawn is None or given is NOTHING:
        return drawn
    return _holding(drawn, given)


def json_field(path: Path, title: str, schema: JSON, *, required: bool, initial: Any = NOTHING) -> Field:
    """Return a field in which JSON is written."""
    found = schema if isinstance(schema, dict) else {}
    if initial is NOTHING and "default" in found:
        initial = found["default"]
    rule = "Needs JSON that fits the schema" if found else "Needs JSON"
    return Field(
        path,
        "json",
        title,
        text(found, "description"),
        rule,
        required=required,
        initial=initial,
        schema=found or None,
        shown=schema if found else None,
    )


def _of_kind(field: Field, schema: dict[str, Any], *, nullable: bool) -> Field | None:
    listed = options(schema)
    if listed is not None:
        return _choice(field, listed)
    match schema.get("type"):
        case "string":
            return _text(field, schema)
        case "integer" | "number" as kind:
            return _number(field, schema, whole=kind == "integer")
        case "boolean" if not demands(schema, "type"):
            if nullable:
                return _choice(field, (Option("Yes", True), Option("No", False)))
            return replace(field, kind="flag", required=False)
        case "array":
            return _choices(field, schema)
    return None


def _choice(field: Field, listed: tuple[Option, ...]) -> Field | None:
    return replace(field, kind="choice", options=listed, rule="Choose one") if listed else None


def _choices(field: Field, schema: dict[str, Any]) -> Field | None:
    items = schema.get("items")
    if not isinstance(items, dict) or demands(schema, *_LIST):
        return None
    listed = options(simple(items)[0])
    if not listed or len(listed) > MAX_OPTIONS:
        return None
    least, most = _count(schema, "minItems", 0), _count(schema, "maxItems", len(listed))
    if least > len(listed):
        return None
    if least == most:
        rule = f"Choose {least}"
    elif most < len(listed):
        rule = f"Choose {least} to {most}" if least else f"Choose {most} at most"
    else:
        rule = f"Choose {least} or more" if least > 1 else "Choose one or more" if least else "Choose from these"
    empty = [] if field.required and not least else field.empty
    return replace(
        field, kind="choices", options=listed, shortest=least, longest=most, rule=rule, empty=empty,
        required=field.required and least > 0,
    )  # fmt: skip


def _number(field: Field, schema: dict[str, Any], *, whole: bool) -> Field | None:
    found = None if demands(schema, *_NUMBER) else bounds(schema, whole=whole)
    if found is None:
        return None
    rule = "Needs a whole number" if whole else "Needs a number"
    if found.said:
        rule += f" from {found.said}" if " to " in found.said else f", {found.said}"
    if found.step not in ("any", "1"):
        rule += f", a multiple of {found.step}"
    return replace(
        field, kind="integer" if whole else "number", rule=rule, least=found.least, most=found.most, step=found.step
    )


def _text(field: Field, schema: dict[str, Any]) -> Field | None:
    if demands(schema, *_TEXT):
        return None
    least, most = _count(schema, "minLength", 0), _count(schema, "maxLength", MAX_LENGTH)
    if least > MAX_LENGTH:
        return None
    form = FORMATS.get(str(schema.get("format")))
    pattern = schema.get("pattern")
    longest = min(most, MAX_LENGTH)
    patterns, rules = [], []
    if form is not None:
        rules.append(form.rule)
        if form.kind not in MOMENTS or isinstance(pattern, str) or "minLength" in schema or "maxLength" in schema:
            patterns.append(form.pattern)
    if least > 1 or most < _LONG:
        said = (
            f"{least:,} to {most:,}" if least > 1 and most < MAX_LENGTH else f"{most:,}" if least < 2 else f"{least:,}"
        )
        rules.append(f"Needs {said} characters" + ("" if " to " in said else " at most" if least < 2 else " or more"))
    if least > 1:
        patterns.append(f"[\\s\\S]{{{least},}}")
    if isinstance(pattern, str):
        rules.append(f"Needs to match {pattern[:_LONG]}")
        if shown := html_pattern(pattern, longest):
            patterns.append(shown)
    kind = "text" if form is None else form.kind
    if kind in MOMENTS and patterns:
        kind = "text"
    held = field.initial
    if (
        isinstance(held, str)
        and form is not None
        and not has_format(held[:19] if kind == "moment" else held, str(schema["format"]))
    ):
        kind = "text"
    if kind == "text" and form is None and ((longest > _LONG and "maxLength" in schema) or _has_lines(held)):
        kind = "long"
    return replace(
        field,
        kind=kind,
        rule=". ".join(rules) or "Needs an answer",
        shortest=least,
        longest=longest,
        patterns=() if kind == "long" else tuple(patterns),
        least={"date": "0001-01-01", "moment": "0001-01-01T00:00"}.get(kind, ""),
        most={"date": "9999-12-31", "moment": "9999-12-31T23:59"}.get(kind, ""),
    )


def _holding(field: Field, given: JSON) -> Field | None:
    """Return a field that holds an argument as it is; `None` if it cannot."""
    match field.kind, given:
        case "flag", bool():
            return field
        case (("integer" | "number"), int() | float()) if not isinstance(given, bool):
            return field
        case "choice", _ if any(each.value == given and type(each.value) is type(given) for each in field.options):
            return field
        case (("choice" | "text" | "long" | "email" | "uri"), None) if not field.required:
            return replace(field, initial=NOTHING)
        case "choices", list() if all(any(each.value == item for each in field.options) for item in given):
            return field
        case (("text" | "long" | "email" | "uri" | "date" | "time" | "moment"), str()):
            if len(given) > field.longest:
                return None
            if field.kind not in ("text", "long"):
                return replace(field, kind="text") if _has_lines(given) else field
            may_be_empty = field.shortest == 0
            return replace(
                field,
                kind="long" if _has_lines(given) or len(given) > _LONG else "text",
                patterns=() if _has_lines(given) else field.patterns,
                required=field.required and not may_be_empty,
                empty="" if may_be_empty else field.empty,
            )
    return None


def _count(schema: Mapping[str, Any], name: str, usual: int) -> int:
    found = schema.get(name)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else usual


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and ("\n" in value or "\r" in value)
