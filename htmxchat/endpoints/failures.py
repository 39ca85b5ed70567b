"""What a person sees when a request fails: a page, a sentence beside the composer, or a line of text."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ..chat import Chat
from ..errors import BackendError, BadRequest, BodyTooLarge, BodyTooSlow, ChatError, NotAllowed, NotFound, NotSignedIn
from ..fragments.composer import composer_actions, composer_form
from ..fragments.inspector.run import inspector_side
from ..fragments.inspector.steps import EVIDENCE
from ..fragments.login import sign_in_link, sign_in_page
from ..fragments.scripts.room import scripts_side
from ..fragments.shell import message_page, notice, unloaded_side
from ..html import Child, render
from ..http.htmx import Htmx
from ..http.routing import error_place
from ..live.patches import Patch, render_patches, say, swap
from ..urls import Urls
from .call import CHANGED, IN_PLACE, SCRIPTS_CHANGED, Gone, here
from .form import read_form

_TYPED = "text", "answer", "title"
# They ask without being pressed, and say themselves what is to be said.
_ELEMENTS = "chat-live", "chat-runner", "chat-changes"


async def show_failure(request: Request, error: Exception) -> Response:
    """Return what `error` looks like to anyone who asked: a browser, htmx, or the element that follows a run."""
    status, sentence, headers = _describe(error)
    htmx = Htmx.of(request.headers)
    if not htmx.fragment:
        return _page(request, error, status, sentence, headers, await _typed(request, error))
    gone = isinstance(error, Gone) and htmx.comes_from("chat-changes")
    if any(map(htmx.comes_from, _ELEMENTS)) and not gone:
        return PlainTextResponse(sentence, status, headers)
    if error_place(request.scope) == "files":
        return PlainTextResponse(sentence, status, headers)
    if request.method == "GET" and not gone:
        return _in_place(request, htmx, error, status, sentence, headers)
    if error_place(request.scope) == "scripts":
        # Whatever the room shows is out of date.
        refusal = Patch("#scripts-error", "innerHTML", render(*_with_sign_in(request, error, sentence)))
        return HTMLResponse(render_patches([refusal]), status, {**headers, **SCRIPTS_CHANGED})
    patches = []
    if isinstance(error, Gone):
        sentence, patches = _GONE, _without_conversation(request)
        headers = {**headers, **CHANGED}
    said = render(*_with_sign_in(request, error, sentence))
    patches += [Patch("#composer-error", "innerHTML", said), say(sentence)]
    if isinstance(error, BackendError):
        # What failed may have happened in part: a conversation that was begun is in the history.
        headers = {**headers, **CHANGED}
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


async def _typed(request: Request, error: Exception) -> str:
    """Return what a form without the page's script has sent: nothing else keeps it for who has typed it."""
    # What was not allowed may be another site's, and a body that was refused is not read after all.
    refused = NotAllowed | BodyTooLarge | BodyTooSlow
    if request.method != "POST" or isinstance(error, refused) or not isinstance(error, ChatError):
        return ""
    with suppress(ChatError, ClientDisconnect):
        form = await read_form(request)
        return next((form[name] for name in _TYPED if form.get(name)), "")
    return ""


def _page(
    request: Request, error: Exception, status: int, sentence: str, headers: dict[str, str], typed: str
) -> Response:
    chat: Chat = request.app.state.chat
    urls = Urls.of(request.scope, chat.assets.version)
    frame = chat.frame(urls, None)
    title = _TITLES.get(status, "Something went wrong")
    sign_in_url = _sign_in_url(request, error)
    if isinstance(error, NotSignedIn):
        title = f"Sign in to {frame.brand}"
        if sign_in_url and sentence == NotSignedIn.sentence:
            sentence = _WELCOME
    if chat.login and isinstance(error, NotSignedIn):
        back = urls.back(_path(request))
        document = sign_in_page(urls=urls, frame=frame, title=title, sentence=sentence, back=back, kept=typed)
        return HTMLResponse(document, status, headers)
    document = message_page(
        urls=urls,
        frame=frame,
        title=title,
        sentence=sentence,
        sign_in_url=sign_in_url,
        kept=typed,
    )
    return HTMLResponse(document, status, headers)


def _in_place(
    request: Request, htmx: Htmx, error: Exception, status: int, sentence: str, headers: dict[str, str]
) -> Response:
    """Return what stands where htmx, or a script of the page, was to put the fragment that failed."""
    chat: Chat = request.app.state.chat
    urls, url, target = Urls.of(request.scope, chat.assets.version), here(request), htmx.target
    sides = {"inspector": inspector_side(urls, None), "scripts": scripts_side(urls, None)}
    if not htmx.targeted:
        return PlainTextResponse(sentence, status, headers)
    if isinstance(error, NotSignedIn) or target in ("", "conversation"):
        # The browser fetches the page that says why.
        return HTMLResponse("", status, {**headers, "HX-Redirect": url})
    headers = {**headers, **IN_PLACE, "HX-Push-Url": "false"}
    if target in sides:
        room = unloaded_side(replace(sides[target], url=url), sentence, back_url=htmx.page or urls.home())
        return HTMLResponse(render(room), status, headers)
    if target == EVIDENCE:
        content = notice(sentence, retry_url=url, target=f"#{EVIDENCE}", swap="innerHTML")
        return HTMLResponse(render(content), status, {**headers, "HX-Reswap": "innerHTML"})
    # What stands there is worth more than a sentence.
    said = json.dumps({"chat:failed": {"target": "body", "words": sentence}})
    return HTMLResponse("", status, {**headers, "HX-Reswap": "none", "HX-Trigger": said})


def _with_sign_in(request: Request, error: Exception, sentence: str) -> tuple[Child, ...]:
    """Return the sentence, and after it how to sign in and come back to the page."""
    url = _sign_in_url(request, error)
    if url is None:
        return (sentence,)
    said = _SIGNED_OUT if sentence == NotSignedIn.sentence else sentence
    return said, " ", sign_in_link(url)


def _sign_in_url(request: Request, error: Exception) -> str | None:
    """Return where to sign in and come back from, when that helps and there is a place for it."""
    if not isinstance(error, NotSignedIn):
        return None
    chat: Chat = request.app.state.chat
    urls = Urls.of(request.scope, chat.assets.version)
    back = urls.back(_path(request))
    if chat.login:
        return urls.login(back)
    pages = chat.settings.login_pages
    return urls.sign_in_at_host(pages.login_url, back) if pages else None


def _without_conversation(request: Request) -> list[Patch]:
    """Return what is left of a page whose conversation is not there: what it shows, and a composer that starts over."""
    chat: Chat = request.app.state.chat
    urls = Urls.of(request.scope, chat.assets.version)
    return [
        swap(composer_form(urls.start(), files=chat.files is not None), "attributes"),
        swap(composer_actions(urls=urls)),
        Patch("chat-menu", "delete"),
    ]


def _path(request: Request) -> str:
    """Return the path, with its query, of the page that a request is for or comes from."""
    htmx = Htmx.of(request.headers)
    if request.method == "GET" and not htmx.fragment:
        path, query = quote(request.url.path), request.url.query
    else:
        path, query = htmx.page_path
    return f"{path}?{query}" if query else path


_GONE = "This conversation is not there any more. What you send now begins a new one."
_WELCOME = "You will return to this page afterwards."
_SIGNED_OUT = "You are signed out. What you typed is kept."
_TITLES = {403: "Not allowed", 404: "Page not found", 503: "Not reachable"}
