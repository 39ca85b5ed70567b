"""All errors of the chat, as a tree. Standard library only.

    ChatError                 500
    ├── InvalidInput          422   the text, a field or a parameter is invalid
    │   ├── EmptyText         422
    │   ├── TextTooLong       422   has the length and the limit
    │   ├── TooManyFiles      422   more than a message may have
    │   ├── FileTooLarge      413   has the size and the limit
    │   ├── FilesFull         413   the user's files have reached the limit
    │   └── FileRefused       415   a file of a type that is not allowed
    ├── BadRequest            400   not a form, not UTF-8, not what the route takes
    ├── BodyTooLarge          413
    ├── BodyTooSlow           408
    ├── LimitReached          429   the user has reached a limit on concurrent work
    │   └── TooManyRuns       429   has the limit and the titles
    ├── NotSignedIn           401
    ├── NotAllowed            403   signed in, but not allowed to
    │   └── CrossOrigin       403   another site sent the form
    ├── NotFound              404   does not exist, or belongs to another user: indistinguishable
    ├── Busy                  409   the conversation already has an active run
    ├── Conflict              409   it has changed since the page was loaded
    └── BackendError          502   the backend failed
        └── BackendUnavailable 503  the backend cannot be reached now; a retry may help
            ├── ServerStopping 503  this process accepts no new work; another one may
            └── OtherSchema   503   the database belongs to another version of htmxchat

Each message is a sentence that the page shows unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

from .checks import items, seconds, text, whole
from .text.phrases import byte_size, count

_NAMED_TITLES = 3


class ChatError(Exception):
    """The base class. `str(error)` is one sentence for the user; `status` is the HTTP status."""

    status = 500
    sentence = "Something went wrong in the chat. Try again."

    def __init__(self, sentence: str | None = None) -> None:
        if sentence is not None:
            text("sentence", sentence)
        super().__init__(sentence or self.sentence)


class InvalidInput(ChatError):
    """The text, a field or a parameter is invalid."""

    status = 422
    sentence = "This input cannot be used."


class EmptyText(InvalidInput):
    """The message is empty or only white space."""

    sentence = "Write a message first."


class TextTooLong(InvalidInput):
    """The text is longer than the limit; both are in characters."""

    def __init__(self, length: int, limit: int) -> None:
        whole("length", length)
        whole("limit", limit)
        super().__init__(f"The message has {length:,} characters; {limit:,} are allowed. Shorten it and send it again.")
        self.length = length
        self.limit = limit


class TooManyFiles(InvalidInput):
    """The message has more files than allowed."""

    def __init__(self, limit: int) -> None:
        whole("limit", limit)
        super().__init__(f"A message can have {count(limit, 'file')}. Remove some, or send them with another message.")
        self.limit = limit


class FileTooLarge(InvalidInput):
    """The file is larger than the limit; both are in bytes. Of one that was not read to its end, `size` is less."""

    status = 413

    def __init__(self, name: str, size: int, limit: int) -> None:
        text("name", name)
        whole("size", size)
        whole("limit", limit)
        super().__init__(f"“{name}” is too large: a file can have {byte_size(limit)}.")
        self.size = size
        self.limit = limit


class FilesFull(InvalidInput):
    """The user has as many bytes kept as allowed."""

    status = 413

    def __init__(self, limit: int) -> None:
        whole("limit", limit)
        super().__init__(
            f"There is no room left for your files: together they can have {byte_size(limit)}. Delete conversations"
            " that have some."
        )
        self.limit = limit


class FileRefused(InvalidInput):
    """The file is of a type that is not allowed."""

    status = 415

    def __init__(self, name: str, media_type: str, allowed: Sequence[str]) -> None:
        text("name", name)
        text("media_type", media_type)
        types = items("allowed", allowed, text, '["image/*"]')
        super().__init__(f"“{name}” cannot be sent: it is {media_type}, and this chat takes {', '.join(types)}.")
        self.media_type = media_type


class BadRequest(ChatError):
    """The request is not a form, or not what the route takes."""

    status = 400
    sentence = "The request could not be read."


class BodyTooLarge(ChatError):
    """The request body is larger than the limit, in bytes."""

    status = 413

    def __init__(self, limit: int) -> None:
        whole("limit", limit)
        super().__init__(f"The request is larger than {byte_size(limit)}. Send less at a time.")
        self.limit = limit


class BodyTooSlow(ChatError):
    """The request body did not arrive within the limit, in seconds."""

    status = 408

    def __init__(self, limit: float) -> None:
        seconds("limit", limit)
        super().__init__(f"The request did not arrive completely within {limit:g} seconds. Try again.")
        self.limit = limit


class LimitReached(ChatError):
    """The user has reached a limit on concurrent work."""

    status = 429
    sentence = "You have too many requests at once. Wait a moment, then try again."


class TooManyRuns(LimitReached):
    """The user has as many active runs as allowed.

    Attributes:
        limit: The number of runs allowed.
        titles: The titles of their conversations.
    """

    def __init__(self, limit: int, titles: Sequence[str]) -> None:
        whole("limit", limit)
        titles = items("titles", titles, text, '["A title"]')
        more = len(titles) - _NAMED_TITLES
        shown = [f"“{title}”" for title in titles[:_NAMED_TITLES]] + ([f"{more} more"] if more > 0 else [])
        super().__init__(
            f"You have {count(limit, 'unfinished answer')}, which is the limit:"
            f" {', '.join(shown)}. Wait for one to finish, answer its question, or stop it; then try again."
        )
        self.limit = limit
        self.titles = tuple(titles)


class NotSignedIn(ChatError):
    """No one is signed in."""

    status = 401
    sentence = "You are not signed in. Sign in to continue."


class NotAllowed(ChatError):
    """The user is signed in but not allowed to do this, or the backend cannot do it."""

    status = 403
    sentence = "You are not allowed to do this."


class CrossOrigin(NotAllowed):
    """Another site sent the form."""

    sentence = "This request came from another site and was rejected. Open the chat itself and try again."


class NotFound(ChatError):
    """It does not exist, or belongs to another user: indistinguishable."""

    status = 404
    sentence = "It may have been deleted, or you may not have access to it."


class Busy(ChatError):
    """The conversation already has an active run."""

    status = 409
    sentence = "The agent is still answering. Wait for it or stop it, then send your message."


class Conflict(ChatError):
    """It has changed since the page was loaded, so the request no longer applies."""

    status = 409
    sentence = "This has changed since you loaded the page. Reload it and try again."


class BackendError(ChatError):
    """The backend failed."""

    status = 502
    sentence = "The agent failed. Try again."


class BackendUnavailable(BackendError):
    """The backend cannot be reached now; a retry may help."""

    status = 503
    sentence = "The agent cannot be reached right now. Try again in a moment."


class ServerStopping(BackendUnavailable):
    """This process is shutting down. Its runs continue in another process, or end."""

    sentence = "The server is being restarted. Try again in a moment."


class OtherSchema(BackendUnavailable):
    """The database has the schema of another version of htmxchat. `found` and `expected` are schema numbers."""

    def __init__(self, found: str, expected: str) -> None:
        text("found", found)
        text("expected", expected)
        older = "an older" if found < expected else "a newer"
        advice = (
            "Run `python -m htmxchat db upgrade URL`, or use Store(URL, migrate=True)."
            if found < expected
            else "Install the version of htmxchat that wrote it, or a later one."
        )
        super().__init__(f"The chat's database has {older} schema ({found}; this version uses {expected}). {advice}")
        self.found = found
        self.expected = expected
