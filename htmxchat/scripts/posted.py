"""Checks the result of a script that a page posts. Pure functions; standard library only.

A sandbox is untrusted: anything but a valid result is rejected.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..errors import InvalidInput
from ..events import JSON
from ..text.cleaning import read_json
from .encoding import decode_result
from .result import Picture, ScriptError, ScriptResult, ScriptState, TableValue

NOT_A_RESULT = "This is not a valid result of a script."
ENDS = (ScriptState.DONE, ScriptState.FAILED, ScriptState.CANCELLED, ScriptState.TIMED_OUT)
"""The final states of a script that a page ran."""
_MAX_COLUMNS, _MAX_ROWS, _MAX_CELLS, _MAX_PICTURES = 200, 2_000, 50_000, 100
_MAX_NAME = 200
_PNG = b"\x89PNG\r\n\x1a\n"


def read_body(body: bytes) -> JSON:
    """Return a body's JSON.

    Raises:
        InvalidInput: It is not JSON.
    """
    try:
        return read_json(body)
    except ValueError:
        raise InvalidInput("Send the result as JSON that is not nested too deep.") from None


def parse_result(data: JSON) -> ScriptResult:
    """Return the result that a page posted.

    Raises:
        InvalidInput: The data is not a valid result.
    """
    value = data.get("value") if isinstance(data, dict) else None
    if isinstance(value, dict) and value.get("kind") == "table":
        _check_table(value)
    try:
        result = decode_result(data)
    except ValueError:
        raise InvalidInput(NOT_A_RESULT) from None
    if result.state not in ENDS or len(result.pictures) > _MAX_PICTURES or not all(map(_is_drawn, result.images)):
        raise InvalidInput(NOT_A_RESULT)
    if isinstance(result.value, TableValue):
        result = replace(result, value=replace(result.value, rows=tuple(map(_storable, result.value.rows))))
    return replace(
        result,
        stdout=_lines(result.stdout),
        stderr=_lines(result.stderr),
        error=result.error and _readable(result.error),
        seconds=round(result.seconds, 3),
        code="",
    )


def _check_table(table: dict[str, Any]) -> None:
    match table:
        case {"columns": list(columns), "rows": list(rows)}:
            width = len(columns)
            if width > _MAX_COLUMNS or len(rows) > _MAX_ROWS or width * len(rows) > _MAX_CELLS:
                most = f"{_MAX_COLUMNS} columns, {_MAX_ROWS:,} rows and {_MAX_CELLS:,} cells"
                raise InvalidInput(f"A table may have {most}.")
            if all(isinstance(row, list) and len(row) == width for row in [columns, *rows]) and all(
                cell is None or isinstance(cell, str | int | float) for row in [columns, *rows] for cell in row
            ):
                return
    raise InvalidInput(NOT_A_RESULT)


def _storable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in row)


def _is_drawn(picture: Picture) -> bool:
    return picture.data.startswith(_PNG) if picture.type == "image/png" else picture.data != b""


def _readable(error: ScriptError) -> ScriptError:
    return replace(error, type=error.type[:_MAX_NAME], message=_lines(error.message), traceback=_lines(error.traceback))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
