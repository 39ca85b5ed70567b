"""The durable log: `Store`, and the parts that it is made of."""

from .run_logs import Batch, News
from .runs import Started
from .store import Store

__all__ = ["Batch", "News", "Started", "Store"]
