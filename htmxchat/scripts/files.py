"""The files of a script for download. Pure functions; standard library only."""

from __future__ import annotations

import csv
import io
import json
import re

from .encoding import encode_result
from .models import Script
from .result import Cell, ScriptResult, TableValue

# Spreadsheets interpret text that begins with these as a formula.
_FORMULA = re.compile(r"[=+\-@\t\r]")


def result_files(result: ScriptResult) -> tuple[str, ...]:
    """Return the names of the files with a script's result. The script itself is `code.py`."""
    table = ("table.csv",) if isinstance(result.value, TableValue) else ()
    return ("output.txt", *table, "result.json")


def file_text(script: Script, name: str) -> str | None:
    """Return a file's content; `None` if the script has no such file."""
    result = script.result
    match name:
        case "code.py":
            return script.code + "\n"
        case "output.txt" if result is not None:
            return result.text + "\n"
        case "table.csv" if result is not None and isinstance(result.value, TableValue):
            return _csv(result.value)
        case "result.json" if result is not None:
            return json.dumps(encode_result(result), ensure_ascii=False, indent=2) + "\n"
    return None


def _csv(table: TableValue) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([[_safe(cell) for cell in row] for row in (table.columns, *table.rows)])
    return file.getvalue()


def _safe(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
