"""What is in a file: a picture, the beginning of a text, a table.

Hooks: `.file-preview`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from itertools import islice

from ..files import File
from ..html import FT, Child, tag
from ..kinds import checked
from ..text.phrases import cut
from ..urls import Urls

div, img, p, pre, table, tbody, td, th, thead, tr = map(
    tag, ["div", "img", "p", "pre", "table", "tbody", "td", "th", "thead", "tr"]
)

_ROWS, _COLUMNS, _CELL = 200, 40, 300
_DELIMITERS = {"text/csv": ",;\t|", "text/tab-separated-values": "\t"}


@checked
def preview(file: File, urls: Urls, text: str = "", *, whole: bool = True) -> FT:
    """Return what is in a file.

    Args:
        text: Of a text, its beginning.
        whole: Whether that is all of it.
    """
    if file.is_picture:
        return _frame(img(src=urls.file(file.id), alt=file.name))
    if not file.is_text:
        return _frame(p("This file cannot be shown here. Download it to open it.", cls="quiet"))
    if not text.strip():
        return _frame(p("There is nothing in this file.", cls="quiet"))
    rows = _rows(text, _DELIMITERS[file.media_type], whole=whole) if file.media_type in _DELIMITERS else None
    if rows is None:
        note = None if whole else p("This is the beginning. Download the file to see the rest.", cls="quiet")
        return _frame(pre(text, dir="auto"), note)
    note = None
    if not whole or len(rows) > _ROWS + 1:
        note = p(
            f"These are the first {min(len(rows) - 1, _ROWS):,} rows. Download the file to see the rest.", cls="quiet"
        )
    return _frame(_table(rows[: _ROWS + 1]), note)


def _frame(*children: Child) -> FT:
    return div(*children, cls="file-preview")


def _rows(text: str, delimiters: str, *, whole: bool) -> list[list[str]] | None:
    """Return the rows of a table, and one more than are shown if there are; `None` where it is none."""
    head = text.removeprefix("\ufeff").partition("\n")[0]
    delimiter = max(delimiters, key=head.count)
    try:
        rows = list(islice(csv.reader(StringIO(text.removeprefix("\ufeff")), delimiter=delimiter), _ROWS + 2))
    except csv.Error:
        return None
    if not whole and len(rows) < _ROWS + 2:
        rows = rows[:-1]  # it may be cut off
    rows = [row for row in rows if row]
    return rows if len(rows) > 1 and len(rows[0]) > 1 else None


def _table(rows: Sequence[Sequence[str]]) -> FT:
    width = min(max(map(len, rows)), _COLUMNS)
    head, *body = ([*(cut(cell, _CELL) for cell in row[:width]), *[""] * (width - len(row))] for row in rows)
    return table(
        thead(tr([th(cell, scope="col", dir="auto") for cell in head])),
        tbody([tr([td(cell, dir="auto") for cell in row]) for row in body]),
    )
