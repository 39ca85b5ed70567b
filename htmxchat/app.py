"""`create_chat_app`: the chat as a Starlette application, and its routes, read top to bottom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Literal, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from . import checks
from .auth.callback import HideCallback
from .auth.identity import BrowserCookie, BrowserIdentity, HostIdentity, Identify, SessionIdentity
from .auth.login import Login, over_https
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
from .bound import abilities
from .chat import Chat, Inspector, Settings
from .drawing import Drawer, Drawings, DrawPart, check_parts
from .endpoints import (
    changes,
    conversations,
    exports,
    health,
    history,
    insight,
    inspector,
    pages,
    runs,
    sandbox,
    scripts,
    session,
)
from .endpoints.failures import show_failure
from .errors import ChatError
from .fragments.turns.context import TurnContext
from .http.assets import Assets
from .http.csrf import CrossOriginGuard, checked_origin
from .http.headers import ContentPolicy, SecurityHeaders
from .http.limits import BodyLimit, Limits, QuietDisconnects, Slots
from .http.mounting import WholePath
from .http.routing import PostRoute, largest_body
from .http.stopping import ServerStop
from .live import KeptPages, Relay
from .live.reading import check_reading
from .look import Look
from .models import Starter
from .observing import Observer
from .scripts import Scripts
from .text.markdown import Markdown
from .urls import Urls

_METHODS = tuple(name for name in vars(Backend) if not name.startswith("_"))


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
    logout_url: str | None = None,
    inspector: Inspector = True,
    look: Look | None = None,
    stylesheets: Iterable[str] = (),
    limits: Limits | None = None,
    observer: Observer | None = None,
    scripts: Scripts | Literal[False] | None = None,
    parts: Mapping[str, DrawPart] | None = None,
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
        login_url: The host's page for signing in, `"/login"`. It gets a field `next`, the path to come back to.
        logout_url: The host's page for signing out, to which a link leads.
        inspector: Who sees the inspector, and what tools were given and gave back: everybody, nobody, or those for whom
            a function says so: `lambda user: user.id in STAFF`. It may be `async def`.
        look: A logo, a favicon, a header, a footer and an empty page of the host's own.
        stylesheets: Paths of the host's own style sheets, `"/static/brand.css"`, loaded after the chat's: the place to
            set the `--chat-*` tokens. They come from the chat's own origin.
        limits: Longest text, largest body, what a user may have under way at a time.
        observer: Is told of runs, streams and outages: `Telemetry()`, for OpenTelemetry.
        scripts: How the agent's Python runs in the user's browser, with the user's consent: limits of time and memory,
            and where packages are. `False`: it does not, and there is no room for scripts.
        parts: Functions that draw parts of answers, by the names of tools and `Custom` events: they are given the
            tool's result or the event's data, and a `PartContext`, and return FastHTML components.
        image_hosts: Hosts whose images answers may show, `"images.example"`. None by default.
        trusted_origins: Origins that may send forms besides the chat's own, `"https://portal.example"`.
        frame_ancestors: Who may show the chat in a frame, as Content-Security-Policy sources.
        poll_interval: Seconds between two polls.
        backend_timeout: Seconds that a page waits for the backend before it says that it cannot be reached.

    A path of the host's, which begins with one slash, is one of the application that mounts the chat: where a proxy
    takes a prefix off, it gets that prefix.

    Raises:
        TypeError: A setting is of another kind.
        ValueError: A setting cannot be used, or not together with another.
    """
    _check_backend(backend)
    if login is not None:
        _check_login(login)
    if login is not None and any(each is not None for each in (identify, login_url, logout_url)):
        raise ValueError("login signs people in and out by itself: give it, or identify, login_url and logout_url.")
    if secret is not None and (identify is not None or login is not None):
        raise ValueError("secret signs the cookies of a chat that signs nobody in: not beside identify or login.")
    limits = Limits() if limits is None else checks.instance("limits", limits, Limits, "Limits(text=5_000)")
    if isinstance(backend, CanLimitRuns):
        backend.limit_runs(limits.runs_per_user)
    if observer is not None:
        checks.instance("observer", observer, Observer, "Telemetry(), from htmxchat.telemetry")
        if isinstance(backend, CanBeObserved):
            backend.observe(observer)
    if starters is None:
        starters = backend.starters if isinstance(backend, HasStarters) else ()
    settings = Settings(
        title=checks.text("title", title, empty=False),
        agent=checks.text("agent", agent, empty=False),
        greeting=checks.text("greeting", greeting),
        introduction=checks.text("introduction", introduction),
        starters=checks.items("starters", starters, _starter, 'such as [Starter("Disk", "How much room is left?")]'),
        stream=cast(Literal["sse", "poll"], checks.one_of("stream", stream, ("sse", "poll"))),
        poll_interval=checks.seconds("poll_interval", poll_interval),
        backend_timeout=checks.seconds("backend_timeout", backend_timeout),
        login_url=login_url if login_url is None else checks.address("login_url", login_url, "/login"),
        logout_url=logout_url if logout_url is None else checks.address("logout_url", logout_url, "/logout"),
        inspector=_inspector(inspector),
        look=Look() if look is None else checks.instance("look", look, Look, 'Look(logo="/static/logo.svg")'),
        stylesheets=checks.items("stylesheets", stylesheets, checks.path, '["/static/brand.css"]'),
        limits=limits,
        scripts=_scripts(scripts),
        frame_ancestors=checks.items("frame_ancestors", frame_ancestors, checks.text, '["https://portal.example"]'),
    )
    hosts = tuple(host.lower() for host in checks.items("image_hosts", image_hosts, checks.text, '["images.example"]'))
    # Now, because Starlette makes middleware with the first request.
    trusted = checks.items("trusted_origins", trusted_origins, checked_origin, '["https://portal.example"]')
    policy = ContentPolicy(hosts, settings.scripts.origins if settings.scripts else (), settings.frame_ancestors)
    chat = Chat(
        backend=backend,
        abilities=abilities(backend) - (frozenset() if settings.scripts else {KeepsScripts}),
        identify=_identity(backend, identify, login, secret),
        settings=settings,
        markdown=Markdown(frozenset(hosts)),
        assets=Assets(),
        relay=Relay(backend, kept=KeptPages(limits.resume_bytes, limits.resume_seconds)),
        streams=Slots(limits.streams_per_user),
        requests=Slots(limits.requests_per_user),
        stop=ServerStop(backend.drain if isinstance(backend, CanDrain) else None),
        drawings=Drawings(Drawer(check_parts(parts))) if parts is not None else None,
        login=login,
        observer=observer or Observer(),
    )
    app = Starlette(
        routes=_routes(chat),
        middleware=[
            Middleware(QuietDisconnects),
            Middleware(WholePath),
            *([Middleware(HideCallback, login.fields)] if login else []),
            Middleware(SecurityHeaders, policy),
            Middleware(CrossOriginGuard, show_failure, trusted),
            Middleware(BodyLimit, largest_body(limits.body), show_failure, seconds=limits.body_timeout),
            *([] if identify or login else [Middleware(BrowserCookie)]),
        ],
        exception_handlers={ChatError: show_failure, HTTPException: show_failure},
        lifespan=lambda app: _open(backend, login),
    )
    app.state.chat = chat
    return app


