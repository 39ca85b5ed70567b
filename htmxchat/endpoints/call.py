"""One request: its user, and the conversation, run or script that its path names. Every route uses it.

Ownership is checked once: reading what a path names checks it. Code that changes something without reading it first
relies on the backend, which checks the owner in the same transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from functools import wraps
from typing import TypeVar
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from ..backends.containment import contained
from ..chat import Chat
from ..chat.bound import BoundBackend
from ..errors import (
    BadRequest,
    ChatError,
    LimitReached,
    NotFound,
    NotSignedIn,
)
from ..files import File
from ..fragments import widths
from ..fragments.turns.context import TurnContext
from ..http.detaching import Detached
from ..http.htmx import Htmx
from ..http.limits import Slot
from ..inspection import RowFilter
from ..live.patches import Patch, render_patches
from ..models import Conversation, Overview, Run, Transcript, User
from ..text.zones import COOKIE, zone_of
from ..urls import Urls
from .form import read_form, usable_text

_log = logging.getLogger("htmxchat")

_MAX_ID = 200
_NAMES = "conversation", "deleted", "run", "turn"
_MAX_FILTER = 200
_TOO_MANY = (
    "You have {} open requests to this chat, which is the limit. Close some of its tabs or wait a moment, then try"
    " again."
)

# On the body, because the element that asked may be gone by then.
CHANGED = {"HX-Trigger": '{"chat:changed": {"target": "body"}}'}
"""Tells the page that the list of conversations is not as it was."""

BEGUN = {"HX-Trigger": '{"chat:changed": {"target": "body"}, "chat:sent": {"target": "body"}}'}
"""The same, and that what was sent is being answered, at the end of the turns."""

SCRIPTS_CHANGED = {"HX-Trigger": '{"chat:scripts": {"target": "body"}}'}
"""Tells the page that the queue of scripts is not as it was."""

IN_PLACE = {"HX-Reswap": "outerHTML"}
"""Puts what says why something failed where it was to be; else the page's script keeps failures out of the rooms."""

T = TypeVar("T")
Thing = TypeVar("Thing", Conversation, Run)


class Gone(NotFound):
    """What the path names, and so what the page shows, is not there."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in.

    Attributes:
        can_inspect: Whether the user sees the inspector.
        backend: The backend as the user asks it.
        htmx: What htmx says of the request.
        conversation_id: The conversation that the path names, or the one of the run; empty without any.
    """

    request: Request
    chat: Chat
    urls: Urls
    user: User
    can_inspect: bool
    backend: BoundBackend
    htmx: Htmx
    conversation_id: str
    _run: Run | None

    @property
    def run(self) -> Run:
        """The run that the path names; it belongs to the user."""
        assert self._run is not None
        return self._run

    async def conversation(self) -> Conversation:
        """Return the conversation without its turns.

        Raises:
            Gone: It does not exist, or is not the user's.
            ChatError: It cannot be read.
        """
        return await owned(self.backend, self.backend.get_conversation(self.conversation_id))

    async def transcript(self) -> Transcript:
        """Return the conversation with its turns; raises what `conversation` does."""
        transcript = await present(self.backend.load_transcript(self.conversation_id))
        await _check_owner(self.backend, transcript.conversation)
        return transcript

    async def overview(self, length: int) -> Overview:
        """Return how everything stands that a page shows; raises what `conversation` does.

        Args:
            length: How many conversations its list has.
        """
        overview = await self.backend.overview(self.conversation_id or None, limit=length)
        if self.conversation_id:
            if overview.conversation is None:
                raise Gone
            await _check_owner(self.backend, overview.conversation)
        return overview

    async def start_run(self, text: str, submission: str | None, files: Sequence[File] = (), agent: str = "") -> Run:
        """Start a run in the conversation that the path names; without one, in a new conversation.

        Args:
            files: What comes with the text, which may then be empty.
            agent: The name of the agent that answers; empty if none was chosen.

        Raises:
            Gone: There is no such conversation.
            ChatError: The text cannot be sent, or the backend does not take it.
        """
        text, ids = self.usable(text, empty=bool(files)), [file.id for file in files]
        begun = self.backend.start_run(self.conversation_id or None, text, submission, ids, agent)
        return await owned(self.backend, begun)

    @property
    def ids(self) -> dict[str, str]:
        """The ids of what the path names, by kind."""
        run_id = self._run.id if self._run else ""
        return {kind: id for kind, id in (("conversation", self.conversation_id), ("run", run_id)) if id}

    @property
    def fragment(self) -> bool:
        """Whether htmx asks for a part of a page, not a whole one."""
        return self.htmx.fragment

    @property
    def turn_context(self) -> TurnContext:
        return self.chat.turn_context(self.urls, conversation_id=self.conversation_id, can_inspect=self.can_inspect)

    @property
    def zone(self) -> tzinfo | None:
        """The reader's zone; `None` before the page's script has told it."""
        return zone_of(self.request.cookies.get(COOKIE))

    @property
    def widths(self) -> str | None:
        """The widths of rooms that the reader has set."""
        return widths.widths_of(self.request.cookies.get(widths.COOKIE))

    async def form(self) -> dict[str, str]:
        """Return the fields of the form that was sent.

        Raises:
            BadRequest: The body is not a form.
            InvalidInput: It is not UTF-8.
            BodyTooLarge: It is larger than the limit.
        """
        return await read_form(self.request)

    async def field(self, name: str) -> str:
        """Return one field of the form, as it was sent.

        Raises:
            BadRequest: The form does not have it.
        """
        form = await self.form()
        if name not in form:
            raise BadRequest(f"The form has no field named {name}.")
        return form[name]

    def usable(self, text: str, *, empty: bool = False) -> str:
        """Return a message as it is stored; it may be `empty` when something else comes with it.

        Raises:
            EmptyText, TextTooLong, InvalidInput: It cannot be sent.
        """
        return usable_text(text, self.chat.settings.limits.text, empty=empty)


Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(handle: Callable[[Call], Awaitable[Response]]) -> Endpoint:
    """Make an endpoint of a function that takes a `Call`.

    Raises:
        NotSignedIn: `identify` returns no user.
        LimitReached: The user has too many requests under way.
        Gone: The path names something that does not exist or is not the user's, which look the same.
        ChatError: Something else failed; what it was is in the log only.
    """

    @open_endpoint
    @wraps(handle)
    async def respond(request: Request) -> Response:
        chat: Chat = request.app.state.chat
        user = await contained(_identified(chat, request))
        if user is None:
            raise NotSignedIn
        slot = chat.requests.take(user.id)
        if slot is None:
            raise LimitReached(_TOO_MANY.format(chat.settings.limits.requests_per_user))
        try:
            call = await admit(request, user)
            chat.observer.request(request.method, request.scope["root_path"] + request.scope["route"].path, call.ids)
            response = await handle(call)
            if request.method == "POST" and response.status_code < 400:
                await _read_rest(request)
        except BaseException:
            slot.leave()
            raise
        return UntilSent(response, slot)

    return respond


