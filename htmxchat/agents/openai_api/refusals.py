"""Converts a server's errors to sentences for the user. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ...errors import BackendError, BackendUnavailable
from ...text.cleaning import clean_text, read_json
from ...text.phrases import cut
from ...text.redaction import HIDDEN, redact_text
from ..error_body import ErrorBody, read_error
from ..retry_after import retry_after

_HOST = "The operator of this chat must"
CUT = "The connection to the model's server broke off before the answer was complete. Try again."
EMPTY = "The model ended its answer without writing anything. Try again."
TOO_LONG = "The conversation is too long for the model. Edit an earlier message, or begin a new conversation."
NO_ANSWER = "The model's server sent nothing that is an answer. Try again."
NO_API = f"What answers there is no API for models but {{what}}. {_HOST} check base_url: it often ends in /v1."
REDIRECTED = f"The model's server sends us to another address ({{status}}). {_HOST} set base_url to that one."

FINISHES = {
    "length": "The answer is cut off: the model has reached its limit of tokens. Ask it to go on.",
    "content_filter": "The answer is cut off: a content filter of the model's server stopped it.",
    "error": "The model's server failed while answering. Try again.",
    "insufficient_system_resource": "The answer is cut off: the model's server is overloaded. Try again.",
}
"""The error for a reply with this finish reason; other reasons are not errors."""

_MAX_QUOTE = 300
_MASKED = re.compile(r"[^\s\"'`:;,()]{0,64}\*{3,}[^\s\"'`:;,()]{0,64}")
_TAG = re.compile(r"<[^<>]{0,500}>")
_WINDOW = re.compile(
    r"context[ _-]?(length|size|window)|maximum context|prompt is too long|too many (input )?tokens",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"insufficient[ _](quota|credits)|exceeded your current quota|billing", re.IGNORECASE)
_TRIED_AGAIN = (429, 502, 503, 529)
_MAX_RETRY_AFTER = 20.0


def refused(status: int, body: bytes, secrets: Sequence[str] = ()) -> BackendError:
    """Return the error for a response that is not a success."""
    told = read(body)
    quote = _quote(told.message, secrets)
    if 300 <= status < 400:
        return BackendError(REDIRECTED.format(status=status))
    if said := _meaning(status, told, quote):
        return said
    if status in _TRIED_AGAIN or "overloaded" in told.codes:
        return BackendUnavailable(f"The model's server is overloaded or away ({status}). Try again in a moment.{quote}")
    if status >= 500:
        return BackendError(f"The model's server failed ({status}). Try again.{quote}")
    return BackendError(f"The model's server refused the request ({status}).{quote}")


def in_stream(error: Any, secrets: Sequence[str] = ()) -> BackendError:
    """Return the error for an error in a stream."""
    told = read_error(error)
    return _meaning(0, told) or BackendError(
        f"The model's server failed while answering. Try again.{_quote(told.message, secrets)}"
    )


def not_an_answer(body: bytes, type: str, secrets: Sequence[str] = ()) -> BackendError:
    """Return the error for a successful response without an answer."""
    if type == "application/json" and (told := read(body)).message:
        return _meaning(0, told) or BackendError(
            f"The model's server gave no answer. Try again.{_quote(told.message, secrets)}"
        )
    if type.startswith("text/html"):
        return BackendError(NO_API.format(what="a web page"))
    other = body.strip() and type not in ("", "text/event-stream")
    return BackendError(NO_API.format(what=type) if other else NO_ANSWER)


def pause(status: int, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> float | None:
    """Return after how many seconds a rejected request may be retried.

    `None` if a retry would not help, if the server asks for a longer wait than users accept, or if it may already have
    begun to answer.
    """
    if status not in _TRIED_AGAIN:
        return None
    told = read(body)
    if _QUOTA.search(f"{told.codes} {told.message}"):
        return None
    asked = retry_after(headers, now)
    seconds = 1.0 if asked is None else asked
    return seconds if seconds <= _MAX_RETRY_AFTER else None


def read(body: bytes) -> ErrorBody:
    """Parse an error body: JSON, an HTML page, or text."""
    text = body.decode("utf-8", "replace")
    if text.startswith("data:"):  # a stream of one error
        text = text[5:].partition("\n")[0]
    try:
        value = read_json(text)
    except ValueError:
        return ErrorBody(" ".join(_TAG.sub(" ", text).split()))
    return read_error(value)


def _meaning(status: int, told: ErrorBody, quote: str = "") -> BackendError | None:
    """Return a specific error, if the cause is known."""
    all_of_it = f"{told.codes} {told.message}"
    if _WINDOW.search(all_of_it):
        return BackendError(TOO_LONG)
    if _QUOTA.search(all_of_it) or status == 402:
        return BackendError(f"The account of this chat at the model's server is used up. {_HOST} see to it.")
    if "content_filter" in told.codes:
        return BackendError("A content filter of the model's server refused the request. Write it in other words.")
    if status == 401 or "invalid_api_key" in told.codes or "authentication_error" in told.codes:
        return BackendError(f"The model's server does not accept the API key. {_HOST} check api_key.")
    if status == 403:
        return BackendError(f"The model's server does not allow this. {_HOST} check api_key and model.{quote}")
    if status == 404 and "model" in all_of_it.lower():
        return BackendError(f"The model's server does not have this model. {_HOST} check the name in model.")
    if status in (404, 405):
        return BackendError(f"There is no such API there. {_HOST} check base_url: it often ends in /v1.{quote}")
    if status == 413:
        return BackendError("The message is too large for the model's server. Shorten it, or begin a new conversation.")
    if status == 429:
        return BackendUnavailable("The model's server takes no more requests for now. Wait a moment, then try again.")
    return None


def _quote(message: str, secrets: Sequence[str]) -> str:
    """Return the server's message, cut and without secrets, as a suffix for a sentence."""
    for secret in secrets:
        message = message.replace(secret, HIDDEN)
    line = " ".join(_MASKED.sub(HIDDEN, redact_text(clean_text(_TAG.sub(" ", message)))).split())
    return f" It says: “{cut(line, _MAX_QUOTE)}”" if line else ""
