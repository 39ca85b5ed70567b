"""A script and what came of it, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..events import JSON
from ..kinds import check_fields
from ..models import Waiting


class ScriptState(StrEnum):
    """Where a script is. Everything from `DONE` on is over, unless it is edited or run again."""

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

    @property
    def waiting(self) -> Waiting:
        """What a run waits for that awaits a script in this state."""
        known = {ScriptState.QUEUED: Waiting.APPROVAL, ScriptState.APPROVED: Waiting.APPROVED}
        return known.get(self, Waiting.SCRIPT)


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What came of a script.

    Attributes:
        state: done, failed, rejected, cancelled or timed-out.
        value: What its last line is worth: `None`, or an object with a `kind` (text, table, image) and its data.
        pictures: The figures that it left open, objects as for a value of the kind image.
        error: `None`, or an object with `origin` (python or sandbox), `type`, `message` and `traceback`.
        seconds: How long it ran.
        truncated: Whether some output was left out.
        code: What ran: what was proposed, unless the user edited it. Empty when nothing ran.
    """

    state: ScriptState
    stdout: str = ""
    stderr: str = ""
    value: JSON = None
    pictures: tuple[JSON, ...] = ()
    error: JSON = None
    seconds: float = 0.0
    truncated: bool = False
    code: str = ""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def done(self) -> bool:
        """Whether it ran to its end."""
        return self.state is ScriptState.DONE

    @property
    def images(self) -> tuple[JSON, ...]:
        """All pictures, that of the value first."""
        is_image = isinstance(self.value, dict) and self.value.get("kind") == "image"
        return (self.value, *self.pictures) if is_image else self.pictures

    @property
    def text(self) -> str:
        """All that can be said in words: what a model should read."""
        parts = [self.stdout, self.stderr]
        match self.value:
            case {"kind": "text", "text": str(text)}:
                parts.append(text)
            case {"kind": "table", "columns": list(columns), "rows": list(rows)}:
                parts += ["\t".join(map(str, row)) for row in [columns, *rows]]
        if count := len(self.images):
            parts.append(f"({count} picture{'s' * (count > 1)}, shown to the user)")
        parts.append(self._trouble)
        return "\n".join(part.rstrip("\n") for part in parts if part.strip())

    @property
    def reason(self) -> str:
        """Why it did not run to its end, without its output: how its traceback ends, or a sentence. Empty if it did."""
        if self.done:
            return ""
        match self.error:
            case {"origin": "python", "type": str(type), "message": str(message)} if self.state is ScriptState.FAILED:
                return f"{type}: {message}" if message else type
        return self._trouble

    @property
    def explanation(self) -> str:
        """What went wrong or what to do about it, in a sentence that the traceback does not have; often empty."""
        error = self.error if isinstance(self.error, dict) else {}
        traceback, message = str(error.get("traceback") or ""), str(error.get("message") or "")
        # Python's own message ends its traceback, and may have several lines, or be cut.
        begin = message.split("\n")[0][:1_000]
        return "" if error.get("origin") == "python" and begin in traceback else message

    @property
    def _trouble(self) -> str:
        error = self.error if isinstance(self.error, dict) else {}
        traceback = str(error.get("traceback") or "").rstrip("\n")
        said = "\n".join(part for part in (traceback, self.explanation) if part)
        if self.state is ScriptState.CANCELLED:
            return "The user cancelled the script."
        if self.state is ScriptState.REJECTED and not said:
            return "The user rejected the script. It did not run."
        return said


@dataclass(frozen=True, slots=True)
class Script:
    """Python from an answer, in the queue of its conversation.

    Attributes:
        origin: `proposal:` and the proposal's `script_id`, or `block:` and the number of the answer's Python block.
        position: Its place in the queue; rises with time.
        awaited: Whether its run waits for the result.
        edited: Whether the user changed the text.
        approved: The SHA-256 of the text that was approved.
        trusted: Whether it was approved without anybody looking.
        revision: Rises with every change.
        runner: The page that runs it, or ran it last.
        lease_until: When that page counts as gone unless it says something.
        cleared: Whether the user has put it out of sight.
    """

    id: str
    conversation_id: str
    run_id: str
    origin: str
    title: str
    code: str
    state: ScriptState
    position: int
    created_at: datetime
    awaited: bool = False
    edited: bool = False
    approved: str | None = None
    trusted: bool = False
    revision: int = 0
    approved_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    runner: str | None = None
    lease_until: datetime | None = None
    result: ScriptResult | None = None
    cleared: bool = False

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def proposal(self) -> str:
        """The `script_id` of the proposal that it comes from; empty for a block of an answer."""
        kind, _, id = self.origin.partition(":")
        return id if kind == "proposal" else ""
