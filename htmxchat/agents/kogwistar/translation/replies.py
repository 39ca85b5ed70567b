"""What the server says, as typed values. Reading is lenient: old and new forms, missing and unknown keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ....text.cleaning import clean_json, clean_text

_TERMINAL = frozenset({"succeeded", "completed", "failed", "cancelled", "already-terminal"})
_ENVELOPE = frozenset({"seq", "run_id", "event_type", "type", "created_at_ms", "payload"})


@dataclass(frozen=True, slots=True)
class ServerConversation:
    id: str
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class ServerTurn:
    id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A run that the server has accepted."""

    run_id: str
    turn_id: str
    admission: str = "accepted"


@dataclass(frozen=True, slots=True)
class ServerRun:
    """A run's row. `workflow_status` says how it ended; `status` only whether it has ended."""

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

    @property
    def text(self) -> str:
        """The answer that the row holds, if any."""
        return text_at(self.result, "assistant_text")

    @property
    def final_state(self) -> Mapping[str, Any]:
        return mapping(self.result.get("final_state"))


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a run's stream, however the server wrote it down.

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
    errors: tuple[str, ...] = ()
    resume_payload: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    update: Any = None
    next: tuple[str, ...] = ()
    workflow: str = ""

    @property
    def failed(self) -> bool:
        return self.status in ("failure", "failed")


def read_account(data: Any) -> str:
    """Return the server's id of who a token belongs to."""
    return identity(data["user_id"])


def read_conversation(data: Any) -> ServerConversation:
    """Read an item of the list as well as a whole conversation."""
    id, user_id = data.get("conversation_id") or data["id"], data.get("user_id")
    return ServerConversation(identity(id), None if user_id is None else identity(user_id))


def read_conversations(data: Any) -> tuple[ServerConversation, ...]:
    return tuple(map(read_conversation, data["conversations"]))


def read_turns(data: Any) -> tuple[ServerTurn, ...]:
    """Read the turns that someone wrote; the order is the server's."""
    found = data["turns"]
    turns = [ServerTurn(identity(turn["node_id"]), text_at(turn, "role"), text_at(turn, "content")) for turn in found]
    return tuple(turn for turn in turns if turn.role in ("user", "assistant"))


def read_submitted(data: Any) -> Submitted:
    turn_id = text_at(data, "user_turn_node_id") or text_at(data, "turn_node_id")
    return Submitted(identity(data["run_id"]), turn_id, text_at(data, "admission") or "accepted")


def read_run(data: Any) -> ServerRun:
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


def read_events(data: Any) -> tuple[ServerEvent, ...]:
    return tuple(map(read_event, data["events"]))


def read_state(data: Any) -> dict[str, Any]:
    """Return the state at a checkpoint."""
    return mapping(mapping(data).get("state"))


def read_last_state(data: Any) -> dict[str, Any]:
    """Return the state at the last of all checkpoints; empty without any."""
    listed = mapping(data).get("checkpoints")
    return read_state(listed[-1]) if isinstance(listed, list) and listed else {}


def read_evidence(data: Any) -> dict[str, str]:
    """Return summaries by reference. References that are texts have none."""
    return {text_at(ref, "ref"): text_at(ref, "summary") for ref in objects(mapping(data).get("evidence_refs"))}


def read_steps(data: Any) -> tuple[Step, ...]:
    steps: list[Step] = []
    for step in data["steps"]:
        result = mapping(step.get("result"))
        steps.append(
            Step(
                int(step.get("step_seq", len(steps))),
                text_at(step, "op"),
                text_at(step, "status"),
                text_at(result, "wait_reason"),
                tuple(strings(result.get("errors"))),
                mapping(result.get("resume_payload")),
                _seconds(step.get("duration_ms")),
                _update(result.get("state_update")),
                tuple(strings(result.get("next_step_names"))),
                text_at(step, "workflow_id"),
            )
        )
    return tuple(steps)


def _seconds(milliseconds: Any) -> float | None:
    known = isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool)
    return milliseconds / 1000 if known else None


def _update(changes: Any) -> Any:
    """Return the changes of a step as one object. The server also names the operation: overwrite, append, extend."""
    found: dict[str, Any] = {}
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, list) and len(change) == 2:
            found.update(mapping(change[1]))
    return found or None


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
