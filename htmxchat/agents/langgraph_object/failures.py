"""Errors of a graph's run, as sentences for the user."""

from __future__ import annotations

from langgraph.errors import GraphRecursionError, NodeTimeoutError

from ...errors import BackendError

_REFUSED = "The model's provider refused the request. Tell the operator of this chat."
_BY_STATUS = {
    401: "The model's provider refused the key of this chat. Tell its operator.",
    403: "The model's provider refused the key of this chat. Tell its operator.",
    404: "The model that this chat asks for does not exist. Tell its operator.",
    408: "The model took too long to answer. Try again.",
    413: "The conversation is too long for the model. Begin a new one.",
    429: "The model has been asked too much at once. Try again in a moment.",
}


def explained(error: BaseException) -> BackendError | None:
    """Return the error with a sentence for the user; `None` for errors without one, such as a bug.

    Models of all providers raise errors of their own; those of HTTP clients have the status.
    """
    if isinstance(error, GraphRecursionError):
        return BackendError("The answer took more steps than this chat allows. Ask for less at a time.")
    if isinstance(error, NodeTimeoutError):
        return BackendError("A step of the answer took too long. Try again.")
    status = getattr(error, "status_code", getattr(getattr(error, "response", None), "status_code", None))
    if not isinstance(status, int) or status < 400:
        return None
    if status >= 500:
        return BackendError("The model's provider cannot answer right now. Try again in a moment.")
    return BackendError(
        _BY_STATUS.get(status, "The model's provider refused the request. Tell the operator of this chat.")
    )
