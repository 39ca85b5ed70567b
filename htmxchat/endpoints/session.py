"""Signing in and out, for a chat with a login of its own."""

from __future__ import annotations

import hmac
import logging
from datetime import UTC, datetime, timedelta

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..auth.callback import came_back, state_of
from ..auth.cookies import PENDING, PROBLEM, SESSION, Cookie, new_secret
from ..auth.login import Login, over_https
from ..chat import Chat
from ..errors import ChatError, NotSignedIn
from ..fragments.login import leaving_page, sign_in_page
from ..models import PendingSignIn, User
from ..urls import Urls
from . import pages
from .call import open_endpoint, see_other
from .form import read_form

_log = logging.getLogger("htmxchat")

_NOT_SIGNED_IN = "Not signed in"
_WELCOME = "Your conversations are kept for you."
_FOREIGN = "This sign-in was not begun in this browser, or it is too old. Sign in again."
_PENDING_AGE = 600  # seconds in which a sign-in must be finished
_PROBLEM_AGE = 60  # seconds in which the next page must be asked for
_SIGN_OUT_PATIENCE = 3.0  # seconds


@open_endpoint
async def show(request: Request) -> Response:
    """The page that offers to sign in; after one that came to nothing it says why, once."""
    back = _urls(request).back(request.query_params.get("back", ""))
    cookie = _cookie(request, PROBLEM)
    secret = cookie.sent_secret(request.scope)
    failed = await _login(request).sessions.take_sign_in(cookie.key(secret)) if secret else None
    if failed is None:
        return _page(request, f"Sign in to {_chat(request).settings.title}", _WELCOME, back)
    return _set(request, _page(request, _NOT_SIGNED_IN, failed.problem, back), PROBLEM)


@open_endpoint
async def begin(request: Request) -> Response:
    """Send the browser to where it signs in, with a cookie that what comes back must fit."""
    chat, urls = _chat(request), _urls(request)
    back = urls.back((await read_form(request)).get("back", ""))
    secret = new_secret()
    callback = _origin(request) + urls.login_callback(state_of(secret))
    try:
        there = await chat.ask(_login(request).begin(callback))
    except ChatError as error:
        return _page(request, _NOT_SIGNED_IN, str(error), back, error.status)
    expires_at = datetime.now(UTC) + timedelta(seconds=_PENDING_AGE)
    pending = PendingSignIn(back, there.with_state, expires_at)
    await _login(request).sessions.add_sign_in(_cookie(request, PENDING).key(secret), pending)
    document = leaving_page(urls=urls, frame=chat.frame(urls, None), url=there.url)
    # No redirect: form-action of the Content-Security-Policy would stop a form that leads to another server.
    response = HTMLResponse(document, headers={"Refresh": f"0; url={there.url}"})
    return _set(request, response, PENDING, secret, _PENDING_AGE)


async def home(request: Request) -> Response:
    """The page before the first message; also where a server may send people that have signed in."""
    return await (pages.home if came_back(request) is None else finish)(request)


@open_endpoint
async def finish(request: Request) -> Response:
    """What a sign-in comes back to. Its address holds secrets: whatever happens, it leads on to another."""
    try:
        return await _finish(request)
    except Exception:
        _log.exception("A sign-in could not be finished")
        return await _failed(request, ChatError(), _urls(request).home())


async def _finish(request: Request) -> Response:
    chat, login = _chat(request), _login(request)
    pending = await _pending(request)
    if pending is None:
        if await chat.identify(request):
            return see_other(_urls(request).home())  # the callback once more, perhaps from the browser's history
        return await _failed(request, NotSignedIn(_FOREIGN), _urls(request).home())
    try:
        user = await chat.ask(login.finish(came_back(request) or dict(request.query_params)))
        return await _let_in(request, user, pending.back)
    except ChatError as error:
        return _set(request, await _failed(request, error, pending.back), PENDING)


async def _pending(request: Request) -> PendingSignIn | None:
    """Return what this browser has begun, if this is its result."""
    cookie = _cookie(request, PENDING)
    secret = cookie.sent_secret(request.scope)
    if secret is None:
        return None
    state = request.path_params.get("state", "")
    if state and not hmac.compare_digest(state.encode(), state_of(secret).encode()):
        return None
    pending = await _login(request).sessions.take_sign_in(cookie.key(secret))
    return pending if pending and (state or not pending.with_state) else None


async def _let_in(request: Request, user: User, back: str) -> Response:
    if user.expires_at is None:
        raise TypeError("Login.finish returned a user without expires_at")
    sessions, cookie = _login(request).sessions, _cookie(request, SESSION)
    old = cookie.sent_secret(request.scope)
    # Always a new secret, so that an attacker cannot have set it.
    secret = new_secret()
    await sessions.add_session(cookie.key(secret), user)
    if old:
        await sessions.delete_session(cookie.key(old))
    age = (user.expires_at - datetime.now(UTC)).total_seconds()
    response = _set(request, see_other(back), SESSION, secret, max(1, round(age)))
    return _set(request, response, PENDING)


@open_endpoint
async def end(request: Request) -> Response:
    """Sign out of every session that the browser sends, also one that another site has planted."""
    sessions, cookie = _login(request).sessions, _cookie(request, SESSION)
    for key in map(cookie.key, cookie.all_sent(request.scope)):
        user = await sessions.get_session(key)
        await sessions.delete_session(key)
        if user:
            await _tell(_login(request), user)
    return _set(request, see_other(_urls(request).login()), SESSION)


async def _tell(login: Login, user: User) -> None:
    try:
        with anyio.move_on_after(_SIGN_OUT_PATIENCE):
            await login.sign_out(user)
    except Exception as error:
        # The name is enough: what a failed request says about itself may hold the token.
        _log.warning("Telling the server about a sign-out failed: %s", type(error).__name__)


def _page(request: Request, title: str, sentence: str, back: str, status: int = 200) -> Response:
    urls = _urls(request)
    frame = _chat(request).frame(urls, None)
    document = sign_in_page(urls=urls, frame=frame, title=title, sentence=sentence, back=back)
    return HTMLResponse(document, status)


async def _failed(request: Request, error: ChatError, back: str) -> Response:
    """Lead to the page that offers to sign in. Why it is needed again waits there, in the store and not in the URL."""
    response = see_other(_urls(request).login(back))
    secret = new_secret()
    expires_at = datetime.now(UTC) + timedelta(seconds=_PROBLEM_AGE)
    failed = PendingSignIn(back, True, expires_at, str(error))
    try:
        await _login(request).sessions.add_sign_in(_cookie(request, PROBLEM).key(secret), failed)
    except Exception:
        _log.exception("Why a sign-in failed could not be kept for the next page")
        return response
    return _set(request, response, PROBLEM, secret, _PROBLEM_AGE)


def _set(request: Request, response: Response, kind: str, secret: str = "", max_age: int = 0) -> Response:
    """Set a cookie; without a secret, remove it."""
    response.headers.append("set-cookie", _cookie(request, kind).header(secret, max_age=max_age))
    return response


def _cookie(request: Request, kind: str) -> Cookie:
    return Cookie.of(request.scope, kind, secure=over_https(_login(request)))


def _origin(request: Request) -> str:
    return _login(request).app_url or f"{request.url.scheme}://{request.url.netloc}"


def _chat(request: Request) -> Chat:
    chat: Chat = request.app.state.chat
    return chat


def _login(request: Request) -> Login:
    login = _chat(request).login
    assert login is not None, "the routes are there only with a login"
    return login


def _urls(request: Request) -> Urls:
    return Urls.of(request.scope, _chat(request).assets.version)
