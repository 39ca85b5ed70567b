"""Converts a posted form to a value that fits the schema, or to a sentence for each wrong field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from ..events import JSON
from ..text.cleaning import read_json
from .checking import Misfit, checker
from .fields import NOTHING, Field, Form, Group, Path, pointer
from .formats import FORMATS
from .numbers import number
from .texts import held, lines

Posted = Mapping[str, Sequence[str]]
"""What a browser sends: the texts of each field, by its name."""

_NEEDED = "Needs an answer"
_BROKEN = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was filled in.

    Attributes:
        value: What it means; only of use when there are no problems.
        problems: What is right instead, by the name of the field. What is wrong with the whole stands at "answer".
    """

    value: JSON
    problems: Mapping[str, str] = field(default_factory=dict)


class _Wrong(Exception):
    """A field is not right. The message is the sentence that says what is."""


def read(form: Form, posted: Posted, zone: tzinfo | None = None) -> Reading:
    """Return what was filled in.

    A field that was not changed has exactly the value with which it was drawn.

    Args:
        zone: In which dates and times were written; `None` is UTC.
    """
    value: Any = dict(form.given)
    problems: dict[str, str] = {}
    for part in form.parts:
        found = (
            _group(part, posted, zone, problems) if isinstance(part, Group) else _value(part, posted, zone, problems)
        )
        if not part.path:
            value = None if found is NOTHING else found
        elif found is not NOTHING:
            value[part.path[-1]] = found
    if problems:
        return Reading(value, problems)
    checks = checker(form.schema)
    return Reading(value, _problems(form, checks.misfits(value)) if checks else {})


def _value(field: Field, posted: Posted, zone: tzinfo | None, problems: dict[str, str]) -> Any:
    try:
        return _read(field, posted.get(field.name, ()), zone)
    except _Wrong as wrong:
        problems[field.name] = str(wrong)
        return NOTHING


def _group(group: Group, posted: Posted, zone: tzinfo | None, problems: dict[str, str]) -> Any:
    untouched = all(_texts(each, posted.get(each.name, ())) == held(each, each.initial) for each in group.fields)
    if untouched and not group.required:
        return NOTHING
    values = {each.path[-1]: _value(each, posted, zone, problems) for each in group.fields}
    return {name: value for name, value in values.items() if value is not NOTHING}


def _texts(field: Field, posted: Sequence[str]) -> list[str]:
    texts = [lines(each) for each in posted]
    return texts if field.kind in ("flag", "choices") else texts[:1] or [""]


def _read(field: Field, posted: Sequence[str], zone: tzinfo | None) -> Any:
    texts = _texts(field, posted)
    if any(_BROKEN.search(each) for each in texts):
        raise _Wrong("Has characters that cannot be stored. Type it again without them")
    if field.initial is not NOTHING and texts == held(field, field.initial):
        return field.initial
    if field.kind == "flag":
        return bool(texts)
    if field.kind == "choices":
        return _choices(field, texts)
    text = texts[0]
    if not text or (field.kind not in ("text", "long") and not text.strip()):
        if field.required:
            raise _Wrong(field.rule or _NEEDED)
        return field.empty
    match field.kind:
        case "choice":
            return _chosen(field, text)
        case "number" | "integer":
            found = number(text, whole=field.kind == "integer")
            if found is None:
                raise _Wrong(field.rule)
            return found
        case "json":
            try:
                return read_json(text)
            except ValueError:
                raise _Wrong(field.rule) from None
        case "date" | "time" | "moment":
            return _moment(field, text, zone)
        case "email" | "uri":
            text = text.strip()
    if len(text) > field.longest:
        raise _Wrong(field.rule if field.rule != _NEEDED else f"Needs {field.longest:,} characters at most")
    form = FORMATS.get(str((field.schema or {}).get("format")))
    if form is not None and not re.fullmatch(form.pattern, text) and field.kind != "long":
        raise _Wrong(field.rule)
    return text


def _chosen(field: Field, text: str) -> JSON:
    if text.isascii() and text.isdigit() and int(text[:6]) < len(field.options):
        return field.options[int(text[:6])].value
    raise _Wrong(field.rule)


def _choices(field: Field, texts: Sequence[str]) -> Any:
    if not texts and not field.required and (field.empty is not NOTHING or field.initial is NOTHING or field.shortest):
        return field.empty
    chosen = [_chosen(field, each) for each in dict.fromkeys(texts)]
    if not field.shortest <= len(chosen) <= field.longest:
        raise _Wrong(field.rule)
    return chosen


def _moment(field: Field, text: str, zone: tzinfo | None) -> str:
    """Return a date or time as RFC 3339 writes it."""
    text = text.strip()
    try:
        if field.kind == "date":
            return date.fromisoformat(text).isoformat() if len(text) == 10 else _never(field)
        if not re.fullmatch(FORMATS["time" if field.kind == "time" else "date-time"].pattern, text):
            _never(field)
        if field.kind == "time":
            return time.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text).replace(tzinfo=_zone(field, zone))
        moment.utcoffset()  # a zone knows only some years
        return moment.isoformat()
    except (ValueError, OverflowError):
        raise _Wrong(field.rule) from None


def _zone(field: Field, zone: tzinfo | None) -> tzinfo:
    """Return the zone in which a field's time is: that of what it held at first, else the reader's."""
    if isinstance(field.initial, str):
        try:
            return datetime.fromisoformat(field.initial).tzinfo or zone or UTC
        except ValueError:
            pass
    return zone or UTC


def _never(field: Field) -> str:
    raise _Wrong(field.rule)


def _problems(form: Form, misfits: Sequence[Misfit]) -> dict[str, str]:
    """Return the sentences for what does not fit, each at its field."""
    known = {each.path: each for each in form.fields}
    found: dict[str, str] = {}
    for misfit in misfits:
        path = _nearest(misfit.path, known)
        named = known.get(path) if path is not None else None
        if named is None:
            found.setdefault(pointer(()), f"This does not fit what is asked: {misfit.message[:300]}")
        elif named.kind == "json":
            found.setdefault(named.name, f"{named.rule}: {misfit.message[:300]}")
        else:
            found.setdefault(named.name, named.rule or _NEEDED)
    return found


def _nearest(path: tuple[str | int, ...], known: Mapping[Path, Field]) -> Path | None:
    """Return the path of the field that holds what stands at `path`."""
    names = tuple(map(str, path))
    return next((names[:length] for length in range(len(names), -1, -1) if names[:length] in known), None)
