"""The outcome of a run, from the server's data after its stream has ended. Pure functions.

`run.completed` and `status: "succeeded"` say only that the run has ended: `result.workflow_status` says how.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ....events import EventBody, Outcome, RunEnded, Source, SourcesFound, TextReplaced, ToolFinished, ToolStarted
from .problems import first_reason, sentence
from .replies import ServerRun, Step, mapping, strings, text_at
from .scrub import scrub
from .waiting import WAITS, Request, find_request

NO_ANSWER = "The server ended the run without an answer, and without saying why."
NOT_STOPPED = (
    "You stopped this answer, but the server never confirmed it. It was probably restarted, and the answer is lost."
)
FORGOTTEN = "The server no longer knows this run."
NOT_RESUMABLE = "The run waits for something that cannot be given here. Ask again, or use the server's own tools."

_INTERNAL = frozenset({"budget", "op_log", "started", "turn_index", "wait_reason"})
_MAX_STATE = 20_000


@dataclass(frozen=True, slots=True)
class Facts:
    """The server's data about a run that has ended; only what was needed.

    Attributes:
        text: The answer according to the stream.
        asked: How often the run has asked the user before.
        state: The workflow's state at the last checkpoint.
        sources: The sources of the answer.
    """

    run: ServerRun
    text: str = ""
    steps: Sequence[Step] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    asked: int = 0


def how(run: ServerRun, text: str) -> str:
    """Return how a run ended: completed, failed, cancelled, suspended, or empty (without an answer)."""
    if run.status == "failed":
        return "failed"
    if run.status == "cancelled":
        return "cancelled"
    if run.workflow_status in ("cancelled", "suspended"):
        return run.workflow_status
    if run.workflow_status in ("failure", "failed"):
        return "failed"
    return "completed" if text or run.text or "final_state" in run.result else "empty"


def conclude(facts: Facts) -> list[EventBody] | Request:
    """Return the last events of a run, or if it has not ended but waits for the user, for what."""
    run = _after_resume(facts)
    went, text = how(run, facts.text), run.text or facts.text
    if went == "suspended":
        state = facts.state or run.final_state
        reason = WAITS.get(text_at(run.final_state, "wait_reason"), "")
        failed = RunEnded(Outcome.FAILED, f"{reason} {NOT_RESUMABLE}".strip())
        return find_request(state, facts.steps, facts.asked) or [failed]
    if went == "completed" and not text:
        text = state_text(run.final_state)
    # One that was stopped late or failed late has written its answer.
    bodies: list[EventBody] = [TextReplaced(text)] if text and text != facts.text else []
    if went == "cancelled":
        return [*bodies, RunEnded(Outcome.CANCELLED)]
    if went != "completed":
        return [*bodies, RunEnded(Outcome.FAILED, _why_failed(run, facts.steps, facts.text))]
    bodies += _quality(run.result)
    if facts.sources:
        bodies.append(SourcesFound(facts.sources))
    return [*bodies, RunEnded(Outcome.COMPLETED)]


def _why_failed(run: ServerRun, steps: Sequence[Step], text: str) -> str:
    """Return why a run failed, as one sentence: the error of the run, else of the last step that failed."""
    said = sentence(run.error)
    if not said and (failed := [step for step in steps if step.failed]):
        said = sentence(first_reason(failed[-1].errors))
    if run.text:
        return f"The answer is there, but a later step failed: {said}" if said else "A step after the answer failed."
    if text:
        return f"The answer broke off: {said}" if said else "The answer broke off, and the server does not say why."
    return f"The server says: {said}" if said else NO_ANSWER


def _after_resume(facts: Facts) -> ServerRun:
    """Return the run. The row of a resumed one stays suspended though nothing waits at the last checkpoint."""
    join = mapping(facts.state.get("_rt_join"))
    if how(facts.run, facts.text) != "suspended" or not join or join.get("suspended") or join.get("pending"):
        return facts.run
    failed = bool(facts.steps) and facts.steps[-1].failed
    reply = {"workflow_status": "failure" if failed else "succeeded", "final_state": dict(facts.state)}
    return resumed(facts.run, reply)


def resumed(run: ServerRun, reply: Mapping[str, Any]) -> ServerRun:
    """Return the run with the result of a resume, which the server does not store."""
    state = mapping(reply.get("final_state"))
    result = {"final_state": state, "assistant_text": state.get("assistant_text")}
    return replace(run, workflow_status=text_at(reply, "workflow_status"), result=result)


def state_text(state: Mapping[str, Any]) -> str:
    """Return the result of a workflow that wrote no answer, as Markdown: its state."""
    for found in (state, mapping(state.get("agentic_answering_result"))):
        if text := text_at(found, "assistant_text"):
            return text
    shown = scrub({key: value for key, value in state.items() if not key.startswith("_") and key not in _INTERNAL})
    if not shown:
        return "The workflow has finished."
    text = json.dumps(shown, ensure_ascii=False, indent=2)
    if len(text) > _MAX_STATE or "```" in text:
        return f"The workflow has finished. Its result has {len(shown)} values: {', '.join(list(shown)[:20])}."
    return f"The workflow has finished.\n\n```json\n{text}\n```"


def _quality(result: Mapping[str, Any]) -> list[EventBody]:
    evaluation = mapping(result.get("evaluation"))
    if evaluation.get("is_sufficient") is not False and evaluation.get("needs_more_info") is not True:
        return []
    aspects = [each.replace("_", " ") for each in strings(evaluation.get("missing_aspects"))]
    missing = f"Missing: {', '.join(aspects)}" if aspects else "The answer may be incomplete"
    found = ToolFinished("evaluation", "Insufficient", {"notes": text_at(evaluation, "notes"), "missing": aspects})
    return [ToolStarted("evaluation", "evaluate", missing), found]
