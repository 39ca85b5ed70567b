"""What the inspector knows of a run: folds over its events, pure and without a request.

Rows with a meaning in plain words, bars on a time axis, and the difference between two states.
"""

from .event_rows import Ordinals, Row, RowFilter, RowFold, Window, rows, window

__all__ = ["Ordinals", "Row", "RowFilter", "RowFold", "Window", "rows", "window"]