async def _read_rest(request: Request) -> None:
    """Read the rest of a body. Otherwise the connection would be closed."""
    with suppress(RuntimeError):  # all of it was read, as it came
        await request.body()


class UntilSent(Response):
    """A response that leaves its user's slot once it has been sent."""

    def __init__(self, response: Response, slot: Slot) -> None:
        self._response = response
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detached = Detached.of(scope)
        try:
            await self._response(scope, receive, send)
        except BaseException:
            self._slot.leave()
            raise
        if detached is not None and detached.send is not None:
            detached.release = self._slot.leave
        else:
            self._slot.leave()


def inspector_endpoint(handle: Callable[[Call], Awaitable[Response]]) -> Endpoint:
    """Make an endpoint that is there only for users who see the inspector."""

    @endpoint
    @wraps(handle)
    async def respond(call: Call) -> Response:
        if not call.can_inspect:
            raise NotFound
        return await handle(call)

    return respond


def open_endpoint(handle: Endpoint) -> Endpoint:
    """Make an endpoint that lets everyone in. What fails there without a sentence is in the log only."""

    @wraps(handle)
    async def respond(request: Request) -> Response:
        try:
            return await handle(request)
        except (ChatError, ClientDisconnect):
            raise
        except (Exception, SystemExit, KeyboardInterrupt):
            _log.exception("%s %s failed", request.method, request.url.path)
            raise ChatError from None

    return respond


async def admit(request: Request, user: User) -> Call:
    """Return the call. A run that the path names is read here, for every endpoint of a run uses it."""
    chat: Chat = request.app.state.chat
    names = {name: _id(request.path_params[name]) for name in _NAMES if name in request.path_params}
    backend, run = chat.bound(user), None
    if "run" in names:
        run = await owned(backend, backend.get_run(names["run"]))
    return Call(
        request,
        chat,
        Urls.of(request.scope, chat.assets.version),
        user,
        await chat.may_inspect(user),
        backend,
        Htmx.of(request.headers),
        run.conversation_id if run else names.get("conversation", ""),
        run,
    )


async def present(answer: Awaitable[T]) -> T:
    """Return what the backend answers about what the path names.

    Raises:
        Gone: It is not there.
    """
    try:
        return await answer
    except NotFound:
        raise Gone from None


async def _identified(chat: Chat, request: Request) -> User | None:
    return await chat.identify(request)


def patches_response(patches: list[Patch], headers: dict[str, str] | None = None, status: int = 200) -> HTMLResponse:
    """Return changes to the page that htmx shows."""
    return HTMLResponse(render_patches(patches), status, headers)


def see_other(url: str) -> RedirectResponse:
    """Return the redirect that follows a form without JavaScript."""
    return RedirectResponse(url, status_code=303)


def here(request: Request) -> str:
    """Return the address that was asked for, without a host: behind a proxy this process does not know its own."""
    # One slash: two would make the rest a host.
    path = "/" + quote(request.scope["path"].lstrip("/"), safe="/!$&'()*+,;=:@-._~")
    query = request.url.query
    return f"{path}?{query}" if query else path


def number(text: str) -> int | None:
    """Return the number of an event in a request; `None` if it is not a number."""
    # Nineteen digits hold every seq that a database gives; int() would refuse thousands of them.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None


def row_filter(call: Call) -> RowFilter:
    """Return which of the inspector's rows a request means: `?type=` and `?q=`."""
    query = call.request.query_params
    return RowFilter(query.get("type", "")[:_MAX_FILTER], query.get("q", "").strip()[:_MAX_FILTER])


def _id(text: str) -> str:
    # No real id has a NUL or is this long; backends need not cope with either.
    if len(text) > _MAX_ID or not text.isprintable():
        raise Gone
    return text


async def owned(backend: BoundBackend, answer: Awaitable[Thing]) -> Thing:
    """Return what `present` does, if it is the user's.

    Raises:
        Gone: It is not there, or someone else's.
    """
    thing = await present(answer)
    await _check_owner(backend, thing)
    return thing


async def _check_owner(backend: BoundBackend, thing: Conversation | Run) -> None:
    # The backend has promised this already; a second look costs nothing.
    if thing.user_id != (await backend.account()).id:
        raise Gone
