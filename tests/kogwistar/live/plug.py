# mypy: ignore-errors
"""What a real kogwistar server loads for the live suite, in its own Python: no model, no network, no downloads.

`embedding` and `answer_runner` are named by the server's own variables for tests. Importing this registers the
operations of the workflow `live`, whose text says what it does: `ask`, `script`, `fail`; anything else just ends.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from kogwistar.conversation.resolvers import default_resolver
from kogwistar.runtime.models import RunFailure, RunSuccess, RunSuspended

CODE = "print('from the browser')\n6 * 7"


class Embedding:
    """Vectors of the words' hashes."""

    @staticmethod
    def name() -> str:
        return "words"

    def __call__(self, input: list[str]) -> list[list[float]]:
        return [[byte / 255 for byte in hashlib.sha256(str(text).encode()).digest()] for text in input]


def embedding() -> Embedding:
    return Embedding()


def answer_runner() -> Any:
    """Return what answers a turn: `long` continues until it is stopped, the rest is as the server does it."""
    from kogwistar.server.chat_service_run_execution import _RunExecutionService
    from kogwistar.server.chat_service_shared import RunCancelledError

    def run(request: Any) -> Any:
        if not request.user_text.startswith("long"):
            return _RunExecutionService._default_answer_runner(None, request)
        for number in range(1_200):
            if request.is_cancel_requested():
                raise RunCancelledError
            request.publish("output.delta", {"run_id": request.run_id, "delta": f"{number} ", "chunk_index": number})
            time.sleep(0.1)
        return {"assistant_text": "done", "assistant_turn_node_id": "", "workflow_status": "succeeded"}

    return run


@default_resolver.register("live_step")
def live_step(context: Any) -> Any:
    text = str(context.state_view.get("text") or "")
    why = {"conversation_node_id": None, "state_update": []}
    if text.startswith("ask"):
        payload = {"message": "Which region?", "repair_payload": {"expected_keys": ["region"]}}
        return RunSuspended(**why, wait_reason="external_callback", resume_payload=payload)
    if text.startswith("script"):
        payload = {"type": "client_execute", "language": "python", "code": CODE, "message": "Compute it"}
        return RunSuspended(**why, wait_reason="external_callback", resume_payload=payload)
    if text.startswith("fail"):
        return RunFailure(**why, errors=["There is no such region."])
    return RunSuccess(conversation_node_id=None, state_update=[("u", {"done": True})])


@default_resolver.register("live_end")
def live_end(context: Any) -> Any:
    answer = context.state_view.get("region") or context.state_view.get("client_answer")
    return RunSuccess(conversation_node_id=None, state_update=[("u", {"assistant_text": f"It is {answer}."})])
