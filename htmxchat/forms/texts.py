"""Converts values to the text of a field, and to text for people. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..events import JSON
from .fields import NOTHING, Field, Form, Option
from .simplifying import key, title_of


def held(field: Field, value: Any) -> list[str]:
    """Return what a field with a value sends if the user does not change it."""
    if value is NOTHING:
        return [] if field.kind in ("flag", "choices") else [""]
    match field.kind:
        case "flag":
            return ["on"] if value is True else []
        case "choice":
            return [_place(field.options, value)]
        case "choices":
            chosen = {_place(field.options, each) for each in value} if isinstance(value, list) else set()
            return [str(place) for place in range(len(field.options)) if str(place) in chosen]
        case "json":
            return [json.dumps(value, ensure_ascii=False, indent=2)]
        case "moment":
            return [str(value)[:16]]
        case "number" | "integer":
            return [repr(value)]
    return [lines(str(value))]


def lines(text: str) -> str:
    """Return a text with the line ends that a form sends back as they are."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def said(value: JSON) -> str:
    """Return a value in words, on one line if it can be: what a record of an answer shows of a field."""
    match value:
        case None:
            return "–"
        case list() if value and all(isinstance(each, str | int | float) for each in value):
            return ", ".join(title_of(each) for each in value)
    return title_of(value)


def said_by(field: Field, value: JSON) -> str:
    """Return a value in the words of the field in which it was filled in."""
    if field.kind == "choice":
        return _titles(field.options, [value]) or said(value)
    if field.kind == "choices" and isinstance(value, list):
        return _titles(field.options, value) or said(value or None)
    if field.kind == "moment" and isinstance(value, str):
        return value.replace("T", " ", 1)
    return said(value)


def at(value: JSON, path: Iterable[str]) -> Any:
    """Return what stands at a place in a value; `NOTHING` if nothing does."""
    found: Any = value
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return NOTHING
        found = found[name]
    return found


def _place(options: tuple[Option, ...], value: JSON) -> str:
    wanted = key(value)
    return next((str(place) for place, each in enumerate(options) if key(each.value) == wanted), "")


def _titles(options: tuple[Option, ...], values: Iterable[JSON]) -> str:
    titles = {key(each.value): each.title for each in options}
    return ", ".join(titles[key(value)] for value in values if key(value) in titles)


def typed(form: Form, posted: Mapping[str, Sequence[str]]) -> str:
    """Return what was filled in, as it was sent: for someone whose answer came too late."""
    rows = []
    for field in form.fields:
        texts = [lines(each) for each in posted.get(field.name, ()) if each.strip()]
        if field.kind in ("choice", "choices"):
            places = [int(each) for each in texts if each.isascii() and each.isdigit() and len(each) < 4]
            texts = [field.options[each].title for each in places if each < len(field.options)]
        if field.kind != "flag" and texts and texts != held(field, field.initial):
            rows.append(f"{field.title}: {', '.join(texts)}" if field.path else ", ".join(texts))
    return "; ".join([*rows, *(f"Reason: {each}" for each in posted.get("reason", ()) if each.strip())])
