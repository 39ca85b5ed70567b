"""Changes of the state: JSON Patch (RFC 6902) with JSON Pointer (RFC 6901). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from ...events import JSON


class DoesNotApply(ValueError):
    """A patch does not apply to the value. Nothing was changed."""


def patched(value: JSON, operations: Sequence[JSON]) -> JSON:
    """Return `value` after all operations; `value` itself stays as it is.

    Raises:
        DoesNotApply: One of them does not fit, or is none.
    """
    root: list[Any] = [deepcopy(value)]
    for operation in operations:
        try:
            _apply(root, operation)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise DoesNotApply(str(error)) from None
    result: JSON = root[0]
    return result


def _apply(root: list[Any], operation: Any) -> None:
    where, path = operation["op"], _path(operation["path"])
    match where:
        case "add":
            _put(root, path, deepcopy(operation["value"]), insert=True)
        case "replace":
            _get(root, path)
            _put(root, path, deepcopy(operation["value"]), insert=False)
        case "remove":
            _take(root, path)
        case "move":
            origin = _path(operation["from"])
            if path[: len(origin)] == origin and path != origin:
                raise ValueError("moved into itself")
            _put(root, path, _take(root, origin), insert=True)
        case "copy":
            _put(root, path, deepcopy(_get(root, _path(operation["from"]))), insert=True)
        case "test":
            if not _same(_get(root, path), operation["value"]):
                raise ValueError("test failed")
        case _:
            raise ValueError(f"unknown operation {where!r}")


def _path(pointer: Any) -> list[str]:
    """Return the steps of a pointer, from the list of which the only item is the value."""
    if pointer == "":
        return ["0"]
    if not pointer.startswith("/"):
        raise ValueError(f"no pointer: {pointer!r}")
    return ["0", *(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))]


def _get(root: list[Any], path: Sequence[str]) -> Any:
    value: Any = root
    for step in path:
        value = value[_key(value, step)]
    return value


def _put(root: list[Any], path: list[str], value: Any, *, insert: bool) -> None:
    parent = _get(root, path[:-1]) if path[:-1] else root
    if isinstance(parent, list) and insert and len(path) > 1:
        place = len(parent) if path[-1] == "-" else _index(path[-1])
        if place > len(parent):
            raise IndexError(path[-1])
        parent.insert(place, value)
    else:
        parent[_key(parent, path[-1], new=insert)] = value


def _take(root: list[Any], path: list[str]) -> Any:
    parent = _get(root, path[:-1]) if path[:-1] else root
    key = _key(parent, path[-1])
    if len(path) == 1:
        value, root[0] = root[0], None
        return value
    return parent.pop(key)


def _key(container: Any, step: str, *, new: bool = False) -> Any:
    if isinstance(container, list):
        place = _index(step)
        if place >= len(container):
            raise IndexError(step)
        return place
    if not isinstance(container, dict):
        raise TypeError(f"nothing is inside of {type(container).__name__}")
    if not new and step not in container:
        raise KeyError(step)
    return step


def _index(step: str) -> int:
    if not (step.isascii() and step.isdigit()) or (step[0] == "0" and step != "0") or len(step) > 9:
        raise ValueError(f"no place in a list: {step!r}")
    return int(step)


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal as JSON: `true` is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)
