"""What an answer shows of a script; the scripts room shows all. Pure functions; standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..text.phrases import cut
from .models import Script
from .result import Cell, Picture, ScriptError, ScriptResult, ScriptState, TableValue, TextValue

_LINES, _VALUE_LINES, _CHARACTERS = 2, 4, 400  # of output, of a value, and of one line
_ROWS, _COLUMNS, _CELL, _PICTURES = 4, 12, 120, 4
_MAX_SIDE = 20_000
_FRAME = re.compile(r'^  File "script\.py", line (\d{1,6}),.*\n    (.*)', re.MULTILINE)
_TAG = re.compile(r"<svg\b[^>]{0,4000}")
_SIZE = re.compile(
    r"""(?<![\w-])(?:width=["'](\d{1,5})(?:\.\d{0,9})?(?:px)?["']|height=["'](\d{1,5})(?:\.\d{0,9})?(?:px)?["']"""
    r"""|viewBox=["'][\d.-]{1,20}[ ,]{1,9}[\d.-]{1,20}[ ,]{1,9}(\d{1,5})[\d.]{0,9}[ ,]{1,9}(\d{1,5})[\d.]{0,9}["'])"""
)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first lines of a text.

    Attributes:
        lines: The number of all lines.
        shown: The number of these lines.
    """

    text: str
    lines: int
    shown: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A script as an answer shows it, of limited size.

    Attributes:
        revision: The script's revision; `None` if only the run's log is known, which has no rows or pictures.
        seconds: How long it ran.
        error: The error in one line; `frame` is its place.
        sizes: Width and height in pixels of the first pictures, if known.
        pictures: The number of pictures.
        value: The value, if it is a text; with `html`, it is HTML source.
        table: The value, if it is a table: its first rows and its size.
    """

    state: ScriptState
    revision: int | None = None
    seconds: float = 0.0
    error: str = ""
    frame: str = ""
    sizes: tuple[tuple[int, int] | None, ...] = ()
    pictures: int = 0
    value: Beginning | None = None
    html: bool = False
    table: TableValue | None = None
    stdout: Beginning | None = None


def excerpts(run_id: str, queue: Iterable[Script]) -> dict[str, Excerpt]:
    """Return the excerpts of the scripts that a run proposed, by `script_id`."""
    return {each.proposal: excerpt(each) for each in queue if each.run_id == run_id and each.proposal}


def excerpt(script: Script) -> Excerpt:
    """Return the excerpt of a script."""
    if script.result is None:
        return Excerpt(script.state, script.revision)
    return replace(excerpt_of(script.state, script.result), revision=script.revision)


def excerpt_of(state: ScriptState, result: ScriptResult | None) -> Excerpt:
    """Return the excerpt of a result in a run's log."""
    if result is None:
        return Excerpt(state)
    value, pictures = result.value, [picture for picture in result.images if picture.data]
    return Excerpt(
        state,
        seconds=result.seconds,
        error=_error(result),
        frame=_frame(result.error),
        sizes=tuple(_size(picture) for picture in pictures[:_PICTURES]),
        pictures=len(pictures),
        value=_beginning(value.text, _VALUE_LINES) if isinstance(value, TextValue) else None,
        html=isinstance(value, TextValue) and value.format == "html",
        table=_table(value) if isinstance(value, TableValue) and (value.rows or not value.total) else None,
        stdout=_beginning(result.stdout, _LINES),
    )


def _beginning(text: str, most: int) -> Beginning | None:
    lines = text.strip("\n").split("\n")
    if not any(lines):
        return None
    return Beginning("\n".join(cut(line, _CHARACTERS) for line in lines[:most]), len(lines), min(most, len(lines)))


def _error(result: ScriptResult) -> str:
    return cut(result.reason.strip("\n").split("\n")[0], _CHARACTERS) if result.error is not None else ""


def _frame(error: ScriptError | None) -> str:
    """Return the script's line of the last frame."""
    frames = _FRAME.findall(error.traceback) if error is not None else []
    return f"line {frames[-1][0]}, {cut(frames[-1][1].strip(), _CHARACTERS)}" if frames else ""


def _table(table: TableValue) -> TableValue:
    rows = tuple(tuple(map(_cell, row[:_COLUMNS])) for row in table.rows[:_ROWS])
    names = tuple(cut(name, _CELL) for name in table.columns[:_COLUMNS])
    return TableValue(names, rows, table.total, table.width)


def _cell(cell: Cell) -> Cell:
    return cut(cell, _CELL) if isinstance(cell, str) else cell


def _size(picture: Picture) -> tuple[int, int] | None:
    """Return the width and height in the picture's file, to reserve space before it is loaded."""
    width = height = 0
    if picture.type == "image/png":
        width, height = (int.from_bytes(picture.data[place : place + 4], "big") for place in (16, 20))
    elif tag := _TAG.search(picture.data[:8_000].decode("latin-1")):
        for found in _SIZE.finditer(tag[0]):
            width, height = width or int(found[1] or 0), height or int(found[2] or 0)
        if not (width and height) and (box := next((each for each in _SIZE.finditer(tag[0]) if each[3]), None)):
            width, height = int(box[3]), int(box[4])
    return (width, height) if 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE else None
