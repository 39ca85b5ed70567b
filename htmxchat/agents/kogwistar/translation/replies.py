"""What the server says, as typed values. Reading is lenient: old and new forms, missing and unknown keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ....text.cleaning import clean_json, clean_text

_TERMINAL = frozenset({"succeeded", "completed", "failed", "cancelled", "already-terminal"})
_ENVELOPE = frozenset({"seq", "run_id", "event_type", "type", "created_at_ms", "payload"})


@dataclass(frozen=True, slots=True)
class ServerTurn:
    id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class ServerRun:
    """A run. `workflow_status` says how it ended; `status` only whether it has ended."""

    id: str
    conversation_id: str
    workflow_id: str
    turn_id: str
    assistant_turn_id: str
    status: str
    terminal: bool
    workflow_status: str = ""
    error: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    admission: str = ""

    @property
    def text(self) -> str:
        """The answer in the result, if any."""
        return text_at(self.result, "assistant_text")

    @property
    def final_state(self) -> Mapping[str, Any]:
        return mapping(self.result.get("final_state"))


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a run's stream.

    Attributes:
        raw: All of it as JSON that can be stored.
    """

    seq: int
    type: str
    at: datetime
    payload: Mapping[str, Any]
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a workflow.

    Attributes:
        errors: What it said when it failed; the server adds tracebacks, which no page may show.
        update: What it changed in the workflow's state.
        next: The steps that it chose to continue with.
    """

    seq: int
    op: str
    status: str
    wait_reason: str = ""
    errors: Sequence[str] = ()
    resume_payload: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    update: Mapping[str, Any] = field(default_factory=dict)
    next: Sequence[str] = ()
    workflow: str = ""

    @property
    def failed(self) -> bool:
        return self.status in ("failure", "failed")


def read_account(data: Any) -> str:
    """Return the server's id of who a token belongs to."""
    return identity(data["user_id"])


def read_conversation(data: Any) -> tuple[str, str]:
    """Return the id of a conversation, which has another key in lists, and of its owner, which a list may leave out."""
    return identity(data.get("conversation_id") or data["id"]), text_at(data, "user_id")


def read_conversations(data: Any) -> list[str]:
    return [read_conversation(each)[0] for each in data["conversations"]]


def read_turns(data: Any) -> tuple[ServerTurn, ...]:
    """Read the turns that someone wrote; the order is the server's."""
    found = data["turns"]
    turns = [ServerTurn(identity(turn["node_id"]), text_at(turn, "role"), text_at(turn, "content")) for turn in found]
    return tuple(turn for turn in turns if turn.role in ("user", "assistant"))


def read_run(data: Any) -> ServerRun:
    """Read a run's row, or what the server says of one that it has accepted."""
    status = text_at(data, "status")
    result = mapping(data.get("result"))
    error = data.get("error")
    return ServerRun(
        id=identity(data["run_id"]),
        conversation_id=text_at(data, "conversation_id"),
        workflow_id=text_at(data, "workflow_id"),
        turn_id=text_at(data, "user_turn_node_id") or text_at(data, "turn_node_id"),
        # In the row of a run that was stopped late, only the result has it.
        assistant_turn_id=text_at(data, "assistant_turn_node_id") or text_at(result, "assistant_turn_node_id"),
        status=status,
        terminal=bool(data["terminal"]) if "terminal" in data else status in _TERMINAL,
        workflow_status=text_at(result, "workflow_status"),
        error=clean_text(error) if isinstance(error, str) else text_at(mapping(error), "message"),
        result=result,
        admission=text_at(data, "admission"),
    )


def read_event(data: Any, seq: int | None = None, name: str = "") -> ServerEvent:
    """Read an event with a flat or a nested payload.

    Args:
        seq, name: The stream's `id` and `event` fields.

    Raises:
        KeyError, TypeError, ValueError: The event has no number or no type.
    """
    if not isinstance(data, Mapping):
        raise TypeError("an event is an object")
    payload = data.get("payload")
    if not isinstance(payload, Mapping):
        payload = {key: value for key, value in data.items() if key not in _ENVELOPE}
    number = int(data["seq"]) if seq is None else seq
    kind = name or str(data.get("event_type") or data["type"])
    at = moment(data.get("created_at_ms")) or datetime.now(UTC)
    return ServerEvent(number, clean_text(kind), at, payload, {"seq": number, **mapping(clean_json(data))})


def read_events(data: Any) -> list[ServerEvent]:
    return [read_event(each) for each in data["events"]]


def read_state(data: Any) -> dict[str, Any]:
    """Return the state at a checkpoint."""
    return mapping(mapping(data).get("state"))


def read_last_state(data: Any) -> dict[str, Any]:
    """Return the state at the last of all checkpoints; empty without any."""
    return read_state((objects(mapping(data).get("checkpoints")) or [{}])[-1])


def read_evidence(data: Any) -> dict[str, str]:
    """Return summaries by reference. References that are texts have none."""
    return {text_at(ref, "ref"): text_at(ref, "summary") for ref in objects(mapping(data).get("evidence_refs"))}


def read_steps(data: Any) -> list[Step]:
    return [_step(number, step, mapping(step.get("result"))) for number, step in enumerate(data["steps"])]


def _step(number: int, step: Any, result: Mapping[str, Any]) -> Step:
    lasted, changes = step.get("duration_ms"), result.get("state_update")
    # Each change also names its kind: overwrite, append or extend.
    pairs = [each for each in changes if isinstance(each, list) and len(each) == 2] if isinstance(changes, list) else []
    return Step(
        int(step.get("step_seq", number)),
        text_at(step, "op"),
        text_at(step, "status"),
        text_at(result, "wait_reason"),
        strings(result.get("errors")),
        mapping(result.get("resume_payload")),
        lasted / 1000 if isinstance(lasted, int | float) else None,
        {key: value for _, change in pairs for key, value in mapping(change).items()},
        strings(result.get("next_step_names")),
        text_at(step, "workflow_id"),
    )


def identity(value: Any) -> str:
    """Return an id.

    Raises:
        ValueError: It is no text: `null` must not become a user of that name.
    """
    if not isinstance(value, str) or not value:
        raise ValueError("an id is a text that is not empty")
    return value


def strings(value: Any) -> list[str]:
    """Return the texts in a list, or a text in place of a list; nothing of anything else."""
    items = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return [str(item) for item in items if item]


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; nothing of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """Return `value` if it is an object, else an empty object."""
    return value if isinstance(value, dict) else {}


def text_at(data: Mapping[str, Any], key: str) -> str:
    """Return the text at `key` as it can be stored, or an empty one."""
    value = data.get(key)
    return clean_text(value) if isinstance(value, str) else ""


def moment(value: Any, per_second: int = 1000) -> datetime | None:
    """Return a time that is written as a number of milliseconds, or of other parts of a second, since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / per_second, UTC)
    except (OverflowError, ValueError, OSError):
        return None
