"""`create_chat_app`: the chat as a Starlette application, and its routes, read top to bottom."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from .assets import Assets
from .backend import Backend, HasStarters, KeepsIdentityKey, Managed
from .callback import HideCallback
from .chat import Chat, Settings
from .csrf import CrossOriginGuard, checked_origin
from .endpoints import conversations, exports, history, insight, inspector, pages, runs, sandbox, scripts, session
from .endpoints.failures import show_failure
from .errors import ChatError
from .fragments.turn_context import TurnContext
from .headers import ContentPolicy, SecurityHeaders
from .identity import BrowserCookie, BrowserIdentity, Identify, SessionIdentity
from .limits import BodyLimit, Limits, StreamSlots
from .login import Login, over_https
from .markdown import Markdown
from .models import Starter
from .relay import Relay
from .scripts import Scripts
from .urls import Urls

_RESULT = re.compile("/runs/[^/]+/scripts/[^/]+/result$")


def create_chat_app(
    backend: Backend,
    *,
    identify: Identify | None = None,
    login: Login | None = None,
    secret: str | None = None,
    stream: Literal["sse", "poll"] = "sse",
    title: str = "Chat",
    agent: str = "Agent",
    greeting: str = "What can I do for you?",
    introduction: str = "",
    starters: Iterable[Starter] | None = None,
    login_url: str | None = None,
    stylesheets: Iterable[str] = (),
    limits: Limits | None = None,
    scripts: Scripts | Literal[False] | None = None,
    image_hosts: Iterable[str] = (),
    trusted_origins: Iterable[str] = (),
    frame_ancestors: Iterable[str] = ("'self'",),
    poll_interval: float = 0.7,
    backend_timeout: float = 15.0,
) -> Starlette:
    """Return the chat as an application to mount: `app.mount("/chat", create_chat_app(backend))`.

    Args:
        backend: The agent.
        identify: Says who asks; `None` from it means nobody, and gets a 401. Without it, every browser is a user of
            its own, known by a random id in a cookie.
        login: Makes the chat sign people in by itself, with pages at `/login`; instead of `identify`.
        secret: Signs the cookies by which browsers are known without `identify` and `login`: 32 random characters at
            least, the same in every process. Only a backend that is no `KeepsIdentityKey` needs it.
        stream: How answers arrive: by server-sent events, or by polling where nothing else gets through. A page whose
            stream delivers nothing falls back to polling by itself.
        title: The name of the chat, on the page and in the window's title.
        agent: What the other side is called, for screen readers.
        greeting: The heading of the empty page.
        introduction: A sentence below it.
        starters: Messages that the empty page offers. Default: those of the backend, if it has any.
        login_url: Where the 401 page sends people.
        stylesheets: Paths of the host's own style sheets, `"/static/brand.css"`, loaded after the chat's: the place to
            set the `--chat-*` tokens. They come from the chat's own origin.
        limits: Longest text, largest body, streams a user.
        scripts: How the agent's Python runs in the user's browser, with the user's consent: limits of time and memory,
            and where packages are. `False`: it does not, and there is no room for scripts.
        image_hosts: Hosts whose images answers may show, `"images.example"`. None by default.
        trusted_origins: Origins that may send forms besides the chat's own, `"https://portal.example"`.
        frame_ancestors: Who may show the chat in a frame, as Content-Security-Policy sources.
        poll_interval: Seconds between two polls.
        backend_timeout: Seconds that a page waits for the backend before it says that it cannot be reached.

    Raises:
        TypeError: `backend` is not a backend, `login` is not a login, or `scripts` is neither `Scripts` nor `False`.
        ValueError: A setting cannot be used, or not together with another.
    """
    if not isinstance(backend, Backend):
        raise TypeError(f"{backend!r} is not a Backend. LocalBackend(respond) makes one from an async generator.")
    if stream not in ("sse", "poll"):
        raise ValueError(f'stream is "sse" or "poll", not {stream!r}')
    if login is not None and not isinstance(login, Login):
        raise TypeError(f"{login!r} is not a Login")
    if login is not None and (identify is not None or login_url is not None):
        raise ValueError("login signs people in by itself: give either login, or identify (and login_url)")
    if secret is not None and (identify or login):
        raise ValueError("secret signs the cookies of a chat that signs nobody in: not beside identify or login")
    limits = limits or Limits()
    scripts = Scripts() if scripts is None else scripts
    if scripts is not False and not isinstance(scripts, Scripts):
        raise TypeError(f"scripts is a Scripts, or False for none, not {scripts!r}")
    if starters is None:
        starters = backend.starters if isinstance(backend, HasStarters) else ()
    hosts = tuple(host.lower() for host in image_hosts)
    ancestors = tuple(frame_ancestors)
    # Now, because Starlette makes middleware with the first request.
    trusted = tuple(map(checked_origin, trusted_origins))
    chat = Chat(
        backend=backend,
        identify=identify or _own_identity(backend, login, secret),
        settings=Settings(
            title=title,
            agent=agent,
            greeting=greeting,
            introduction=introduction,
            starters=tuple(starters),
            stream=stream,
            poll_interval=poll_interval,
            backend_timeout=backend_timeout,
            login_url=login_url,
            stylesheets=tuple(stylesheets),
            limits=limits,
            scripts=scripts or None,
            frame_ancestors=ancestors,
        ),
        markdown=Markdown(frozenset(hosts)),
        assets=Assets(),
        relay=Relay(backend),
        slots=StreamSlots(limits.streams_per_user),
        login=login,
    )
    app = Starlette(
        routes=_routes(chat),
        middleware=[
            *([Middleware(HideCallback, login.fields)] if login else []),
            Middleware(SecurityHeaders, ContentPolicy(hosts, scripts.origins if scripts else (), ancestors)),
            Middleware(CrossOriginGuard, show_failure, trusted),
            Middleware(BodyLimit, limits.body, show_failure, {_RESULT: limits.result}),
            *([] if identify or login else [Middleware(BrowserCookie)]),
        ],
        exception_handlers={ChatError: show_failure, HTTPException: show_failure},
        lifespan=lambda app: _open(backend, login),
    )
    app.state.chat = chat
    return app


def _own_identity(backend: Backend, login: Login | None, secret: str | None) -> Identify:
    if login:
        return SessionIdentity(login.sessions, secure=over_https(login))
    return BrowserIdentity(backend.identity_key if isinstance(backend, KeepsIdentityKey) else None, secret)


def _routes(chat: Chat) -> list[Route | Mount]:
    sign_in = [
        Route("/login", session.show, methods=["GET"], name="login"),
        Route("/login", session.begin, methods=["POST"], name="begin_login"),
        Route("/login/callback", session.finish, methods=["GET"], name="login_callback"),
        Route("/login/callback/{state:path}", session.finish, methods=["GET"], name="login_callback_state"),
        Route("/logout", session.end, methods=["POST"], name="logout"),
    ]
    return [
        *([Route("/", session.home, name="home"), *sign_in] if chat.login else [Route("/", pages.home, name="home")]),
        Route("/messages", conversations.start, methods=["POST"], name="start"),
        Route("/c/{conversation}", pages.show, name="conversation"),
        Route("/c/{conversation}/messages", conversations.send, methods=["POST"], name="messages"),
        Route("/c/{conversation}/rename", conversations.ask_title, methods=["GET"], name="rename_form"),
        Route("/c/{conversation}/rename", conversations.rename, methods=["POST"], name="rename"),
        Route("/c/{conversation}/delete", conversations.delete, methods=["POST"], name="delete"),
        Route("/c/{deleted}/restore", conversations.restore, methods=["POST"], name="restore"),
        Route("/history", history.show, name="history"),
        Route("/c/{conversation}/runs", inspector.runs, name="runs"),
        Route("/runs", inspector.find, name="find_run"),
        Route("/runs/{run}", inspector.show, name="run"),
        Route("/runs/{run}/events", inspector.events, name="events"),
        Route("/runs/{run}/events.jsonl", exports.lines, name="events_export"),
        Route("/runs/{run}/report.html", exports.page, name="report"),
        Route("/runs/{run}/summary.md", exports.text, name="summary"),
        Route("/runs/{run}/events/{seq}", inspector.event, name="event"),
        Route("/runs/{run}/steps", insight.steps, name="steps"),
        Route("/runs/{run}/checkpoints", insight.checkpoints, name="checkpoints"),
        Route("/runs/{run}/evidence", insight.evidence, name="evidence"),
        Route("/scripts", scripts.nothing, name="no_scripts"),
        Route("/c/{conversation}/scripts", scripts.show, methods=["GET"], name="scripts"),
        Route("/c/{conversation}/scripts", scripts.queue, methods=["POST"], name="queue_scripts"),
        Route("/runs/{run}/scripts/{script}", scripts.find, methods=["GET"], name="script"),
        Route("/runs/{run}/scripts/{script}", scripts.change, methods=["POST"], name="change_script"),
        Route("/runs/{run}/scripts/{script}/result", scripts.finish, methods=["POST"], name="script_result"),
        Route("/runs/{run}/scripts/{script}/pictures/{number}", scripts.picture, name="script_picture"),
        Route("/runs/{run}/scripts/{script}/files/{file}", scripts.download, name="script_file"),
        Route("/runs/{run}/stream", runs.stream, name="stream"),
        Route("/runs/{run}/poll", runs.poll, name="poll"),
        Route("/runs/{run}/text", runs.text, name="text"),
        Route("/runs/{run}/cancel", runs.cancel, methods=["POST"], name="cancel"),
        Route("/runs/{run}/retry", runs.retry, methods=["POST"], name="retry"),
        Route("/runs/{run}/answer", runs.answer, methods=["POST"], name="answer"),
        *([Route("/sandbox", sandbox.show, methods=["GET"], name="sandbox")] if chat.settings.scripts else []),
        Mount("/static", chat.assets, name="static"),
    ]


@asynccontextmanager
async def _open(*parts: object) -> AsyncIterator[None]:
    """Open what can be opened; at the end close it all, the first first."""
    managed = [part for part in parts if isinstance(part, Managed)]
    async with AsyncExitStack() as stack:
        for part in reversed(managed):
            stack.push_async_callback(part.close)
        for part in managed:
            await part.open()
        yield


def chat_context(chat: Starlette, root: str) -> TurnContext:
    """Return what `htmxchat.fragments` need to show this chat's turns in a page of the host's own.

    Its `urls` are those of the mounted chat.

    Args:
        chat: What `create_chat_app` returned.
        root: Where browsers find it: `request.scope["root_path"] + "/chat"`.
    """
    parts: Chat = chat.state.chat
    return replace(parts.turn_context(Urls(root.rstrip("/"), parts.assets.version)), inspector=False)


def chat_lifespan(*chats: Starlette) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return a lifespan for the host, so that its start and stop are also those of the chats that it mounts.

    A mounted application's own lifespan never runs. Without this everything starts when first used, and a stopping
    host leaves live runs to be found interrupted; with it they end at once, and connections are closed.

        app = FastAPI(lifespan=chat_lifespan(chat))

    A host with a lifespan of its own enters this one inside it: `async with chat_lifespan(chat)(app): yield`.
    """

    @asynccontextmanager
    async def lifespan(_host: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for chat in chats:
                await stack.enter_async_context(chat.router.lifespan_context(chat))
            yield

    return lifespan
