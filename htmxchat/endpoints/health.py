"""Health checks: whether the process answers, and whether the chat can serve. No sign-in is needed."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..backend import TellsReadiness
from ..chat import Chat
from ..errors import ChatError
from ..http.stopping import is_stopping
from .call import open_endpoint

_STOPPING = "The server is stopping."


@open_endpoint
async def alive(_request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


@open_endpoint
async def ready(request: Request) -> Response:
    """The backend can serve: its database is reachable and has the right schema, and the server is not stopping."""
    reason = _STOPPING if is_stopping() else await _unready(request.app.state.chat)
    body = {"ready": not reason, "reason": reason}
    status = 503 if reason else 200
    return Response(f"{json.dumps(body)}\n", status, {"Cache-Control": "no-store"}, "application/json")


async def _unready(chat: Chat) -> str:
    if isinstance(chat.backend, TellsReadiness):
        try:
            await chat.ask(chat.backend.check_ready())
        except ChatError as error:
            return str(error)
    return ""