def _routes(chat: Chat) -> list[Route | Mount]:
    limits = chat.settings.limits
    get = partial(Route, methods=["GET"])
    post = partial(PostRoute, body=limits.body, errors="composer")
    post_script = partial(PostRoute, body=limits.body, errors="scripts")

    sign_in = [
        get("/login", session.show, name="login"),
        post("/login", session.begin, name="begin_login"),
        get("/login/callback", session.finish, name="login_callback"),
        get("/login/callback/{state:path}", session.finish, name="login_callback_state"),
        post("/logout", session.end, name="logout"),
    ]
    return [
        *([get("/", session.home, name="home"), *sign_in] if chat.login else [get("/", pages.home, name="home")]),
        get("/healthz", health.alive, name="alive"),
        get("/readyz", health.ready, name="ready"),
        post("/messages", conversations.start, name="start"),
        get("/c/{conversation}", pages.show, name="conversation"),
        post("/c/{conversation}/messages", conversations.send, name="messages"),
        get("/changes", changes.show, name="changes"),
        get("/c/{conversation}/changes", changes.show, name="conversation_changes"),
        get("/c/{conversation}/rename", conversations.ask_title, name="rename_form"),
        post("/c/{conversation}/rename", conversations.rename, name="rename"),
        post("/c/{conversation}/delete", conversations.delete, name="delete"),
        post("/c/{deleted}/restore", conversations.restore, name="restore"),
        get("/history", history.show, name="history"),
        get("/c/{conversation}/runs", inspector.runs, name="runs"),
        get("/c/{conversation}/runs/latest", inspector.latest, name="latest_run"),
        get("/runs", inspector.find, name="find_run"),
        get("/runs/{run}", inspector.show, name="run"),
        get("/runs/{run}/events", inspector.events, name="events"),
        get("/runs/{run}/events.jsonl", exports.lines, name="events_export"),
        get("/runs/{run}/report.html", exports.page, name="report"),
        get("/runs/{run}/summary.md", exports.text, name="summary"),
        get("/runs/{run}/events/{seq}", inspector.event, name="event"),
        get("/runs/{run}/steps", insight.steps, name="steps"),
        get("/runs/{run}/checkpoints", insight.checkpoints, name="checkpoints"),
        get("/runs/{run}/evidence", insight.evidence, name="evidence"),
        get("/scripts", scripts.nothing, name="no_scripts"),
        get("/c/{conversation}/scripts", scripts.show, name="scripts"),
        post_script("/c/{conversation}/scripts", scripts.queue, name="queue_scripts"),
        get("/runs/{run}/scripts/{script}", scripts.find, name="script"),
        post_script("/runs/{run}/scripts/{script}", scripts.change, name="change_script"),
        post_script("/runs/{run}/scripts/{script}/result", scripts.finish, name="script_result", body=limits.result),
        get("/runs/{run}/scripts/{script}/pictures/{number}", scripts.picture, name="script_picture"),
        get("/runs/{run}/scripts/{script}/files/{file}", scripts.download, name="script_file"),
        get("/runs/{run}/stream", runs.stream, name="stream"),
        get("/runs/{run}/poll", runs.poll, name="poll"),
        get("/runs/{run}/text", runs.text, name="text"),
        post("/runs/{run}/cancel", runs.cancel, name="cancel"),
        post("/runs/{run}/retry", runs.retry, name="retry"),
        post("/runs/{run}/answer", runs.answer, name="answer"),
        *([get("/sandbox", sandbox.show, name="sandbox")] if chat.settings.scripts else []),
        Mount("/static", chat.assets, name="static"),
    ]


