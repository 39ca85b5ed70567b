"""The server's failures as sentences, without internal details of the server."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ....errors import BackendError, BackendUnavailable, ChatError, NotAllowed, NotFound, NotSignedIn
from ....text.cleaning import clean_text, read_json
from ....text.phrases import cut
from ....text.redaction import redact_text
from ...error_body import ErrorBody, read_error
from .scrub import FRAME, TRACEBACK

NOT_REACHED = "The kogwistar server cannot be reached right now. Try again in a moment."
TOO_SLOW = "The kogwistar server takes too long to answer. Try again in a moment."
BUSY = "The kogwistar server has too much to do right now. Try again in a moment."
CANNOT_CHAT = (
    "This kogwistar server cannot chat: it is the native one, which has no conversations yet. "
    "Its operator must start the Python server instead (knowledge-mcp)."
)
NOT_UNDERSTOOD = "The kogwistar server sent an unexpected answer. Check its address."
SIGN_IN_AGAIN = "Your sign-in has expired. Sign in again; what you typed is kept."
NO_TOKEN = "You are not signed in to the kogwistar server. Sign in, then come back to this page."
NO_USER = "This sign-in has no user on the kogwistar server, so it cannot hold conversations. Sign in as a user."
DEV_ROLE = "In dev mode, all users have the role in the server's variable DEV_AUTH_ROLE, “ro” if it is not set."
UNCERTAIN = (
    "The kogwistar server has not confirmed your message, so it may have arrived. "
    "Check the conversation before you send it again; a new one is in the history."
)
NOT_CONFIRMED = "It is not known whether this message reached the kogwistar server."

_MAX_LENGTH = 300
_QUERY = re.compile(r"(?<=\S)\?[\w.%~-]+=\S*")
_PATH = re.compile(
    r"<server-path>|(?:\b[A-Za-z]:|(?<![\\/]))(?:[\\/]++[\w.@~+-]++){2,}+[\\/]?|(?<![\w/.:<])/[\w.@~+-]+/?"
)
_RULE = re.compile(r"^ *\+[+-].*$", re.MULTILINE)  # between the errors of an exception group
_ROLE = re.compile(r"requires role '(\w+)', you have '(\w+)'")
_ACL = re.compile(r"does not have \w+ access to workflow (\S+)")


class Uncertain(BackendUnavailable):
    """Something was sent, but the response was missing or not readable: the result is not known."""


class NoSuchRoute(BackendError):
    """A 404 that the server itself did not send: a proxy has no route, or another service has the address."""


class Refused(BackendUnavailable):
    """The server or a proxy answered that it cannot do this now, and why."""


class ServerFailed(BackendError):
    """The server failed while it handled the request; it may have done a part of it."""


def plain(text: str) -> str:
    """Return a server's error message in one line, without tracebacks and paths; may be empty.

    Of a traceback, the error at its end is kept. It is the reason, so the text before it is cut first.
    """
    before, *rest = TRACEBACK.split(redact_text(clean_text(text)))
    reason = _line(rest[-1]) if rest else ""
    before = cut(_line(before), _MAX_LENGTH - len(reason) - 1)
    return cut(f"{before} {reason}".strip(), _MAX_LENGTH)


def _line(text: str) -> str:
    text = _RULE.sub("", FRAME.sub("…", text))
    return " ".join(_PATH.sub("…", _QUERY.sub("", text)).split()).strip(" …")


def first_reason(said: Iterable[str]) -> str:
    """Return `plain` of the first reason that is not empty."""
    return next(filter(None, map(plain, said)), "")


def sentence(text: str) -> str:
    """Return `plain(text)` with a full stop."""
    line = plain(text)
    return line if not line or line[-1] in ".!?…" else line + "."


def refusal(status: int, body: bytes) -> ChatError:
    """Return the error for an answer that is not a success."""
    try:
        told = read_error(read_json(body))
    except ValueError:
        told = ErrorBody()
    detail = told.message
    if detail[:1] == detail[-1:] == "'":
        detail = detail[1:-1]  # `str(KeyError(…))`
    said = sentence(detail)
    kind: type[ChatError] = BackendError
    if status == 401:
        kind, words = NotSignedIn, NO_TOKEN
    elif status == 403:
        kind, words = NotAllowed, _forbidden(detail, said)
    elif status == 404 and detail in ("", "Not Found"):
        # What the server itself says is JSON with a reason; frameworks say just this when they have no such route.
        kind, words = NoSuchRoute, NOT_UNDERSTOOD
    elif status == 404:
        kind, words = NotFound, NotFound.sentence
    elif status in (408, 429, 502, 503, 504) and said:
        kind, words = Refused, f"The kogwistar server cannot do this right now: {said}"
    elif status in (408, 429, 502, 503, 504):
        kind, words = BackendUnavailable, BUSY if status == 429 else NOT_REACHED
    elif status == 501 and b"KOGWISTAR_API" in body:
        words = CANNOT_CHAT
    elif status == 501 and said:
        words = f"The kogwistar server cannot do this: {said}"
    elif status >= 500:
        kind, words = ServerFailed, f"The kogwistar server failed{f': {said}' if said else '. Try again.'}"
    else:
        words = f"The kogwistar server refused this{f': {said}' if said else '.'}"
    return kind(f"{words} (Request {plain(told.request_id)})" if told.request_id else words)


def _forbidden(detail: str, said: str) -> str:
    if role := _ROLE.search(detail):
        return (
            f"Your account on the kogwistar server has the role “{role[2]}”, and this needs “{role[1]}”. "
            f"Ask who runs the server to change it. {DEV_ROLE}"
        )
    if "namespaces" in detail:
        return (
            "Your account on the kogwistar server has no access to conversations. "
            "Ask who runs the server for the namespace “conversation”."
        )
    if workflow := _ACL.search(detail):
        return f"Your account may not use the workflow {workflow[1]}. Ask who runs the kogwistar server for access."
    return f"The kogwistar server does not allow this: {said}" if said else "The kogwistar server does not allow this."
