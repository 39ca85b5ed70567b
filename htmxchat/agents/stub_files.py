"""The files of the demo: what it says of those that it is given, and those that it makes. Standard library only."""

from __future__ import annotations

import csv
import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from ..text.phrases import byte_size, count

MOST_READ = 1024 * 1024
"""Bytes of a file that the demo reads."""

BOOKINGS = (
    ("Monday", 412, 18),
    ("Tuesday", 398, 11),
    ("Wednesday", 431, 14),
    ("Thursday", 467, 9),
    ("Friday", 638, 31),
    ("Saturday", 742, 40),
    ("Sunday", 529, 22),
)
_INK, _PAPER, _GRID = 0x8B, 0xFF, 0xE4
_WIDTH, _HEIGHT = 520, 220


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers."""

    name: str
    numbers: tuple[float, ...]


def bookings_csv() -> str:
    """Return a week of bookings as a table."""
    return _table(("day", "bookings", "cancelled"), BOOKINGS)


def summary_csv(columns: Sequence[Column]) -> str:
    """Return the least, the mean and the most of each column."""
    head = ("column", "values", "least", "mean", "most")
    rows = [(each.name, len(each.numbers), *map(_short, _facts(each.numbers))) for each in columns]
    return _table(head, rows)


def columns(text: str) -> list[Column]:
    """Return the columns of a CSV file that hold numbers."""
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    except csv.Error:
        return []
    found = []
    for place, name in enumerate(rows[0] if rows else []):
        numbers = [number for row in rows[1:] if place < len(row) and (number := _number(row[place])) is not None]
        if numbers and len(numbers) >= len(rows[1:]) / 2:
            found.append(Column(name or f"column {place + 1}", tuple(numbers)))
    return found


def described(name: str, media_type: str, size: int, text: str | None) -> str:
    """Return a line of Markdown about a file; `text` is what is in it, if it is text."""
    facts = [media_type, byte_size(size)]
    if text is not None:
        facts.append(count(len(text.splitlines()), "line"))
    escaped = name.replace("\\", "\\\\").replace("`", "'")
    return f"- `{escaped}`: {', '.join(facts)}\n"


def chart(values: Sequence[float]) -> bytes:
    """Return bars as a picture: a PNG in shades of grey."""
    rows = [bytearray([_PAPER]) * _WIDTH for _ in range(_HEIGHT)]
    for line in range(0, _HEIGHT, _HEIGHT // 4):
        rows[line][:] = bytes([_GRID]) * _WIDTH
    most = max(map(abs, values), default=0) or 1
    step = _WIDTH / max(len(values), 1)
    for place, value in enumerate(values):
        left, right = round(place * step + step * 0.15), max(round((place + 1) * step - step * 0.15), 1)
        for row in rows[_HEIGHT - round(abs(value) / most * (_HEIGHT - 12)) :]:
            row[left:right] = bytes([_INK]) * (right - left)
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([head, *rows])
    return file.getvalue()


def _facts(numbers: Sequence[float]) -> tuple[float, float, float]:
    return min(numbers), mean(numbers), max(numbers)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None  # neither "nan" nor "inf"
