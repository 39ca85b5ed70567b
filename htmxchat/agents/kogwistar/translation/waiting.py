"""What a suspended run waits for, and how its answer is sent. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....events import JSON, EventBody, InputRequested, ScriptProposed, StageChanged
from ....scripts.encoding import encode_result
from ....scripts.result import ScriptResult
from .problems import plain, sentence
from .replies import Step, mapping, strings, text_at

WAITS_FOR_SCRIPT = "The agent is waiting for a script to run here."
CONTINUE, REFUSE = "Continue", "Refuse"

WAITS: Mapping[str, str] = {
    "approval": "The agent is waiting for your approval.",
    "message": "The agent is waiting for a message from you.",
    "schedule_delay": "The agent has paused until later.",
    "external_callback": "The agent is waiting for a result from outside.",
    "dependency": "The agent is waiting for something else to finish.",
    "rate_window": "The agent has paused because its budget is used up.",
}


def waiting_sentence(reason: str) -> str:
    """Return the sentence for a reason to wait."""
    return WAITS.get(reason, "The agent is waiting for you.")


@dataclass(frozen=True, slots=True)
class Request:
    """What a suspended run waits for, and what the server needs to resume it.

    Attributes:
        kind: `input`, `approval` (one of two choices) or `script`.
        key: The name of the answer in the workflow's state.
    """

    id: str
    node_id: str
    token_id: str
    kind: str
    prompt: str
    key: str = "client_answer"
    code: str = ""
    title: str = ""


def find_request(state: Mapping[str, Any], steps: Sequence[Step], asked: int) -> Request | None:
    """Return what a suspended run waits for.

    Args:
        state: That of the last checkpoint: the run's row is never updated.
        asked: How often the run has asked the user before.
    """
    waiting = mapping(state.get("_rt_join")).get("suspended")
    first = waiting[0] if isinstance(waiting, list) and waiting else None
    if not isinstance(first, list) or len(first) < 3:
        return None
    step = next((step for step in reversed(steps) if step.status == "suspended"), Step(0, "", ""))
    payload = step.resume_payload
    why = step.wait_reason or text_at(state, "wait_reason")
    asked_by = f"wait-{asked + 1}", str(first[0]), str(first[2])
    code = text_at(payload, "code")
    if text_at(payload, "type") == "client_execute" and code and text_at(payload, "language") in ("", "python"):
        title = plain(text_at(payload, "title") or text_at(payload, "message"))
        return Request(*asked_by, "script", WAITS_FOR_SCRIPT, code=code, title=title)
    said = [sentence(text_at(payload, "message")), *map(sentence, strings(payload.get("errors")))]
    prompt = " ".join([*filter(None, said), waiting_sentence(why)])
    keys = strings(mapping(payload.get("repair_payload")).get("expected_keys"))
    kind = "approval" if why == "approval" or (not payload and why != "message") else "input"
    return Request(*asked_by, kind, prompt, next(iter(keys), "client_answer"))


def ask(request: Request, remark: str = "") -> list[EventBody]:
    """Return the events that ask the user, with a remark before the prompt; the last event asks."""
    prompt = remark + request.prompt
    if request.kind == "script":
        return [StageChanged(prompt), ScriptProposed(request.id, request.code, request.title, awaited=True)]
    return [InputRequested(request.id, prompt, (CONTINUE, REFUSE) if request.kind == "approval" else ())]


def client_result(request: Request, answer: JSON | ScriptResult) -> dict[str, Any]:
    """Return the `client_result` for `resume`. An answer that has a `state_update` is passed on unchanged.

    The result of a script is a success if it ran to its end, else a failure with its reason.
    """
    errors: list[str] = []
    value: Any = answer
    if isinstance(answer, ScriptResult):
        # The first is for people; the rest is for the agent.
        errors = [] if answer.done else list(dict.fromkeys([answer.reason, answer.text]))
        value = encode_result(answer)
    elif isinstance(answer, dict) and isinstance(answer.get("state_update"), list):
        return {"status": "success", **answer}
    elif request.kind == "approval":
        errors, value = ["The user refused."] if answer == REFUSE else [], True
    if errors:
        return {"status": "failure", "state_update": [], "errors": errors}
    return {"status": "success", "state_update": [["u", {request.key: value}]]}
