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
    """Where a script is. Everything from `DONE` on has ended, unless it is edited or run again."""

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
        """Whether nothing happens to it by itself any more."""
        return self not in (ScriptState.QUEUED, ScriptState.APPROVED, ScriptState.RUNNING)


Cell: TypeAlias = str | int | float | bool | None
"""What stands in a table."""


@dataclass(frozen=True, slots=True)
class TextValue:
    """A value in words.

    Attributes:
        format: `html` is source, to be shown as text.
    """

    text: str
    format: Literal["plain", "html"] = "plain"

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class TableValue:
    """A value in rows and columns, or the beginning of it.

    Attributes:
        columns: Their names.
        rows: As many cells in each as there are columns. None in a run's log.
        total: How many rows there were.
        width: How many columns there were.

    Raises:
        ValueError: A row has another number of cells, or there is more than there was.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    width: int

    def __post_init__(self) -> None:
        check_fields(self)
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("TableValue.rows: each row has as many cells as there are columns.")
        if self.total < len(self.rows) or self.width < len(self.columns):
            raise ValueError("TableValue.total and width count all rows and columns, also those that are left out.")


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
"""What the last line of a script is worth."""


@dataclass(frozen=True, slots=True)
class ScriptError:
    """Why a script did not run to its end.

    Attributes:
        origin: Whose words these are: those of Python's exception, or of the sandbox and the chat.
        message: What went wrong, for people.
        type: The exception's name; of the sandbox, a name for what happened. May be empty.
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
        """What went wrong or what to do about it, in a sentence that the traceback does not have; often empty."""
        # Python's own message ends its traceback, and may have several lines, or be cut.
        begin = self.message.split("\n")[0][:1_000]
        return "" if self.origin == "python" and begin in self.traceback else self.message

    @property
    def text(self) -> str:
        """All of it: the traceback, and what it does not say."""
        parts = self.traceback.rstrip("\n"), self.explanation
        return "\n".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """The result of a script.

    Attributes:
        state: done, failed, rejected, cancelled or timed-out.
        value: What its last line is worth, if it is an expression that has a value.
        pictures: The figures that it left open, apart from the value.
        error: Why it is not done; may be missing when the user did not want it.
        seconds: How long it ran.
        truncated: Whether some output was left out because there was too much.
        code: What ran: what was proposed, unless the user edited it. Empty when nothing ran.

    Raises:
        ValueError: `seconds` is no time.
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
        """Whether it ran to its end."""
        return self.state is ScriptState.DONE

    @property
    def images(self) -> tuple[Picture, ...]:
        """All pictures, that of the value first."""
        return (self.value, *self.pictures) if isinstance(self.value, Picture) else self.pictures

    @property
    def text(self) -> str:
        """All that can be said in words: what a model should read."""
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
        """Why it did not run to its end, without its output: how its traceback ends, or a sentence. Empty if it did."""
        if self.done:
            return ""
        error = self.error
        if error is not None and error.origin == "python" and self.state is ScriptState.FAILED:
            return f"{error.type}: {error.message}" if error.message else error.type
        return self._trouble

    @property
    def abridged(self) -> ScriptResult:
        """It as a run's log has it: long text is cut, a table has no rows, and a picture no data."""
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
