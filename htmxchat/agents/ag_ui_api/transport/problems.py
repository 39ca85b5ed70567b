"""Errors between the chat and an agent's server, as sentences. None contains what was sent, because that has keys."""

from __future__ import annotations

from ....errors import BackendError, BackendUnavailable

CUT = "The connection to the agent broke off in the middle of its answer."
NOT_UNDERSTOOD = "The agent's server sent something that is not as the AG-UI protocol says."
NO_STREAM = "What answers at the agent's address does not speak AG-UI."
SILENT = "The agent's server has said nothing for too long."
FAILED = "The agent's server reported an error while it answered."
TOO_LATE = "It is too late to answer what the agent asked: it has stopped waiting."
TOO_MANY_ROUNDS = "The agent asked for too many tools in one answer, so it was stopped."
ELSEWHERE = "The agent's server sends requests on to another address. Its address in the chat's settings has to change."

_REFUSED = {
    400: "The agent's server did not accept the request (400).",
    401: "The agent's server wants a sign-in that this chat does not have (401).",
    403: "The agent's server does not allow this (403).",
    404: "There is no agent at the address that this chat has (404).",
    405: "There is no agent at the address that this chat has (405).",
    413: "The conversation is too long for the agent's server (413). Begin a new one.",
    415: "What answers at the agent's address does not speak AG-UI (415).",
    422: "The agent's server did not accept the request (422).",
    429: "The agent's server has too much to do (429). Try again in a moment.",
}


def refusal(status: int) -> BackendError:
    """Return the error for a response that is not a success."""
    if status in _REFUSED:
        return (BackendUnavailable if status == 429 else BackendError)(_REFUSED[status])
    if status in (502, 503, 504):
        return BackendUnavailable(f"The agent's server cannot answer right now ({status}). Try again in a moment.")
    if 300 <= status < 400:
        return BackendError(ELSEWHERE)
    if status < 300:
        return BackendError(NO_STREAM)
    return BackendError(f"The agent's server failed ({status}).")
