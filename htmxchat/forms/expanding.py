"""Replaces the references of a schema by the schemas that they refer to. The result has a bounded size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ..events import JSON

MAX_SCHEMAS = 2_000
"""So many schemas one may have inside, with what its references mean."""
MAX_DEPTH = 24
"""So deep they may stand in each other."""

_ONE = frozenset(
    "additionalItems additionalProperties contains else if items not propertyNames then unevaluatedItems"
    " unevaluatedProperties".split()
)
_MANY = frozenset(["allOf", "anyOf", "oneOf", "prefixItems"])
_NAMED = frozenset(["dependentSchemas", "patternProperties", "properties"])
# Names and places, which mean nothing once there are no references.
_DROPPED = frozenset(["$anchor", "$comment", "$defs", "$id", "$schema", "$vocabulary", "definitions", "id"])
_ELSEWHERE = frozenset(["$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "dependencies"])
NOTES = frozenset("$comment default deprecated description enumNames examples readOnly title writeOnly".split())
"""What says something of a value and demands nothing."""


class _Refused(Exception):
    """A schema refers to itself or elsewhere, or is too large."""


def expanded(schema: JSON) -> dict[str, Any] | None:
    """Return a schema without references; `None` if it refers to itself or elsewhere, or is too large or no schema.

    One that refers to itself can cost without end what is checked against it, and so can one whose references refer to
    each other twice each. None of them is checked, then.
    """
    try:
        found = _Expansion(schema).expand(schema, (), 0)
    except _Refused:
        return None
    return found if isinstance(found, dict) else None


class _Expansion:
    def __init__(self, root: JSON) -> None:
        self._root = root
        self._left = MAX_SCHEMAS

    def expand(self, schema: JSON, within: tuple[str, ...], depth: int) -> JSON:
        """Return a schema without references.

        Args:
            within: The references whose meanings it stands in.
        """
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _Refused
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict) or not _ELSEWHERE.isdisjoint(schema):
            raise _Refused
        beside = {
            key: self._value(key, value, within, depth + 1)
            for key, value in schema.items()
            if key not in _DROPPED and key != "$ref"
        }
        if "$ref" not in schema:
            return beside
        ref = schema["$ref"]
        if not isinstance(ref, str) or ref in within:
            raise _Refused
        meant = self.expand(self._look_up(ref), (*within, ref), depth + 1)
        return _both(meant, beside)

    def _value(self, key: str, value: JSON, within: tuple[str, ...], depth: int) -> JSON:
        if key in _ONE:
            return self.expand(value, within, depth)
        if key in _MANY and isinstance(value, list):
            return [self.expand(each, within, depth) for each in value]
        if key in _NAMED and isinstance(value, dict):
            return {name: self.expand(each, within, depth) for name, each in value.items()}
        return value

    def _look_up(self, ref: str) -> JSON:
        """Return what a JSON pointer into the schema means."""
        if not ref.startswith("#/"):
            raise _Refused
        found: Any = self._root
        for piece in unquote(ref[2:]).split("/"):
            name = piece.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name[:6]) < len(found):
                found = found[int(name[:6])]
            else:
                raise _Refused
        meant: JSON = found
        return meant


def _both(meant: JSON, beside: dict[str, Any]) -> JSON:
    """Return a schema that demands both."""
    if not beside:
        return meant
    if isinstance(meant, dict) and beside.keys() <= NOTES:
        return {**meant, **beside}
    notes = {key: value for key, value in beside.items() if key in NOTES}
    demands = {key: value for key, value in beside.items() if key not in NOTES}
    return {"allOf": [meant, demands], **notes}
