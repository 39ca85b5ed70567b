"""The differences between two JSON values. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..events import JSON

_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        path: Its path: `question`, `pack.nodes[2].label`; empty if the whole value differs.
        before, after: The values at the path; `None` if there is none.
    """

    path: str
    kind: Literal["added", "removed", "changed"]
    before: JSON = None
    after: JSON = None


def state_diff(before: JSON, after: JSON) -> tuple[Change, ...]:
    """Return the changes from `before` to `after`, in the order of the keys; lists are compared by index."""
    return tuple(_differences(before, after, "", 0))


def _differences(before: Any, after: Any, path: str, depth: int) -> Iterator[Change]:
    if before == after and type(before) is type(after):
        return
    if depth < _DEEPEST and isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            place = f"{path}.{key}" if path else str(key)
            yield from _at(before, after, key, place, depth, key in before, key in after)
    elif depth < _DEEPEST and isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            place = f"{path}[{index}]"
            yield from _at(before, after, index, place, depth, index < len(before), index < len(after))
    else:
        yield Change(path, "changed", before, after)


def _at(before: Any, after: Any, key: Any, path: str, depth: int, was: bool, is_: bool) -> Iterator[Change]:
    if was and is_:
        yield from _differences(before[key], after[key], path, depth + 1)
    elif was:
        yield Change(path, "removed", before[key])
    else:
        yield Change(path, "added", None, after[key])
