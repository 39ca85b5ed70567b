"""Reduces the different ways to write a schema to one: the type, whether null is allowed, the choices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..events import JSON
from .checking import checker
from .expanding import NOTES
from .fields import MAX_OPTIONS, Option

NULL: Mapping[str, str] = {"type": "null"}
_TITLE = 300
DEMANDS = frozenset(
    "additionalItems additionalProperties allOf anyOf const contains dependencies dependentRequired dependentSchemas"
    " else enum exclusiveMaximum exclusiveMinimum format if items maxContains maxItems maxLength maxProperties maximum"
    " minContains minItems minLength minProperties minimum multipleOf not oneOf pattern patternProperties prefixItems"
    " properties propertyNames required then type unevaluatedItems unevaluatedProperties uniqueItems".split()
)
"""The keywords that restrict values. Others are extensions and are ignored."""


def demands(schema: Mapping[str, Any], *known: str) -> bool:
    """Return whether a schema demands something else than by the keywords that are known."""
    return not (DEMANDS & schema.keys()) <= set(known)


def simple(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a schema with what it has in other schemas drawn into it, and whether the value may be null."""
    found, nullable = _merged(dict(schema)), False
    for key in ("anyOf", "oneOf"):
        given = found.get(key)
        branches = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
        others = [each for each in branches if each != NULL and each != {"const": None}]
        if len(others) == 1 and isinstance(given, list) and len(given) == len(branches):
            nullable = nullable or len(others) < len(given)
            outer = {name: value for name, value in found.items() if name != key}
            inner, inner_nullable = simple(others[0])
            both = _both(inner, outer)
            if both is None:
                continue
            found, nullable = both, nullable or inner_nullable
    kinds = found.get("type")
    if isinstance(kinds, list):
        named = [each for each in kinds if each != "null"]
        nullable = nullable or len(named) < len(kinds)
        if len(named) == 1:
            found["type"] = named[0]
    if isinstance(listed := found.get("enum"), list) and None in listed:
        nullable = True
    if nullable and (checks := checker(schema)) is not None and not checks.fits(None):
        nullable = False
    return found, nullable


def options(schema: Mapping[str, Any]) -> tuple[Option, ...] | None:
    """Return what a schema lets one choose from, null apart; `None` if it does not list it, or lists too much."""
    pairs = _listed(schema)
    if pairs is None or len(pairs) > MAX_OPTIONS:
        return None
    checks = checker(schema)
    unique = {key(value): Option(title[:_TITLE], value) for title, value in reversed(pairs) if value is not None}
    return tuple(each for each in reversed(unique.values()) if checks is None or checks.fits(each.value))


def key(value: JSON) -> str:
    """Return what two values have in common only when they are the same in JSON."""
    return json.dumps(value, sort_keys=True)


def title_of(value: JSON) -> str:
    """Return a value as it stands among others to choose from."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _listed(schema: Mapping[str, Any]) -> Sequence[tuple[str, JSON]] | None:
    if "const" in schema:
        return [(text(schema, "title") or title_of(schema["const"]), schema["const"])]
    if isinstance(listed := schema.get("enum"), list):
        names = schema.get("enumNames")
        named = names if isinstance(names, list) and len(names) == len(listed) else listed
        return [(title_of(name), value) for name, value in zip(named, listed, strict=True)]
    for keyword in ("oneOf", "anyOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches and all(isinstance(each, dict) for each in branches):
            return _together(each for each in branches if each != NULL)
    return None


def _together(branches: Iterable[dict[str, Any]]) -> Sequence[tuple[str, JSON]] | None:
    found: list[tuple[str, JSON]] = []
    for each in branches:
        if not ("const" in each or "enum" in each):
            return None
        found += _listed(each) or ()
    return found


def text(schema: Mapping[str, Any], name: str) -> str:
    """Return a text of a schema; empty when it has none."""
    found = schema.get(name)
    return found.strip() if isinstance(found, str) else ""


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Draw `allOf` into the schema, as far as no keyword is there twice."""
    parts = schema.get("allOf")
    if not isinstance(parts, list) or not all(isinstance(each, dict) for each in parts):
        return schema
    whole: dict[str, Any] | None = {name: value for name, value in schema.items() if name != "allOf"}
    for each in parts:
        whole = _both(_merged(each), whole) if whole is not None else None
    return schema if whole is None else whole


def _both(inner: dict[str, Any], outer: dict[str, Any]) -> dict[str, Any] | None:
    """Return one schema that demands what two do; `None` if they demand different things by the same keyword."""
    clash = (inner.keys() & outer.keys()) - NOTES
    if any(inner[name] != outer[name] for name in clash):
        return None
    return {**inner, **outer}
