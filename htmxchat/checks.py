"""Checks of arguments from hosts and agents: each returns the value, or raises an error that says what to write.

Standard library only.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .text.phrases import cut

T = TypeVar("T")

_MAX_SHOWN = 80
# Characters that browsers and Python parse differently, or that end an attribute or header.
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\\"<>]")


def text(name: str, value: Any, *, empty: bool = True) -> str:
    """Return a `str`; if not `empty`, one with more than white space."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {kind(value)}.")
    if not empty and not value.strip():
        raise ValueError(f"{name} must not be empty.")
    return value


def seconds(name: str, value: Any, *, zero: bool = False, most: float = 86_400.0) -> float:
    """Return a number of seconds: above 0, or also 0 if `zero`, and at most `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {kind(value)}.")
    if not (math.isfinite(value) and (value > 0 or (zero and value == 0)) and value <= most):
        least = "0 or more" if zero else "above 0"
        raise ValueError(f"{name} must be a number of seconds {least}, {most:,.0f} at most, not {value!r}.")
    return value


def flag(name: str, value: Any) -> bool:
    """Return `True` or `False`."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {kind(value)}.")
    return value


def whole(name: str, value: Any, *, least: int = 0) -> int:
    """Return an `int` that is at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {kind(value)}.")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}.")
    return value


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return one of `choices`."""
    text(name, value)
    if value not in (words := tuple(choices)):
        raise ValueError(f"{name} must be {' or '.join(map(repr, words))}, not {shown(value)}.")
    return str(value)


def instance(name: str, value: Any, of: type[T], example: str) -> T:
    """Return an instance of a class; `example` shows how to make one."""
    if isinstance(value, type) and issubclass(value, of):
        raise TypeError(f"{name} is the class {value.__name__}. Pass an instance: {value.__name__}(…).")
    if not isinstance(value, of):
        raise TypeError(f"{name} must be a {of.__name__}, {example}, not {kind(value)}.")
    return value


def optional(name: str, value: Any, of: type[T], example: str) -> T:
    """Return an instance of a class; `None` gives the default one."""
    return of() if value is None else instance(name, value, of, example)


def items(name: str, value: Any, check: Callable[[str, Any], T], example: str) -> tuple[T, ...]:
    """Return the checked items of a list. A `str` is rejected, because it would be iterated by letter."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list, {example}, not {shown(value)}.")
    return tuple(check(f"{name}[{index}]", each) for index, each in enumerate(value))


def path(name: str, value: Any) -> str:
    """Return a path on the chat's own origin, `"/static/brand.css"`."""
    text(name, value)
    if not value.startswith("/") or value.startswith("//") or _UNSAFE.search(value):
        raise ValueError(
            f'{name} must be a path on this site that begins with one slash, "/static/…", not {shown(value)}.'
        )
    return str(value)


def address(name: str, value: Any, example: str) -> str:
    """Return a path on the chat's own origin, or an http or https URL; `example` is such a path."""
    text(name, value)
    parts = _split(value)
    other = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    if not (other or (value.startswith("/") and not value.startswith("//"))) or _UNSAFE.search(value):
        raise ValueError(
            f'{name} must be a path, "{example}", or an address, "https://host{example}", not {shown(value)}.'
        )
    return str(value)


def asynchronous(name: str, value: Any, example: str) -> Any:
    """Return an `async def` function, or a callable object like one."""
    if isinstance(value, type) or not callable(value):
        raise TypeError(f"{name} must be a function, {example}, not {kind(value)}.")
    if not is_async(value):
        raise TypeError(f"{name} must be asynchronous: write {example}.")
    return value


def synchronous(name: str, value: Any, example: str) -> Any:
    """Return a function that is not `async def`."""
    if isinstance(value, type) or not callable(value):
        raise TypeError(f"{name} must be a function, {example}, not {kind(value)}.")
    if is_async(value):
        raise TypeError(f"{name} is called while a page is rendered, so it must not be asynchronous: write {example}.")
    return value


def takes(function: Any, number: int) -> bool:
    """Return whether a function can be called with so many arguments, as far as that can be detected."""
    try:
        inspect.signature(function).bind(*[None] * number)
    except TypeError:
        return False
    except ValueError:
        return True  # it does not say what it takes
    return True


def is_async(function: Any) -> bool:
    """Return whether calling this returns an awaitable, as far as that can be detected."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def kind(value: object) -> str:
    """Return a description of a value's type without its content, which may be secret."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if inspect.isfunction(value):
        return f"the function {value.__name__}"
    name = type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def shown(value: object) -> str:
    """Return a value's `repr`, cut if it is long."""
    if not isinstance(value, str | int | float | None):
        return kind(value)
    return cut(repr(value), _MAX_SHOWN)


def _split(value: str) -> Any:
    try:
        return urlsplit(value)
    except ValueError:
        return None
