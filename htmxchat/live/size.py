"""Estimates the memory of values. Standard library only."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from sys import getsizeof
from typing import Any


def size_of(value: object) -> int:
    """Return how many bytes a value takes with all that it holds, about. What is in it twice is counted once."""
    size, seen, waiting = 0, set[int](), [value]
    while waiting:
        each: Any = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        size += getsizeof(each)
        if isinstance(each, dict):
            waiting += each.keys()
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
        elif is_dataclass(each):
            waiting += [getattr(each, field.name) for field in fields(each)]
    return size
