"""What was used last, up to a limit: the one store of everything that is remembered and may be forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Latest(Generic[K, V]):
    """Entries by their keys. What was not used for longest goes first.

    Args:
        limit: How much they may weigh together.
        weigh: What an entry weighs when it is put here; without it, `limit` is their number.

    Attributes:
        weight: How much they weigh now.
    """

    def __init__(self, limit: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: K) -> V | None:
        """Return an entry, which counts as its use."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def peek(self, key: K) -> V | None:
        """Return an entry, which is no use of it."""
        return self._entries[key][0] if key in self._entries else None

    def put(self, key: K, value: V) -> None:
        """Add an entry or weigh it again, and forget others for it."""
        self.pop(key)
        weight = self._weigh(value)
        self._entries[key] = value, weight
        self.weight += weight
        while self.weight > self._limit:
            self.pop(next(iter(self._entries)))

    def pop(self, key: K) -> V | None:
        """Forget an entry, and return it."""
        value, weight = self._entries.pop(key, (None, 0))
        self.weight -= weight
        return value

    def oldest(self) -> tuple[K, V] | None:
        """Return the entry that was not used for longest, which is no use of it."""
        return next(((key, value) for key, (value, _) in self._entries.items()), None)