def _check_backend(backend: Any) -> None:
    if isinstance(backend, type):
        raise TypeError(f"backend is the class {backend.__name__}. Make one of it: {backend.__name__}(…).")
    missing = [name for name in _METHODS if not callable(getattr(backend, name, None))]
    if len(missing) == len(_METHODS):
        made = "LocalBackend(respond) makes one from an async generator"
        raise TypeError(f"backend is not a Backend, but {checks.kind(backend)}. {made}.")
    if missing:
        raise TypeError(f"backend is not a Backend: {type(backend).__name__} lacks {', '.join(missing)}.")
    check_reading(backend)


def _check_login(login: Any) -> None:
    if isinstance(login, type):
        raise TypeError(f"login is the class {login.__name__}. Make one of it: {login.__name__}(…).")
    if not isinstance(login, Login):
        raise TypeError(f"login is a Login, KogwistarLogin(url, store), not {checks.kind(login)}.")


def _identity(backend: Backend, identify: Any, login: Login | None, secret: Any) -> Identify:
    if login:
        return SessionIdentity(login.sessions, secure=over_https(login))
    if identify is None:
        keeps = backend.identity_key if isinstance(backend, KeepsIdentityKey) else None
        return BrowserIdentity(keeps, secret if secret is None else checks.text("secret", secret))
    return HostIdentity(checks.asynchronous("identify", identify, "async def identify(request) -> User | None"))


def _inspector(inspector: Any) -> Inspector:
    if isinstance(inspector, bool):
        return inspector
    if isinstance(inspector, type) or not callable(inspector):
        example = "lambda user: user.id in STAFF"
        raise TypeError(f"inspector is True, False or a function, {example}, not {checks.kind(inspector)}.")
    return cast(Inspector, inspector)


def _scripts(scripts: Any) -> Scripts | None:
    if scripts is None or scripts is False:
        return Scripts() if scripts is None else None
    return checks.instance("scripts", scripts, Scripts, "Scripts(timeout=60), or False for none")


def _starter(name: str, starter: Any) -> Starter:
    return checks.instance(name, starter, Starter, 'Starter("Disk", "How much room is left?")')


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

    Its `urls` are those of the mounted chat. Its turns have a link to the inspector when that is for everybody.

    Args:
        chat: What `create_chat_app` returned.
        root: Where browsers find it: `request.scope["root_path"] + "/chat"`.
    """
    parts = _parts("chat", chat)
    urls = Urls(checks.text("root", root).rstrip("/"), parts.assets.version)
    # Which of its readers may inspect, nobody says here.
    open_to_all = parts.settings.inspector is True
    return replace(
        parts.turn_context(urls, can_inspect=open_to_all),
        inspector="elsewhere" if open_to_all else None,
        drawings=parts.drawings and replace(parts.drawings, at_once=True),
    )


def chat_lifespan(*chats: Starlette) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Return a lifespan for the host, so that its start and stop are also those of the chats that it mounts.

    A mounted application's own lifespan never runs. Without this everything starts when first used, and a stopping
    host leaves live runs to be found interrupted; with it they end at once, and connections are closed.

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
        raise TypeError(f"{name} is what create_chat_app(…) returned, not {checks.kind(chat)}.")
    return parts
