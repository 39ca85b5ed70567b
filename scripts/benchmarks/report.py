"""Tables of figures, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

FORMATS = {
    "KB": "{:,.1f}", "s": "{:,.3f}", "ms": "{:,.1f}", "µs": "{:,.1f}", "%": "{:,.0f}", "": "{:,.0f}", "^": "{:.2f}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of figures, a figure a column; `None` is not measured.

    Attributes:
        unit: A key of `FORMATS`; `^` is an exponent.
        limit: The target: the figure of column `judged` is to be below it.
        exact: The target is met only by exactly `limit`.
    """

    name: str
    values: Sequence[float | None]
    unit: str = ""
    limit: float | None = None
    judged: int = 0
    exact: bool = False

    @property
    def met(self) -> bool | None:
        value = self.values[self.judged]
        if self.limit is None or value is None:
            return None
        return value == self.limit if self.exact else value < self.limit


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: list[Row] = field(default_factory=list)
    last_unit: str | None = None  # of the last column, when it differs from that of the row

    def __str__(self) -> str:
        wide = max(len(row.name) for row in self.rows) + 5
        lines = [self.title, " " * wide + "".join(f"{column:>14}" for column in self.columns) + "    target"]
        lines += [self._line(row, wide) for row in self.rows]
        return "\n".join(lines) + "\n"

    def _line(self, row: Row, wide: int) -> str:
        units = [row.unit] * len(row.values)
        if self.last_unit is not None:
            units[-1] = self.last_unit
        cells = ["–" if v is None else FORMATS[u].format(v) for u, v in zip(units, row.values, strict=True)]
        name = f"  {row.name}{f', {row.unit}' if row.unit else ''}"
        line = f"{name:{wide}}" + "".join(f"{cell:>14}" for cell in cells)
        if row.met is None or row.limit is None:
            return line
        target = f"{'' if row.exact else '< '}{FORMATS[units[row.judged]].format(row.limit)}"
        return f"{line}    {target}  {'ok' if row.met else 'OVER'}"
