"""`ag_ui_endpoint`: a backend as an AG-UI agent."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
from anyio.abc import TaskGroup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import checks
from ..auth.identity import HostIdentity, Identify
from ..backend import Backend, CanLimitRuns, KnowsUsers, Managed
from ..chat.bound import answered
from ..chat.settings import check_backend
from ..errors import BadRequest, ChatError, NotSignedIn
from ..events import ScriptProposed
from ..http.limits import BodyLimit, Bounds, Limits, QuietDisconnects
from ..http.mounting import WholePath
from ..http.sse import Emit, EventStreamResponse, ServerSentEvent
from ..live.reading import read_run
from ..models import User
from .asked import Asked, asked
from .starting import Starter
from .telling import Event, Telling

log = logging.getLogger("htmxchat")
_LIMITS = Limits(body=8 * 2**20)  # a client sends the whole conversation each time


def ag_ui_endpoint(backend: Backend, *, identify: Identify | None = None, limits: Limits | None = None) -> Starlette:
    """Return a backend as an AG-UI agent, to mount: `app.mount("/agent", ag_ui_endpoint(backend))`.

    Clients POST a `RunAgentInput` to `/agent/`. The backend remembers the conversation, so of the messages the last of
    the user's is read. The client has to give AG-UI's state back, in which the place in the conversation is kept.

    Args:
        backend: The agent. It may have a chat too, `create_chat_app(backend)`: a user has the same conversations there.
        identify: Says who asks; `None` from it means no one, and gets a 401. Without it, each conversation has a user
            of its own, known by a random text in the state.
        limits: Longest text, largest body (8 MB by default), active runs of a user, how long the backend may take.

    Raises:
        TypeError: An argument is of another kind.
    """
    check_backend(backend)
    limits = _LIMITS if limits is None else checks.instance("limits", limits, Limits, "Limits(text=5_000)")
    if identify is not None:
        identify = HostIdentity(checks.asynchronous("identify", identify, "async def identify(request) -> User | None"))
    if isinstance(backend, CanLimitRuns):
        backend.limit_runs(limits.runs_per_user)
    endpoint, bounds = _Endpoint(backend, identify, limits), Bounds(limits.body, limits.body_timeout)
    return Starlette(
        routes=[Route("/", endpoint.answer, methods=["POST"])],
        middleware=[
            Middleware(QuietDisconnects),
            Middleware(WholePath),
            Middleware(BodyLimit, lambda scope: bounds, _refuse),
        ],
        exception_handlers={ChatError: _refuse, HTTPException: _refuse},
        lifespan=lambda app: _open(backend),
    )


class _Endpoint:
    def __init__(self, backend: Backend, identify: Identify | None, limits: Limits) -> None:
        self._backend, self._identify, self._limits = backend, identify, limits

    async def answer(self, request: Request) -> Response:
        # A form of another site's cannot have this type, and a script of another site's has to ask first.
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415)
        wanted = asked(await request.body(), self._limits.text)
        if self._identify is None and not wanted.place.user:
            wanted = replace(wanted, place=replace(wanted.place, user=secrets.token_urlsafe()))
        starter = Starter(self._backend, await self._user(request, wanted), self._limits.backend_timeout)
        run, place, after = await starter.run(wanted)
        telling = Telling(wanted, run.id)

        async def produce(emit: Emit, _tasks: TaskGroup) -> None:
            try:
                await _send(emit, telling.begin(place))
                await self._follow(emit, telling, starter, run.id, after)
            finally:
                if not telling.over:  # the client has gone away: there is no other sign that it wants no more
                    with anyio.CancelScope(shield=True):
                        await _quietly_stop(starter, run.id)

        return EventStreamResponse(produce)

    async def _follow(self, emit: Emit, telling: Telling, starter: Starter, run_id: str, after: int | None) -> None:
        try:
            async for batch in read_run(self._backend, starter.user, run_id, after):
                await _send(emit, telling.tell(batch))
                if telling.over:
                    return
                if isinstance(telling.waits, ScriptProposed):
                    await starter.reject(run_id, telling.waits.script_id)
            await _send(emit, telling.fail(ChatError.sentence))
        except ChatError as error:
            await _send(emit, telling.fail(str(error)))
        except Exception:
            log.exception("The backend failed")
            await _send(emit, telling.fail(ChatError.sentence))

    async def _user(self, request: Request, wanted: Asked) -> User:
        if self._identify is None:
            secret = wanted.place.user.encode("utf-8", "replace")
            user: User | None = User(f"ag-ui-{hashlib.sha256(secret).hexdigest()}")
        else:
            user = await answered(self._identify(request), self._limits.backend_timeout)
        if user is None:
            raise NotSignedIn
        knows = self._backend
        return (
            await answered(knows.account(user), self._limits.backend_timeout) if isinstance(knows, KnowsUsers) else user
        )


async def _send(emit: Emit, events: list[Event]) -> None:
    for event in events:
        await emit(ServerSentEvent(json.dumps(event, ensure_ascii=False)))


async def _quietly_stop(starter: Starter, run_id: str) -> None:
    try:
        await starter.stop(run_id)
    except ChatError as error:
        log.warning("A run that nobody reads could not be stopped: %s", error)


async def _refuse(_request: Request, error: Any) -> Response:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": BadRequest.sentence}, error.status_code, error.headers)
    return JSONResponse({"error": str(error)}, error.status)


@asynccontextmanager
async def _open(backend: Backend) -> AsyncIterator[None]:
    if not isinstance(backend, Managed):
        yield
        return
    await backend.open()
    try:
        yield
    finally:
        await backend.close()
