"""How a run of the server ended, and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ....events import JSON
from .fields import Event, known, mapping, objects, text
from .tools import structured

Way: TypeAlias = Literal["resume", "command", "tool"]


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A question of the server.

    Attributes:
        way: How the answer goes back: as a `resume` entry, as LangGraph's own command, or as the result of a tool.
        schema: A JSON Schema of the answer, if there is one.
        raw: What the agent's code gave, if the server passes it on.
        call_id: The tool call that it is about.
    """

    id: str
    way: Way = "resume"
    reason: str = ""
    message: str = ""
    schema: JSON = None
    expires_at: str = ""
    raw: JSON = None
    call_id: str = ""
    langgraph: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """The end of a run.

    Attributes:
        pending: The calls that wait for their results; `None` when the server does not say.
        message: What went wrong, in the server's words.
    """

    outcome: Literal["success", "interrupt", "cancelled", "error"]
    interrupts: tuple[Interrupt, ...] = ()
    pending: tuple[str, ...] | None = None
    message: str = ""
    code: str = ""


def finished(event: Event, noticed: Sequence[JSON]) -> End:
    """Return the end in RUN_FINISHED.

    Args:
        noticed: The values of the `on_interrupt` events before it: how older servers ask.
    """
    outcome = mapping(event.get("outcome"))
    if outcome.get("type") == "cancelled":
        return End("cancelled")
    asked = tuple(_interrupt(each) for each in objects(outcome, "interrupts") if known(each.get("id")))
    if outcome.get("type") == "interrupt" and asked:
        return End("interrupt", asked)
    if noticed:
        return End("interrupt", tuple(_legacy(value, number) for number, value in enumerate(noticed)))
    pending = outcome.get("pendingToolCallIds")
    return End("success", pending=tuple(filter(None, map(known, pending))) if isinstance(pending, list) else None)


def usage(event: Event) -> tuple[int, int] | None:
    """Return the input and output tokens in an end; `None` if it has none."""
    told = event.get("usage")
    used = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    if not used:
        return None
    return sum(_count(each.get("inputTokens")) for each in used), sum(_count(each.get("outputTokens")) for each in used)


def failed(event: Event) -> End:
    """Return the end in RUN_ERROR."""
    return End("error", message=text(event, "message"), code=known(event.get("code")))


def _count(value: JSON) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _interrupt(data: dict[str, Any]) -> Interrupt:
    metadata = mapping(data.get("metadata"))
    langgraph, crewai = mapping(metadata.get("langgraph")), mapping(metadata.get("crewai"))
    raw = langgraph.get("raw", crewai.get("output", metadata.get("reason")))
    found = mapping(raw)
    return Interrupt(
        known(data.get("id")),
        reason=known(data.get("reason")),
        message=known(data.get("message")) or said_in(raw),
        schema=data.get("responseSchema") or found.get("responseSchema") or found.get("schema"),
        expires_at=known(data.get("expiresAt")),
        raw=raw,
        call_id=known(data.get("toolCallId")),
        langgraph=bool(langgraph) or known(data.get("reason")).startswith("langgraph:"),
    )


def _legacy(value: JSON, number: int) -> Interrupt:
    value = structured(value) if isinstance(value, str) else value
    found = mapping(value)
    if known(found.get("id")) and known(found.get("reason")):
        return _interrupt(found)
    return Interrupt(
        f"on_interrupt-{number}", "command", "langgraph:interrupt", said_in(value),
        found.get("responseSchema") or found.get("schema"), known(found.get("expiresAt")), value, langgraph=True,
    )  # fmt: skip


def said_in(raw: JSON) -> str:
    """Return the question in a value from the agent's code, if it is there under a usual name."""
    if isinstance(raw, str):
        return raw
    found = mapping(raw)
    names = ("message", "question", "prompt", "description", "title", "hint", "text")
    return next((said for name in names if (said := known(found.get(name)))), "")
