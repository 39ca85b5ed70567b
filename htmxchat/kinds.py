"""Checks values against type annotations, for data and arguments from hosts and agents.

Standard library only.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache, wraps
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from . import checks

P = ParamSpec("P")
R = TypeVar("R")
Test = Callable[[Any], bool]


def check_fields(data: Any) -> None:
    """Check the fields of a dataclass, in its `__post_init__`. A list is converted if the field is a tuple.

    Raises:
        TypeError: A field does not have the annotated type.
    """
    kind: Any = type(data)
    for name, usual, fits, is_tuple in _tests(kind):
        value = getattr(data, name)
        if type(value) in usual:
            continue
        if is_tuple and isinstance(value, list):
            value = tuple(value)
            object.__setattr__(data, name, value)  # frozen, but not before it is complete
        if not fits(value):
            raise TypeError(f"{kind.__name__}.{name} must be {words(_hints(kind)[name])}, not {_said(value)}.")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function to raise `TypeError` for arguments that do not have the annotated type."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        hints = _hints(function)
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if not test(hints[name])(value):
                raise TypeError(f"{function.__name__}: {name} must be {words(hints[name])}, not {_said(value)}.")
        return function(*args, **kwargs)

    return call


def test(hint: Any) -> Test:
    """Return a function that returns whether a value has this type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        tests = [test(each) for each in arguments]
        return lambda value: any(fits(value) for fits in tests)
    if origin is Literal:
        return lambda value: value in arguments
    if origin in (tuple, Sequence, Iterable):
        inner, outer = test(arguments[0]), tuple if origin is tuple else origin
        if arguments[0] is object:
            return lambda value: isinstance(value, outer) and not isinstance(value, str | bytes)
        return lambda value: isinstance(value, outer) and not isinstance(value, str | bytes) and _all(inner, value)
    if origin is Callable or hint is Callable:
        return callable
    if hint is datetime:
        return lambda value: isinstance(value, datetime) and value.tzinfo is not None
    if hint is float:
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind := origin or hint, type):
        return lambda value: isinstance(value, kind)
    return lambda value: True


def words(hint: Any) -> str:
    """Return a type's description for an error message."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(words(each) for each in arguments))
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin in (tuple, Sequence, Iterable):
        return f"a {origin.__name__.lower()} of {getattr(arguments[0], '__name__', 'such items')}"
    if hint is datetime:
        return "a datetime with a timezone"
    if hint is types.NoneType:
        return "None"
    name = getattr(origin or hint, "__name__", str(hint))
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def _said(value: object) -> str:
    return "one without" if isinstance(value, datetime) else checks.kind(value)


def _all(fits: Test, values: Iterable[Any]) -> bool:
    # Checking an iterator would consume it.
    return not isinstance(values, list | tuple) or all(map(fits, values))


@cache
def _tests(kind: type) -> tuple[tuple[str, frozenset[type], Test, bool], ...]:
    hints = {each.name: _hints(kind)[each.name] for each in fields(kind)}
    checked = {name: hint for name, hint in hints.items() if hint is not object}
    return tuple((name, _usual(hint), test(hint), get_origin(hint) is tuple) for name, hint in checked.items())


def _usual(hint: Any) -> frozenset[type]:
    """Return the types whose instances always fit, for a fast check."""
    if get_origin(hint) in (Union, types.UnionType):
        return frozenset().union(*map(_usual, get_args(hint)))
    return frozenset({hint}) if isinstance(hint, type) and hint is not datetime else frozenset()


@cache
def _hints(thing: Any) -> Mapping[str, Any]:
    # Not checked: components can be anything, JSON is cleaned when stored, and a table has many cells.
    return get_type_hints(thing, localns={"Child": object, "JSON": object, "Cell": object})
