"""The result of a script, as plain frozen data. Standard library only.

`encoding` makes JSON of it. The page knows the same shapes: `static/js/sandbox/result.d.ts` is made from this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, TypeAlias

from ..kinds import check_fields
from ..text.phrases import count

_NOTED = 2_000  # characters of a text in a run's log


class ScriptState(StrEnum):
    """The state of a script. States from `DONE` on are final, until it is edited or run again."""

    QUEUED = "queued"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self not in (ScriptState.QUEUED, ScriptState.APPROVED, ScriptState.RUNNING)


Cell: TypeAlias = str | int | float | bool | None
"""A cell of a table."""


@dataclass(frozen=True, slots=True)
class TextValue:
    """A value as text.

    Attributes:
        format: `html` is HTML source, to be shown as text.
    """

    text: str
    format: Literal["plain", "html"] = "plain"

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class TableValue:
    """A table, or the beginning of it.

    Attributes:
        columns: The names of the columns.
        rows: The rows, each with one cell per column. Empty in a run's log.
        total: The number of rows of the whole table.
        width: The number of columns of the whole table.

    Raises:
        ValueError: A row has the wrong number of cells, or `total` or `width` is too small.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    width: int

    def __post_init__(self) -> None:
        check_fields(self)
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("TableValue.rows: each row must have one cell per column.")
        if self.total < len(self.rows) or self.width < len(self.columns):
            raise ValueError("TableValue.total and width must count all rows and columns, including those left out.")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a script drew.

    Attributes:
        type: Its media type.
        data: The bytes of its file; empty in a run's log.
    """

    type: Literal["image/png", "image/svg+xml"]
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_fields(self)


ScriptValue: TypeAlias = TextValue | TableValue | Picture
"""The value of a script's last expression."""


@dataclass(frozen=True, slots=True)
class ScriptError:
    """Why a script did not complete.

    Attributes:
        origin: `python` for an exception, `sandbox` for an error of the sandbox or the chat.
        message: The message, for users.
        type: The exception's name, or the sandbox's name for the error. May be empty.
        traceback: Python's, or empty.
    """

    origin: Literal["python", "sandbox"]
    message: str
    type: str = ""
    traceback: str = ""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def explanation(self) -> str:
        """The message, if the traceback does not contain it; often empty."""
        # A traceback ends with the message, which may have several lines, or be cut.
        begin = self.message.split("\n")[0][:1_000]
        return "" if self.origin == "python" and begin in self.traceback else self.message

    @property
    def text(self) -> str:
        """The traceback and the explanation."""
        parts = self.traceback.rstrip("\n"), self.explanation
        return "\n".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """The result of a script.

    Attributes:
        state: done, failed, rejected, cancelled or timed-out.
        value: The value of its last line, if that is an expression with a value.
        pictures: The figures that it left open, besides the value.
        error: Why it is not done; may be missing if the user rejected or cancelled it.
        seconds: How long it ran.
        truncated: Whether output was cut because it was too long.
        code: The code that ran, perhaps edited by the user. Empty if nothing ran.

    Raises:
        ValueError: `seconds` is negative or infinite.
    """

    state: ScriptState
    stdout: str = ""
    stderr: str = ""
    value: ScriptValue | None = None
    pictures: tuple[Picture, ...] = ()
    error: ScriptError | None = None
    seconds: float = 0.0
    truncated: bool = False
    code: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 <= self.seconds < math.inf:
            raise ValueError(f"ScriptResult.seconds must be a duration, not {self.seconds}.")

    @property
    def done(self) -> bool:
        """Whether it completed."""
        return self.state is ScriptState.DONE

    @property
    def images(self) -> tuple[Picture, ...]:
        """All pictures, the value's first."""
        return (self.value, *self.pictures) if isinstance(self.value, Picture) else self.pictures

    @property
    def text(self) -> str:
        """Everything as text, for a model."""
        parts = [self.stdout, self.stderr]
        match self.value:
            case TextValue(text=text):
                parts.append(text)
            case TableValue(columns=columns, rows=rows):
                parts += ["\t".join(map(str, row)) for row in (columns, *rows)]
        if pictures := len(self.images):
            parts.append(f"({count(pictures, 'picture')}, shown to the user)")
        parts.append(self._trouble)
        return "\n".join(part.rstrip("\n") for part in parts if part.strip())

    @property
    def reason(self) -> str:
        """Why it did not complete: the exception, or a sentence. Empty if it completed."""
        if self.done:
            return ""
        error = self.error
        if error is not None and error.origin == "python" and self.state is ScriptState.FAILED:
            return f"{error.type}: {error.message}" if error.message else error.type
        return self._trouble

    @property
    def abridged(self) -> ScriptResult:
        """The result as stored in a run's log: text is cut, tables have no rows, pictures no data."""
        value, error = self.value, self.error
        match value:
            case TextValue(text=text):
                value = replace(value, text=_cut(text))
            case TableValue():
                value = replace(value, rows=())
            case Picture():
                value = replace(value, data=b"")
        if error is not None:
            error = replace(error, message=_cut(error.message), traceback=_cut(error.traceback))
        return replace(
            self,
            stdout=_cut(self.stdout),
            stderr=_cut(self.stderr),
            code=_cut(self.code),
            value=value,
            pictures=tuple(replace(each, data=b"") for each in self.pictures),
            error=error,
        )

    @property
    def _trouble(self) -> str:
        said = self.error.text if self.error else ""
        if self.state is ScriptState.CANCELLED:
            return "The user cancelled the script."
        if self.state is ScriptState.REJECTED and not said:
            return "The user rejected the script. It did not run."
        return said


def _cut(text: str) -> str:
    return text if len(text) <= _NOTED else f"{text[:_NOTED]}… ({len(text):,} characters)"
