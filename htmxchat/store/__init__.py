"""The durable log: `Store`, and the parts that it is made of."""

from .runs import Started
from .store import Store

__all__ = ["Started", "Store"]
