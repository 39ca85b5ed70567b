"""As much of JSON Schema as questions need: what a value may be, and whether one fits. Pure."""

from __future__ import annotations

from typing import Any

from ...events import JSON
from .translation.fields import known, mapping

_DEPTH = 8
_NAMES = {str: "string", bool: "boolean", type(None): "null", list: "array", dict: "object"}


def kinds(schema: JSON) -> set[str]:
    """Return the types that a schema names, without null."""
    named = mapping(schema).get("type")
    return {each for each in (named if isinstance(named, list) else [named]) if isinstance(each, str)} - {"null"}


def object_property(schema: JSON, name: str) -> JSON:
    """Return the schema of a property."""
    prop: JSON = mapping(mapping(schema).get("properties")).get(name)
    return prop


def fits(value: JSON, schema: JSON, where: str = "This", depth: int = _DEPTH) -> str:
    """Return in a sentence why a value does not fit a schema; empty when it does, as far as it is looked at."""
    found = mapping(schema)
    named = found.get("type")
    allowed = [each for each in (named if isinstance(named, list) else [named]) if isinstance(each, str)]
    if allowed and not any(_is(value, each) for each in allowed):
        return f"{where} has to be of the type {' or '.join(allowed)}."
    if isinstance(listed := found.get("enum"), list) and value not in listed:
        return f"{where} has to be one of {', '.join(map(str, listed))}."
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bounded(value, found, where)
    if isinstance(value, dict) and depth:
        return _object(value, found, where, depth)
    if isinstance(value, list) and depth:
        told = (fits(each, found.get("items"), f"Item {number}", depth - 1) for number, each in enumerate(value, 1))
        return next(filter(None, told), "")
    return ""


def _object(value: dict[str, Any], schema: dict[str, Any], where: str, depth: int) -> str:
    required = schema.get("required")
    missing = [each for each in required if known(each) and each not in value] if isinstance(required, list) else []
    if missing:
        return f"{where} needs {', '.join(missing)}."
    told = (fits(each, object_property(schema, name), f"“{name}”", depth - 1) for name, each in value.items())
    return next(filter(None, told), "")


def _bounded(value: float, schema: dict[str, Any], where: str) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float) and value < least:
        return f"{where} has to be {least} or more."
    if isinstance(most, int | float) and value > most:
        return f"{where} has to be {most} or less."
    return ""


def _is(value: JSON, name: str) -> bool:
    if isinstance(value, bool) or value is None:
        return _NAMES[type(value)] == name
    if isinstance(value, int | float):
        return name == "number" or (name == "integer" and float(value).is_integer())
    return _NAMES.get(type(value)) == name
