"""What can be shown of a file without saving it: pictures that browsers draw, text, tables.

Hooks: `.file-preview` with `data-kind`.
"""

from __future__ import annotations

import csv
import io

from ..files import File
from ..html import FT, Child, tag
from ..kinds import checked
from ..text.phrases import byte_size
from ..urls import Urls

a, div, img, p, pre = map(tag, ["a", "div", "img", "p", "pre"])
table, tbody, td, th, thead, tr = map(tag, ["table", "tbody", "td", "th", "thead", "tr"])

PREVIEW = 64 * 1024
"""How many bytes of a text are shown at most."""

_ROWS = 100
_COLUMNS = 30
_CELL = 200
_TABLES = {"text/csv": ",", "text/tab-separated-values": "\t"}


@checked
def preview(file: File, head: bytes, urls: Urls) -> FT:
    """Return what can be shown of a file.

    Args:
        head: The beginning of a text; empty for other files.
    """
    more = p(f"This is the beginning of {byte_size(file.size)}.", cls="note") if len(head) < file.size else None
    if file.is_picture:
        return _box("picture", img(src=urls.file(file.id), alt=file.name, loading="lazy", decoding="async"))
    if not file.is_text:
        return _box(
            "none", p("This file cannot be shown here. ", a("Save it", href=urls.file(file.id), download=file.name))
        )
    text = head.decode(errors="ignore").removeprefix("\ufeff")
    separator = _TABLES.get(file.media_type)
    rows = _rows(text, separator, whole=more is None) if separator else []
    if rows:
        cut = p("Not all rows and columns are shown.", cls="note") if more or len(rows) > _ROWS else None
        return _box("table", _table(rows[:_ROWS]), cut)
    return _box("text", pre(text, dir="auto", tabindex="0"), more)


def _box(kind: str, *children: Child) -> FT:
    return div(*children, cls="file-preview", data_kind=kind)


def _rows(text: str, separator: str, *, whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            rows.append([cell[:_CELL] for cell in row[:_COLUMNS]])
            if len(rows) > _ROWS:
                return rows
    except csv.Error:
        return []
    return rows if whole else rows[:-1]


def _table(rows: list[list[str]]) -> FT:
    head, *body = rows
    return div(
        table(
            thead(tr([th(cell, scope="col", dir="auto") for cell in head])),
            tbody([tr([td(cell, dir="auto") for cell in row]) for row in body]),
        ),
        cls="scroll",
        tabindex="0",
    )
