"""What a person sees when a request fails: a page, a sentence beside the composer, or a line of text."""

from __future__ import annotations

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ..chat import Chat
from ..errors import BadRequest, ChatError, NotFound, NotSignedIn
from ..fragments.shell import message_page
from ..html import render
from ..patches import Patch, render_patches
from ..urls import Urls
from .call import wants_fragment


async def show_failure(request: Request, error: Exception) -> Response:
    """Return what `error` looks like to whoever asked: a browser, htmx, or the element that follows a run."""
    status, sentence, headers = _describe(error)
    if not wants_fragment(request):
        return _page(request, error, status, sentence, headers)
    if request.headers.get("hx-source", "").startswith("chat-live"):
        return PlainTextResponse(sentence, status, headers)
    if request.method == "GET":
        # The page that htmx asked a part of cannot be shown; the browser fetches the one that says why.
        return HTMLResponse("", status, {**headers, "HX-Redirect": _here(request)})
    patches = [Patch("#composer-error", "innerHTML", render(sentence)), Patch("#status", "innerHTML", render(sentence))]
    return HTMLResponse(render_patches(patches), status, headers)


def _describe(error: Exception) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, ChatError):
        return error.status, str(error), {}
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        if error.status_code == NotFound.status:
            return NotFound.status, NotFound.sentence, headers
        if error.status_code == 405:
            return 405, "This address does not take that kind of request.", headers
        return error.status_code, BadRequest.sentence, headers
    return ChatError.status, ChatError.sentence, {}


def _page(request: Request, error: Exception, status: int, sentence: str, headers: dict[str, str]) -> Response:
    chat: Chat = request.app.state.chat
    urls = Urls.of(request.scope, chat.assets.version)
    sign_in = chat.settings.login_url if isinstance(error, NotSignedIn) else None
    document = message_page(
        urls=urls, brand=chat.settings.title, title=_TITLES.get(status, "Something went wrong"), sentence=sentence,
        sign_in_url=sign_in,
        stylesheets=chat.settings.stylesheets,
    )
    return HTMLResponse(document, status, headers)


_TITLES = {401: "Sign in first", 403: "Not allowed", 404: "Nothing here", 503: "Not reachable"}


def _here(request: Request) -> str:
    """Return the address that was asked for, without a host: behind a proxy this process does not know its own."""
    # One slash: two would make the rest a host.
    path = "/" + quote(request.scope["path"].lstrip("/"), safe="/!$&'()*+,;=:@-._~")
    query = request.url.query
    return f"{path}?{query}" if query else path
