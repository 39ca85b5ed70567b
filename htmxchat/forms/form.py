"""Converts a schema to a form. A part that has no field of its own becomes a field for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..events import JSON
from .checking import checker, is_pattern
from .expanding import expanded
from .fields import MAX_FIELDS, NOTHING, Field, Form, Group, Path
from .schema_field import drawn_field, json_field
from .simplifying import demands, simple, text
from .texts import held

_ROOM = 12_000
"""So many characters of arguments can be edited: they are all sent back."""
_OBJECT = ("type", "properties", "required", "additionalProperties")


def form_of(schema: JSON) -> Form:
    """Return the form for a value that fits a schema: fields for an object's properties, or one for a value alone.

    A property, or all, that cannot be drawn is a field for JSON.
    """
    tree = checkable(expanded(schema))
    if tree is None:
        return Form((json_field((), "Answer", schema, required=True),))
    properties = _properties(tree)
    if properties is None:
        field = drawn_field((), "", tree, required=True)
        return Form((field or json_field((), "Answer", schema, required=True),), tree)
    parts = []
    for name, inner, required in properties:
        part: Field | Group = _group((name,), inner, required=required) or _field((name,), inner, required=required)
        parts.append(part)
    form = Form(tuple(parts), tree)
    if sum(1 for _ in form.fields) > MAX_FIELDS:
        return Form((json_field((), "Answer", schema, required=True),), tree)
    return form


def arguments_form(arguments: Mapping[str, JSON], schema: JSON = None) -> Form:
    """Return the form in which a call's arguments may be edited: those that are given, and those that it needs.

    Args:
        schema: Of the arguments, those of the tool; without one, an argument stays of the kind that it is.
    """
    tree = checkable(expanded(schema)) if isinstance(schema, dict) else None
    properties = _schemas(tree) or {}
    listed = (tree or {}).get("required")
    needed = [each for each in listed if each in properties] if isinstance(listed, list) else []
    names = [*arguments, *(each for each in needed if each not in arguments)]
    left = _ROOM
    fields: list[Field] = []
    kept: dict[str, JSON] = {}
    for name in names:
        given: Any = arguments.get(name, NOTHING)
        field = _argument(name, properties.get(name), given)
        size = sum(map(len, held(field, given)))
        if size <= left and len(fields) < MAX_FIELDS:
            left -= size
            fields.append(field)
        elif given is not NOTHING:
            kept[name] = given
    return Form(tuple(fields), tree, kept)


def _argument(name: str, schema: JSON, given: Any) -> Field:
    found = drawn_field((name,), name, schema, required=True, given=given) if isinstance(schema, dict) else None
    if found is None and given is not NOTHING:
        found = drawn_field((name,), name, _like(given), required=True, given=given)
    return found or json_field((name,), name, schema, required=True, initial=given)


def misfit(value: JSON, schema: JSON) -> str:
    """Return in a sentence why a value does not fit a schema; empty when it does, or when that cannot be told."""
    checks = checker(checkable(expanded(schema)))
    found = checks.misfits(value, 1) if checks else []
    return f"{'.'.join(map(str, found[0].path)) or 'This'}: {found[0].message}" if found else ""


def checkable(tree: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a schema that values can be checked against; `None` if there is none.

    A pattern that the library cannot look for, one that looks ahead for example, is left out.
    """
    if tree is None or checker(tree) is not None:
        return tree
    left = _without_patterns(tree)
    return left if isinstance(left, dict) and checker(left) is not None else None


def _without_patterns(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_patterns(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    pattern = schema.get("pattern")
    wrong = isinstance(pattern, str) and not is_pattern(pattern)
    return {key: _without_patterns(value) for key, value in schema.items() if not (wrong and key == "pattern")}


def _schemas(tree: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    properties = (tree or {}).get("properties")
    return properties if isinstance(properties, dict) else None


def _properties(tree: dict[str, Any]) -> list[tuple[str, dict[str, Any], bool]] | None:
    """Return the properties of an object, each with its schema and whether it is required; `None` if it is none that
    can be drawn.
    """
    found, nullable = simple(tree)
    properties, needed = _schemas(found), found.get("required", [])
    if properties is None or nullable or found.get("type", "object") != "object" or demands(found, *_OBJECT):
        return None
    if len(properties) > MAX_FIELDS or not isinstance(needed, list) or not set(needed) <= properties.keys():
        return None
    kept = [(name, each, name in needed) for name, each in properties.items() if each is not False]
    if not all(isinstance(each, dict) for _, each, _ in kept):
        return None
    return kept


def _group(path: Path, schema: dict[str, Any], *, required: bool) -> Group | None:
    properties = _properties(schema)
    if not properties:
        return None
    found, _ = simple(schema)
    held = found.get("default")
    initial = held if isinstance(held, dict) else {}
    fields = tuple(
        _field((*path, name), inner, required=needed, given=initial.get(name, NOTHING))
        for name, inner, needed in properties
    )
    title = text(found, "title") or named(path[-1])
    return Group(path, title, text(found, "description"), required, fields)


def _field(path: Path, schema: dict[str, Any], *, required: bool, given: Any = NOTHING) -> Field:
    title = named(path[-1])
    found = drawn_field(path, title, schema, required=required)
    if found is None:
        found = json_field(path, text(schema, "title") or title, schema, required=required)
    return found


def _like(value: JSON) -> dict[str, Any]:
    """Return the schema of a value that stays of the kind that it is."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    kinds = {int: "integer", float: "number", str: "string"}
    return {"type": kinds[type(value)]} if type(value) in kinds else {}


def named(name: str) -> str:
    """Return a property's name as words: `reply_to` is "Reply to"."""
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:] if words else name
