"""`create_chat_app`: the chat as a Starlette application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from . import checks
from .archive import CanImport, Imports
from .auth.callback import HideCallback
from .auth.identity import BrowserCookie, BrowserIdentity, HostIdentity, Identify, SessionIdentity
from .auth.login import Login, LoginPages, over_https
from .backend import (
    Backend,
    CanBeObserved,
    CanDrain,
    CanLimitRuns,
    HasStarters,
    KeepsIdentityKey,
    KeepsScripts,
    Managed,
)
from .chat import Chat
from .chat.bound import abilities
from .chat.settings import (
    Inspector,
    OnFeedback,
    Settings,
    check_backend,
    check_feedback,
    check_files,
    check_imports,
    check_inspector,
    check_login,
    check_scripts,
    check_share,
    check_starters,
    check_stream,
)
from .drawing import Drawer, Drawings, DrawPart, check_parts
from .endpoints.failures import show_failure
from .endpoints.table import routes
from .errors import ChatError
from .feedback.ability import KeepsFeedback
from .files import Files
from .files.ability import KeepsFiles
from .fragments.turns.context import TurnContext
from .http.assets import Assets
from .http.csrf import CrossOriginGuard
from .http.detaching import Detaching
from .http.headers import SecurityHeaders
from .http.limits import BodyLimit, Bounds, Limits, QuietDisconnects, Slots
from .http.lingering import LingeringClose
from .http.mounting import WholePath
from .http.origins import Origins
from .http.routing import body_bounds
from .http.stopping import Ticker
from .live import KeptPages, Relay
from .look import Look
from .models import Starter
from .observing import Observer
from .scripts import Scripts
from .sharing import CanShare, Share
from .text.markdown import Markdown
from .urls import Urls


def create_chat_app(
    backend: Backend,
    *,
    identify: Identify | None = None,
    login: Login | LoginPages | None = None,
    stream: Literal["sse", "poll"] = "sse",
    title: str = "Chat",
    starters: Iterable[Starter] | None = None,
    parts: Mapping[str, DrawPart] | None = None,
    inspector: Inspector = True,
    scripts: Scripts | Literal[False] | None = None,
    look: Look | None = None,
    files: Files | Literal[False] | None = None,
    feedback: OnFeedback | Literal[False] | None = None,
    imports: Imports | Literal[False] | None = None,
    share: Share | Literal[False] | None = None,
    limits: Limits | None = None,
    origins: Origins | None = None,
    observer: Observer | None = None,
) -> Starlette:
    """Return the chat as an application to mount: `app.mount("/chat", create_chat_app(backend))`.

    Args:
        backend: The agent.
        identify: Says who asks; `None` from it means no one, and gets a 401. Without it, every browser is a user of
            its own, known by a random id in a cookie: `BrowserIdentity()`.
        login: A `Login` makes the chat sign people in by itself, instead of `identify`. `LoginPages("/login")` are the
            host's own pages, beside `identify`.
        stream: How answers arrive: by server-sent events, or by polling where nothing else gets through. A page whose
            stream delivers nothing falls back to polling by itself.
        title: The name of the chat, on the page and in the window's title.
        starters: Messages that the empty page offers. Default: those of the backend, if it has any.
        parts: Functions that draw parts of answers, by the names of tools and `Custom` events: they are given the
            tool's result or the event's data, and a `PartContext`, and return FastHTML components.
        inspector: Who sees the inspector, and what tools were given and gave back: everyone, no one, or those for whom
            a function says so: `lambda user: user.id in STAFF`. It may be `async def`.
        scripts: How the agent's Python runs in the user's browser, with the user's consent: limits of time and memory,
            and where packages are. `False`: it does not, and there is no room for scripts.
        files: What users may send: how large, how many, of which types. `False`: none, and the page offers none.
        feedback: Is called with the `User`, the `Run` and the `Feedback` when a user says what they think of an answer;
            with `None` when they take it back. It may be `async def`. `False`: the page asks for none.
        imports: How large a conversation may be that users import from a file. `False`: they import none.
        share: That users may share conversations as pages that anyone with the address can read. By default, not.
        look: Words, a logo, style sheets, a header, a footer and an empty page of the host's own.
        limits: Longest text, largest body, what a user may have under way at a time, how long the backend may take.
        origins: Hosts of images, origins that may send forms, and who may show the chat in a frame.
        observer: Is told of runs, streams and outages: `Telemetry()`, for OpenTelemetry.

    A path of the host's, which begins with one slash, is one of the application that mounts the chat: where a proxy
    takes a prefix off, it gets that prefix.

    Raises:
        TypeError: A setting is of another kind.
        ValueError: A setting cannot be used, or not together with another.
    """
    check_backend(backend)
    own_login, login_pages = check_login(login, identify=identify is not None)
    settings = Settings(
        title=checks.text("title", title, empty=False),
        stream=check_stream(stream),
        starters=check_starters(_default_starters(backend) if starters is None else starters),
        inspector=check_inspector(inspector),
        scripts=check_scripts(scripts),
        files=check_files(files),
        feedback=check_feedback(feedback, backend),
        imports=check_imports(imports),
        share=check_share(share),
        login_pages=login_pages,
        look=checks.optional("look", look, Look, 'Look(logo="/static/logo.svg")'),
        limits=checks.optional("limits", limits, Limits, "Limits(text=5_000)"),
        origins=checks.optional("origins", origins, Origins, 'Origins(image_hosts=["images.example"])'),
    )
    chat = Chat(
        backend=backend,
        abilities=abilities(backend) - _unwanted(settings),
        identify=_identity(backend, identify, own_login),
        settings=settings,
        markdown=Markdown(frozenset(settings.origins.image_hosts)),
        assets=Assets(),
        relay=Relay(backend, kept=KeptPages(settings.limits.resume_bytes, settings.limits.resume_seconds)),
        streams=Slots(settings.limits.streams_per_user),
        requests=Slots(settings.limits.requests_per_user),
        ticker=Ticker(backend.drain if isinstance(backend, CanDrain) else None),
        drawings=None if parts is None else Drawings(Drawer(check_parts(parts))),
        login=own_login,
        observer=checks.optional("observer", observer, Observer, "Telemetry(), from htmxchat.telemetry"),
    )
    if isinstance(backend, CanLimitRuns):
        backend.limit_runs(settings.limits.runs_per_user)
    if observer is not None and isinstance(backend, CanBeObserved):
        backend.observe(observer)
    app = Starlette(
        routes=routes(chat),
        middleware=_guards(chat),
        exception_handlers={ChatError: show_failure, HTTPException: show_failure},
        lifespan=lambda app: _open(backend, own_login),
    )
    app.state.chat = chat
    return app


def _unwanted(settings: Settings) -> frozenset[type]:
    wanted = {
        KeepsScripts: settings.scripts,
        KeepsFiles: settings.files,
        KeepsFeedback: None if settings.feedback is False else True,
        CanImport: settings.imports,
        CanShare: settings.share,
    }
    return frozenset(ability for ability, given in wanted.items() if given is None)


def _guards(chat: Chat) -> list[Middleware]:
    settings = chat.settings
    connect = settings.scripts.origins if settings.scripts else ()
    return [
        Middleware(Detaching),
        Middleware(QuietDisconnects),
        Middleware(WholePath),
        *([Middleware(HideCallback, chat.login.fields)] if chat.login else []),
        Middleware(SecurityHeaders, settings.origins.policy(connect)),
        Middleware(LingeringClose, settings.limits.body_timeout),
        Middleware(CrossOriginGuard, show_failure, settings.origins.trusted_origins),
        Middleware(BodyLimit, body_bounds(Bounds(settings.limits.body, settings.limits.body_timeout)), show_failure),
        *([Middleware(BrowserCookie)] if isinstance(chat.identify, BrowserIdentity) else []),
    ]


def _identity(backend: Backend, identify: Any, login: Login | None) -> Identify:
    if login:
        return SessionIdentity(login.sessions, secure=over_https(login))
    if identify is None:
        return BrowserIdentity(backend.identity_key if isinstance(backend, KeepsIdentityKey) else None)
    if isinstance(identify, BrowserIdentity):
        return identify
    return HostIdentity(checks.asynchronous("identify", identify, "async def identify(request) -> User | None"))


def _default_starters(backend: Backend) -> Iterable[Starter]:
    return backend.starters if isinstance(backend, HasStarters) else ()


@asynccontextmanager
async def _open(*parts: object) -> AsyncIterator[None]:
    """Open what can be opened; at the end close it all, the first first."""
    managed = [part for part in parts if isinstance(part, Managed)]
    async with AsyncExitStack() as stack:
        for part in reversed(managed):
            stack.push_async_callback(part.close)
        for drains in (part for part in parts if isinstance(part, CanDrain)):
            stack.push_async_callback(drains.drain)
        for part in managed:
            await part.open()
        yield


def chat_context(chat: Starlette, root: str) -> TurnContext:
    """Return what `htmxchat.fragments` need to show this chat's turns in a page of the host's own.

    Its `urls` are those of the mounted chat. Its turns have a link to the inspector when that is for everyone.

    Args:
        chat: What `create_chat_app` returned.
        root: Where browsers find it: `request.scope["root_path"] + "/chat"`.
    """
    parts = _parts("chat", chat)
    urls = Urls(checks.text("root", root).rstrip("/"), parts.assets.version)
    # Which of its readers may inspect, no one says here.
    open_to_all = parts.settings.inspector is True
    return replace(
        parts.turn_context(urls, conversation_id="", can_inspect=open_to_all),
        inspector="elsewhere" if open_to_all else None,
        drawings=parts.drawings and replace(parts.drawings, at_once=True),
    )


def chat_lifespan(*chats: Starlette) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return a lifespan for the host, so that its start and stop are also those of the chats that it mounts.

    A mounted application's own lifespan never runs. Without this everything starts when first used, and a stopping
    host leaves active runs to be found interrupted; with it they end at once, and connections are closed.

        app = FastAPI(lifespan=chat_lifespan(chat))

    A host with a lifespan of its own enters this one inside it: `async with chat_lifespan(chat)(app): yield`.
    """

    for number, chat in enumerate(chats):
        _parts(f"chats[{number}]", chat)

    @asynccontextmanager
    async def lifespan(_host: Any) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for chat in chats:
                await stack.enter_async_context(chat.router.lifespan_context(chat))
            yield

    return lifespan


def _parts(name: str, chat: Any) -> Chat:
    parts = getattr(getattr(chat, "state", None), "chat", None)
    if not isinstance(parts, Chat):
        raise TypeError(f"{name} must be what create_chat_app(…) returned, not {checks.kind(chat)}.")
    return parts
