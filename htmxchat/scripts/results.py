"""What came of a script, as a browser says it: checked, and put into files. Pure functions; standard library only.

Nothing that a sandbox says is more than data. Its shape is checked here, and everything else is refused.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from ..cleaning import read_json
from ..errors import InvalidInput
from ..events import JSON
from .models import ScriptResult, ScriptState

NOT_A_RESULT = "This is not what a script can come to."
_STATES = frozenset({ScriptState.DONE, ScriptState.FAILED, ScriptState.CANCELLED, ScriptState.TIMED_OUT})
_MOST_COLUMNS, _MOST_ROWS, _MOST_PICTURES = 200, 2_000, 100
_LONGEST_NAME = 200
_NOTED = 2_000  # characters of a text in the log
_PNG = b"\x89PNG\r\n\x1a\n"
# A spreadsheet would take these for a formula.
_FORMULA = re.compile(r"[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a script drew.

    Attributes:
        type: `image/png` or `image/svg+xml`.
    """

    type: str
    data: bytes


def parse_result(data: JSON) -> ScriptResult:
    """Return the result that a page posted.

    Raises:
        InvalidInput: It is none.
    """
    if not isinstance(data, dict):
        raise InvalidInput(NOT_A_RESULT)
    state = data.get("state")
    if not isinstance(state, str) or state not in _STATES:
        raise InvalidInput(NOT_A_RESULT)
    seconds = data.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
        raise InvalidInput(NOT_A_RESULT)
    return ScriptResult(
        ScriptState(state),
        _text(data.get("stdout", "")),
        _text(data.get("stderr", "")),
        _value(data.get("value")),
        _pictures(data.get("pictures", [])),
        _error(data.get("error")),
        round(float(seconds), 3),
        data.get("truncated") is True,
    )


def encode_result(result: ScriptResult) -> dict[str, Any]:
    """Return a result as plain JSON."""
    return {**asdict(result), "state": result.state.value, "pictures": list(result.pictures)}


def decode_result(values: JSON) -> ScriptResult:
    """Undo `encode_result`."""
    assert isinstance(values, dict)
    pictures = tuple(values.get("pictures", ()))
    return ScriptResult(**{**values, "state": ScriptState(values["state"]), "pictures": pictures})


def no_python(message: str) -> dict[str, JSON]:
    """Return an error that is none of Python's: what kept the script from running."""
    return {"origin": "sandbox", "type": "", "message": message, "traceback": ""}


def abridged(result: ScriptResult) -> dict[str, JSON]:
    """Return a result as it is noted in the run's log: long text cut, pictures left out."""
    value = result.value
    if isinstance(value, dict):
        value = {name: _cut(held) for name, held in value.items() if name not in ("base64", "rows")}
    error = {name: _cut(held) for name, held in result.error.items()} if isinstance(result.error, dict) else None
    return {
        "state": result.state.value,
        "seconds": result.seconds,
        "stdout": _cut(result.stdout),
        "stderr": _cut(result.stderr),
        "value": value,
        "pictures": len(result.pictures),
        "error": error,
        "code": _cut(result.code),
    }


def _cut(value: JSON) -> JSON:
    if isinstance(value, str) and len(value) > _NOTED:
        return f"{value[:_NOTED]}… ({len(value):,} characters)"
    return value


def pictures(result: ScriptResult) -> list[Picture]:
    """Return the pictures of a result."""
    images = [each for each in result.images if isinstance(each, dict)]
    return [Picture(str(each["type"]), base64.b64decode(str(each["base64"]))) for each in images]


def output(result: ScriptResult) -> str:
    """Return all text of a result."""
    return result.text + "\n"


def table(result: ScriptResult) -> str | None:
    """Return the table of a result as CSV; `None` if it has none."""
    match result.value:
        case {"kind": "table", "columns": list(columns), "rows": list(rows)}:
            file = io.StringIO()
            csv.writer(file).writerows([[_cell(each) for each in row] for row in [columns, *rows]])
            return file.getvalue()
    return None


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _text(value: JSON) -> str:
    if not isinstance(value, str):
        raise InvalidInput(NOT_A_RESULT)
    return value.replace("\r\n", "\n")


def _error(value: JSON) -> JSON:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidInput(NOT_A_RESULT)
    return {
        "origin": "python" if value.get("origin") == "python" else "sandbox",
        "type": _text(value.get("type") or "")[:_LONGEST_NAME],
        "message": _text(value.get("message") or ""),
        "traceback": _text(value.get("traceback") or ""),
    }


def _value(value: JSON) -> JSON:
    held = value if isinstance(value, dict) else {}
    match value:
        case None:
            return None
        case {"kind": "text", "text": str(text)}:
            return {"kind": "text", "text": text, "format": "html" if held.get("format") == "html" else "plain"}
        case {"kind": "table", "columns": list(columns), "rows": list(rows)}:
            return {
                "kind": "table",
                "columns": _row(columns),
                "rows": _rows(rows, len(columns)),
                "total": _count(held.get("total"), len(rows)),
                "width": _count(held.get("width"), len(columns)),
            }
        case {"kind": "image"}:
            return _image(value)
    raise InvalidInput(NOT_A_RESULT)


def _pictures(value: JSON) -> tuple[JSON, ...]:
    if not isinstance(value, list) or len(value) > _MOST_PICTURES:
        raise InvalidInput(NOT_A_RESULT)
    return tuple(map(_image, value))


def _count(value: JSON, least: int) -> int:
    if value is None:
        return least
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInput(NOT_A_RESULT)
    return value


def _rows(rows: list[Any], width: int) -> list[JSON]:
    if width > _MOST_COLUMNS or len(rows) > _MOST_ROWS:
        raise InvalidInput(f"A table may have {_MOST_COLUMNS} columns and {_MOST_ROWS:,} rows.")
    if not all(isinstance(row, list) and len(row) == width for row in rows):
        raise InvalidInput(NOT_A_RESULT)
    return [_row(row) for row in rows]


def _row(cells: list[Any]) -> list[JSON]:
    for cell in cells:
        if not (cell is None or isinstance(cell, str | int | float)):
            raise InvalidInput(NOT_A_RESULT)
    return [str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in cells]


def _image(value: JSON) -> JSON:
    match value:
        case {"type": "image/png" | "image/svg+xml" as type, "base64": str(data)}:
            try:
                decoded = base64.b64decode(data, validate=True)
            except (binascii.Error, ValueError):
                raise InvalidInput(NOT_A_RESULT) from None
            if type == "image/png" and not decoded.startswith(_PNG):
                raise InvalidInput(NOT_A_RESULT)
            return {"kind": "image", "type": type, "base64": data}
    raise InvalidInput(NOT_A_RESULT)


def read_body(body: bytes) -> JSON:
    """Return what a body says.

    Raises:
        InvalidInput: It is not JSON.
    """
    try:
        return read_json(body)
    except ValueError:
        raise InvalidInput("Send the result as JSON that is not nested too deep.") from None
