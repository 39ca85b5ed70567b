"""The inspector's data: pure folds over a run's events.

Rows with a description, bars on a time axis, and the difference between two states.
"""

from .event_rows import Ordinals, Row, RowFilter, RowFold, Window, rows, window

__all__ = ["Ordinals", "Row", "RowFilter", "RowFold", "Window", "rows", "window"]
