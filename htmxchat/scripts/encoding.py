"""The result of a script as JSON, and back: for a store, a log and a page. Pure functions; standard library only."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, assert_never

from .result import Picture, ScriptError, ScriptResult, ScriptState, ScriptValue, TableValue, TextValue

KINDS: Mapping[type[ScriptValue], str] = {TextValue: "text", TableValue: "table", Picture: "image"}
"""The `kind` of each type of value in JSON."""
_MAX_PICTURES = 100


def encode_result(result: ScriptResult) -> dict[str, Any]:
    """Return a result as plain JSON."""
    error = result.error
    return {
        "state": result.state.value,
        "stdout": result.stdout,
        "stderr": result.stderr,
        "value": None if result.value is None else _encode_value(result.value),
        "pictures": [_encode_value(each) for each in result.pictures],
        "error": error
        and {"origin": error.origin, "type": error.type, "message": error.message, "traceback": error.traceback},
        "seconds": result.seconds,
        "truncated": result.truncated,
        "code": result.code,
    }


def decode_result(data: object) -> ScriptResult:
    """Decode a result. Missing fields are empty; incomplete rows are left out.

    Raises:
        ValueError: The data is not a result.
    """
    if not isinstance(data, dict):
        raise ValueError("A result is an object.")
    values: dict[str, Any] = {
        name: data[name] for name in ("stdout", "stderr", "seconds", "truncated", "code") if name in data
    }
    try:
        return ScriptResult(
            ScriptState(data["state"]),
            value=_decode_value(data.get("value")),
            pictures=_decode_pictures(data.get("pictures", [])),
            error=_decode_error(data.get("error")),
            **values,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def _encode_value(value: ScriptValue) -> dict[str, Any]:
    kind = KINDS[type(value)]
    match value:
        case TextValue(text=text, format=format):
            return {"kind": kind, "text": text, "format": format}
        case TableValue(columns=columns, rows=rows, total=total, width=width):
            return {"kind": kind, "columns": [*columns], "rows": [*map(list, rows)], "total": total, "width": width}
        case Picture(type=type_, data=data):
            return {"kind": kind, "type": type_, "base64": base64.b64encode(data).decode()}
    assert_never(value)


def _decode_value(data: Any) -> ScriptValue | None:
    match data:
        case None:
            return None
        case {"kind": "text", "text": text}:
            return TextValue(text, "html" if data.get("format") == "html" else "plain")
        case {"kind": "table", "columns": list(names)}:
            columns = tuple("" if name is None else str(name) for name in names)
            given = data.get("rows", [])
            rows = tuple(tuple(row) for row in given if isinstance(row, list) and len(row) == len(columns))
            return TableValue(columns, rows, data.get("total", len(rows)), data.get("width", len(columns)))
        case {"kind": "image"}:
            return _decode_picture(data)
    raise ValueError("A value is text, a table or an image.")


def _decode_picture(data: Any) -> Picture:
    return Picture(data["type"], base64.b64decode(data.get("base64", ""), validate=True))


def _decode_pictures(data: Any) -> tuple[Picture, ...]:
    if isinstance(data, int):  # older logs have the number of pictures
        return (Picture("image/png", b""),) * min(data, _MAX_PICTURES)
    if not isinstance(data, list):
        raise ValueError("Pictures are a list.")
    return tuple(map(_decode_picture, data))


def _decode_error(data: Any) -> ScriptError | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise ValueError("An error is an object.")
    texts = {name: data.get(name) or "" for name in ("message", "type", "traceback")}
    return ScriptError("python" if data.get("origin") == "python" else "sandbox", **texts)
