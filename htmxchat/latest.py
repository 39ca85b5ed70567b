"""A cache with a limit that evicts the least recently used entries; all caches of the chat use it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Latest(Generic[K, V]):
    """An LRU cache with a limit on the total weight of its entries.

    Args:
        limit: The largest total weight.
        weigh: Returns the weight of an entry; by default each weighs 1.

    Attributes:
        weight: The current total weight.
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
        """Return an entry and mark it as used."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def peek(self, key: K) -> V | None:
        """Return an entry without marking it as used."""
        return self._entries[key][0] if key in self._entries else None

    def put(self, key: K, value: V) -> None:
        """Add or update an entry, and evict others if necessary."""
        self.pop(key)
        weight = self._weigh(value)
        self._entries[key] = value, weight
        self.weight += weight
        while self.weight > self._limit:
            self.pop(next(iter(self._entries)))

    def pop(self, key: K) -> V | None:
        """Remove an entry and return it."""
        value, weight = self._entries.pop(key, (None, 0))
        self.weight -= weight
        return value

    def oldest(self) -> tuple[K, V] | None:
        """Return the least recently used entry without marking it as used."""
        return next(((key, value) for key, (value, _) in self._entries.items()), None)
