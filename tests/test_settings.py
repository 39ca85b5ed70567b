"""What is given to the public API is checked where it is given: a wrong value is an error that says what to write.

`WRONG` has a wrong value for every argument of every public callable; one without fails the first test.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from fasthtml.common import Div, P
from starlette.requests import Request as WebRequest
from starlette.testclient import TestClient

import htmxchat
import htmxchat.fragments
import htmxchat.testing
from htmxchat import (
    ChatError,
    Limits,
    LocalBackend,
    LoginPages,
    Look,
    Origins,
    Request,
    RunEvent,
    Scripts,
    Starter,
    Store,
    StubBackend,
    User,
    chat_context,
    chat_lifespan,
    create_chat_app,
    fold,
)
from htmxchat.agents import kogwistar
from htmxchat.agents.kogwistar import KogwistarLogin
from htmxchat.testing import ScriptedBackend
from htmxchat.text.markdown import Markdown
from htmxchat.urls import Urls

BACKEND = StubBackend()
NOW = datetime.now(UTC)
CONVERSATION = htmxchat.Conversation("c", "u", "A title", NOW, NOW)
RUN = htmxchat.Run("r", "c", "u", "t", htmxchat.RunState.RUNNING, NOW)
URLS = Urls("/chat")


async def respond(request: Request) -> AsyncIterator[str]:
    yield "Hello"


def respond_at_once(request: Request) -> str:
    return "Hello"


async def identify(request: WebRequest) -> User | None:
    return User("ann")


# What each callable needs apart from the argument that is wrong.
GIVEN: dict[str, dict[str, Any]] = {
    "create_chat_app": {"backend": BACKEND},
    "LocalBackend": {"agent": respond},
    "LoginPages": {"login_url": "/login"},
    "KogwistarBackend": {"base_url": "http://127.0.0.1:1"},
    "KogwistarLogin": {"base_url": "http://127.0.0.1:1", "store": Store()},
    "chat_context": {"chat": create_chat_app(BACKEND), "root": "/chat"},
    "fold": {"events": ()},
}

# Values that are given to every field or argument whose annotation says these words.
BY_KIND: dict[str, list[Any]] = {
    "str": [5, None],
    "int": ["5", 1.5, True],
    "float": ["5", True],
    "bool": ["yes"],
    "datetime": ["now", datetime(2026, 1, 1)],
}

ADDRESSES = ["javascript:alert(1)", "login", "//evil.example", "https://", "/a\\b", '/"x', "data:,x", "ftp://a/", ""]
WRONG: dict[str, dict[str, list[Any]]] = {
    "create_chat_app": {
        "backend": [LocalBackend, respond, None, "stub", object(), create_chat_app(BACKEND)],
        "identify": [5, "ann", User, lambda request: User("ann"), respond_at_once],
        "login": [5, KogwistarLogin, object()],
        "stream": ["ws", None, 5],
        "title": ["", "  ", None, 5],
        "starters": [["x"], "x", 5, Starter("a", "b"), [("a", "b")]],
        "inspector": ["yes", 1, User, None],
        "look": [5, Look, "/logo.svg", {"logo": "/logo.svg"}],
        "limits": [5, Limits, {"text": 5}],
        "scripts": [5, Scripts, True, "no"],
        "files": [5, htmxchat.Files, True, "no"],
        "share": [5, htmxchat.Share, True, "no"],
        "imports": [5, htmxchat.Imports, True, "no"],
        "parts": [5, "x", [identify], {"": print}, {5: print}, {"a": 5}, {"a": identify}, {"a": lambda data: ""}],
        "origins": [5, Origins, ["https://a.example"]],
        "observer": [5, htmxchat.Observer],
    },
    "Origins": {
        "image_hosts": ["images.example", 5, [5], ["https://images.example"], ["*"]],
        "trusted_origins": ["https://a.example", 5, [5], ["a.example"], ["https://a.example/"]],
        "frame_ancestors": ["'self'", 5, [5], ["'unsafe-inline'"], ["a b"]],
    },
    "LoginPages": {"login_url": [5, None, *ADDRESSES], "logout_url": [5, *ADDRESSES]},
    "BrowserIdentity": {"keep_key": [5, "x"], "secret": [5, "", "too short", b"x" * 40]},
    "chat_context": {"chat": [5, BACKEND, create_chat_app], "root": [5, None]},
    "chat_lifespan": {"chats": [5, BACKEND, create_chat_app]},
    "fold": {"events": [5, htmxchat.TextDelta("x"), [htmxchat.TextDelta("x")], "x"], "view": [5, htmxchat.RunView]},
    "LocalBackend": {
        "agent": [5, None, "x", respond_at_once.__name__, identify],
        "store": [5, Store, "sqlite:///chat.db"],
        "starters": [["x"], "x", 5, Starter("a", "b")],
        "timing": [5, 1.0],
    },
    "StubBackend": {"store": [5, Store, "sqlite:///chat.db"], "pace": [-1, "fast", None, float("nan")]},
    "KogwistarBackend": {
        "base_url": [5, None, "", "localhost:28110", "ftp://x", "http://", "javascript:x"],
        "store": [5, Store, "sqlite:///chat.db"],
        "workflow_id": [5, None, ""],
        "initial_state": [5, {"text": ""}, identify],
        "stream": ["ws", None],
        "timing": [5, 1.0],
        "transport": [5, httpx.AsyncHTTPTransport],
    },
    "KogwistarLogin": {
        "base_url": [5, None, "", "localhost:28110", "ftp://x"],
        "store": [5, None, Store, "sqlite:///chat.db"],
        "app_url": [5, "chat.example", "https://chat.example/chat"],
        "public_url": [5, "kogwistar.example"],
        "provider": [5],
        "timeout": [-1, 0, "1", True, None],
    },
    "Store": {
        "url": [
            5,
            Store,
            b"x",
            "chat.db",
            "sqlite+aiosqlite:///chat.db",
            "postgresql://a:pw@b/c",
            "postgres://a/b",
            "mysql://a/b",
        ],
        "keep_deleted": [-1, "1", True, None, float("nan"), float("inf")],
        "migrate": [0, "yes", None],
        "connections": [0, -1, "5", 1.5, True, None],
        "files": [5, "files", htmxchat.FolderFiles, object()],
    },
    "FolderFiles": {"path": [5, None, "", "/dev/null/files"]},
    "Share": {"steps": ["x", 1], "files": ["x", 1], "max_days": ["x", 0, 1.5, 3_651]},
    "Imports": {"max_size": ["x", 0, 1.5, True], "max_turns": ["x", 1, 1.5, True]},
    "Files": {
        "max_size": [0, -1, "5", 5.5, True, None, 2 * 1024**3],
        "max_number": [0, -1, "5", 5.5, True, None, 101],
        "types": ["image/*", 5, [5], ["png"], [".csv"], ["*/*"], ["image/png, text/csv"], ["Image/PNG"]],
        "max_kept": [0, "5", 1],
        "timeout": [0, -1, "5", True, float("nan"), None, 86_401],
    },
    "SendFile": {"name": [5, None], "content": [5, None, ["x"], ("a", "b")]},
    "FileSent": {"file": [5, "x", {"id": "x"}]},
    "FileTooLarge": {"name": [5], "size": ["x"], "limit": ["x", -1]},
    "FileRefused": {"name": [5], "media_type": [5], "allowed": ["image/*", 5, [5]]},
    "FilesFull": {"limit": ["x"]},
    "TooManyFiles": {"limit": ["x"]},
    "Limits": {
        "text": [0, -1, "5", 5.0, True, None],
        "body": [0, "5", 5.0, 1_000],
        "result": [0, "5", 5.0],
        "body_timeout": [0, -1, "5", True, None],
        "poll_interval": [-1, 0, float("nan"), float("inf"), "1", True, None, 1e9],
        "backend_timeout": [-1, 0, float("nan"), "1", True, None],
        "streams_per_user": [0, -1, "5", 5.0],
        "requests_per_user": [0, -1, "5", 5.0],
        "runs_per_user": [0, -1, "5", 5.0],
    },
    "Scripts": {
        "pyodide_url": [5, "pyodide", "/pyodide", "javascript:x/"],
        "packages_url": [5, "packages", "/packages"],
        "timeout": [0, -1, "5", True, float("nan"), None],
        "load_timeout": [0, "5"],
        "idle_timeout": [0, "5"],
        "memory": [0, "5", 5.5, 1],
        "trust": ["yes", 1, None],
    },
    "Look": {
        "agent": ["", 5],
        "greeting": [5, None],
        "introduction": [5, None],
        "stylesheets": ["/a.css", 5, [5], ["a.css"], ["https://cdn.example/a.css"], ["//cdn.example/a.css"], [""]],
        "logo": [5, "logo.svg", "https://cdn.example/logo.svg", "//cdn.example/x", "data:image/svg+xml,x"],
        "favicon": [5, "favicon.ico", "https://cdn.example/x"],
        "header": [object(), P("x", style="color: red"), [Div(P("x", onclick="go()"))], identify, User],
        "footer": [object(), P("x", style="color: red"), identify],
        "empty": [object(), P("x", style="color: red"), identify],
    },
    "User": {"id": ["", "  ", 5, None], "name": [5], "token": [5], "expires_at": ["now", datetime(2026, 1, 1)]},
    "Starter": {"title": ["", 5], "text": ["", 5]},
    "ScriptedBackend": {
        "steps": ["Hello", 5, [5], htmxchat.TextDelta("x")],
        "by_text": [5, ["Hello"], {"Hello": "Hello"}, {"Hello": [5]}],
        "first_seq": [-1, "1", 1.5],
        "seq_step": [0, -1, "1"],
    },
    "each_event": {
        "backend": [5, ScriptedBackend],
        "user": ["ann", None],
        "run_id": ["", 5, RUN],
        "after": [-2, "1", 1.5],
    },
    "Delay": {"seconds": ["1", None]},
    "Gate": {"name": [5]},
    "Break": {"error": ["x", ValueError], "times": ["x"]},
    "ChatError": {"sentence": [5, ValueError("x")]},
    "TextTooLong": {"length": ["x"], "limit": ["x"]},
    "OtherSchema": {"found": [5, None], "expected": [5, None]},
    "BodyTooLarge": {"limit": ["x"]},
    "BodyTooSlow": {"limit": ["x", -1, None]},
    "TooManyRuns": {"limit": ["x"], "titles": ["A title", [5], 5]},
}

# What only this package makes and hands out.
PARTS = {"Text", "Reasoning", "ToolCall", "ProposedScript", "Question", "SentFiles", "CustomPart", "PartContext"}
HANDED_OUT = {"RunView", "BackendConformance", "RunState", "ScriptState", "Outcome", "Waiting", *PARTS}


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in (htmxchat, htmxchat.fragments, htmxchat.testing, kogwistar):
        for name in module.__all__:
            thing = getattr(module, name)
            protocol = getattr(thing, "_is_protocol", False)
            made = inspect.isclass(thing) or inspect.isfunction(thing)
            if made and not protocol and name not in HANDED_OUT:
                yield name, thing


PUBLIC = dict(public())


def parameters(thing: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(thing).parameters if name not in ("self", "args", "kwargs")]


def right(name: str) -> dict[str, Any]:
    """Return arguments that a callable takes."""
    if name in GIVEN:
        return GIVEN[name]
    thing = PUBLIC[name]
    return {
        each.name: value_of(str(each.annotation))
        for each in inspect.signature(thing).parameters.values()
        if each.default is each.empty and each.kind is not each.VAR_POSITIONAL
    }


def value_of(annotation: str) -> Any:
    values: dict[str, Any] = {
        "str": "x",
        "int": 1,
        "float": 1.0,
        "bool": True,
        "datetime": NOW,
        "dict[str, Any]": {},
        "JSON": None,
        "str | os.PathLike[str]": "x",
        "bytes | str | os.PathLike[str] | AsyncIterable[bytes]": b"x",
        "File": htmxchat.File("x", "x.txt", "text/plain", 1, "x"),
        "TurnNode": htmxchat.TurnNode("x", "user"),
        "Urls": URLS,
        "Child": None,
        "Conversation": CONVERSATION,
        "Conversation | None": None,
        "ConversationPage": htmxchat.ConversationPage(()),
        "Run": RUN,
        "RunState": RUN.state,
        "ScriptState": htmxchat.ScriptState.DONE,
        "ScriptOrigin": htmxchat.FromAgent("x"),
        "bytes": b"x",
        "Literal['python', 'sandbox']": "python",
        "Literal['image/png', 'image/svg+xml']": "image/png",
        "EventBody": htmxchat.TextDelta("x"),
        "Outcome": htmxchat.Outcome.COMPLETED,
        "Role": "user",
        "Rating": "up",
        "User": User("ann"),
        "Backend": ScriptedBackend(),
        "Frame": htmxchat.fragments.Frame("Chat"),
        "RunView": htmxchat.RunView(),
        "Markdown": Markdown(),
        "Side": htmxchat.fragments.Side("x", "X", "x", "/x"),
        "Transcript": htmxchat.Transcript(CONVERSATION),
        "Turn": htmxchat.Turn("t", "user", "Hello", NOW),
        "TurnContext": htmxchat.fragments.TurnContext(URLS, Markdown()),
    }
    return () if annotation.startswith(("tuple", "Sequence")) else None if "None" in annotation else values[annotation]


def wrong_values(name: str, parameter: str) -> list[Any]:
    """Return what a parameter must not be: its own cases, else those of its kind."""
    if name in WRONG and parameter in WRONG[name]:
        return WRONG[name][parameter]
    annotation = str(inspect.signature(PUBLIC[name]).parameters[parameter].annotation)
    if annotation in ("JSON", "Child"):
        return []  # whatever can be shown or stored, in some way everything
    first = annotation.partition(" | ")[0]
    values = BY_KIND.get(first, [object(), "wrong"])
    return [each for each in values if not (each is None and "None" in annotation)]


CASES = [
    (name, parameter, value)
    for name, thing in PUBLIC.items()
    if not (inspect.isclass(thing) and issubclass(thing, ChatError) and name not in WRONG)
    for parameter in parameters(thing)
    for value in wrong_values(name, parameter)
]


def test_every_public_argument_has_a_wrong_value() -> None:
    tried = {(name, parameter) for name, parameter, _ in CASES}
    for name, thing in PUBLIC.items():
        if inspect.isclass(thing) and issubclass(thing, ChatError) and name not in WRONG:
            assert parameters(thing) == parameters(ChatError), name
            continue
        for parameter in parameters(thing):
            annotation = str(inspect.signature(thing).parameters[parameter].annotation)
            assert (name, parameter) in tried or annotation in ("JSON", "Child"), f"{name}({parameter})"
    for name, arguments in WRONG.items():
        assert set(arguments) <= set(parameters(PUBLIC[name])), f"{name} takes no such argument"


@pytest.mark.parametrize(
    ("name", "parameter", "value"), CASES, ids=[f"{a}-{b}-{i}" for i, (a, b, _) in enumerate(CASES)]
)
def test_a_wrong_value_is_refused_where_it_is_given(name: str, parameter: str, value: Any) -> None:
    arguments = {**right(name), parameter: value}
    kinds = [each.kind for each in inspect.signature(PUBLIC[name]).parameters.values()]
    call = (
        partial(PUBLIC[name], value)
        if inspect.Parameter.VAR_POSITIONAL in kinds
        else partial(PUBLIC[name], **arguments)
    )
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    sentence = str(caught.value)
    assert "pw" not in sentence, "a password is not shown"
    assert parameter.rstrip("s") in sentence or name in ("Store", "Look", "LocalBackend"), sentence
    assert "0x" not in sentence and "object at" not in sentence, sentence
    assert sentence.endswith("."), sentence


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in WRONG])
def test_right_values_are_taken(name: str) -> None:
    PUBLIC[name](**right(name))


# As a host without a type checker sees them.
APP: Any = create_chat_app
LOCAL: Any = LocalBackend


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: APP(LocalBackend), "backend is the class LocalBackend. Pass an instance: LocalBackend(…)."),
        (lambda: APP(respond), "LocalBackend(respond) makes one from an async generator function."),
        (lambda: Look(stylesheets="/a.css"), 'Look.stylesheets must be a list, ["/static/brand.css"], not'),
        (lambda: APP(BACKEND, identify=lambda r: None), "write async def identify(request) -> User | None"),
        (lambda: APP(BACKEND, starters=["x"]), "starters[0] must be a Starter, Starter("),
        (lambda: LoginPages("javascript:x"), 'login_url must be a path, "/login", or an address'),
        (lambda: LoginPages("/login", "logout"), 'logout_url must be a path, "/logout", or an address'),
        (lambda: APP(BACKEND, login=LoginPages("/login")), "needs identify, which returns your signed-in user"),
        (lambda: LOCAL(respond, Store), "store is the class Store. Pass an instance: Store(…)."),
        (lambda: LOCAL(respond, "x"), 'store must be a Store, Store("sqlite:///chat.db"), not a str.'),
        (lambda: Store("postgresql://me:pw@db/x"), "is for another driver. Write postgresql+asyncpg://me:***@db/x."),
        (lambda: Store("sqlite+aiosqlite:///chat.db"), "Write sqlite:///chat.db."),
        (lambda: User(5), "User.id must be a str, not an int."),  # type: ignore[arg-type]
        (lambda: htmxchat.InputRequested("a", "b", "Yes"), "InputRequested.choices must be a tuple of str, not a str."),  # type: ignore[arg-type]
    ],
    ids=map(str, range(14)),
)
def test_the_sentence_says_what_to_write_instead(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(sentence)):
        make()


class Awaited(ScriptedBackend):
    async def run_events(self, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        return None


class Plain(ScriptedBackend):
    def run_events(self, *_: Any, **__: Any) -> Any:
        yield []


@pytest.mark.parametrize(
    ("backend", "what"), [(Awaited, "a coroutine: it is called"), (Plain, "a generator that is not async")]
)
def test_a_backend_that_is_no_async_generator_is_refused_where_it_can_be_seen(backend: Any, what: str) -> None:
    advice = r"Make it an async generator that yields lists of events: async def run_events\(self, user"
    with pytest.raises(TypeError, match=rf"^{backend.__name__}\.run_events is {what}.*\. {advice}"):
        create_chat_app(backend())


def test_lists_do_where_data_has_tuples() -> None:
    asked = htmxchat.InputRequested("a", "b", ["Yes", "No"])  # type: ignore[arg-type]
    assert asked.choices == ("Yes", "No")
    assert htmxchat.SourcesFound([htmxchat.Source("x")]) == htmxchat.SourcesFound((htmxchat.Source("x"),))  # type: ignore[arg-type]


def test_a_backend_that_lacks_something_is_told_what() -> None:
    class Half(ScriptedBackend):
        stop_run: Any = None

    with pytest.raises(TypeError, match="Half lacks stop_run"):
        APP(Half())


class CallableIdentity:
    async def __call__(self, request: WebRequest, name: str = "ann") -> User:
        return User(name)

    async def by_method(self, request: WebRequest) -> User:
        return User("ann")


@pytest.mark.parametrize(
    "identify",
    [identify, CallableIdentity(), CallableIdentity().by_method, partial(CallableIdentity(), name="bob")],
)
def test_whatever_is_asynchronous_can_say_who_asks(identify: Any) -> None:
    with TestClient(create_chat_app(StubBackend(), identify=identify)) as client:
        assert client.get("/").status_code == 200


def test_an_identify_that_returns_no_user_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def wrong(request: WebRequest) -> Any:
        return "secret-name"

    with TestClient(create_chat_app(StubBackend(), identify=wrong)) as client:
        response = client.get("/")
    assert response.status_code == 500
    assert "identify returned a str. It must return a User" in caplog.text
    assert "secret-name" not in caplog.text + response.text


def test_a_missing_driver_says_what_to_install() -> None:
    hidden = (
        "import sys; sys.modules['asyncpg'] = None; from htmxchat import Store; Store('postgresql+asyncpg://a:pw@b/c')"
    )
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True)
    assert "pip install 'htmxchat[postgres]'" in done.stderr.splitlines()[-1]
    assert "pw" not in done.stderr.splitlines()[-1]


def test_fold_says_what_it_takes() -> None:
    async def events() -> Any:
        yield RunEvent(1, NOW, htmxchat.RunStarted())

    with pytest.raises(TypeError, match="async for event in"):
        fold(events())


def test_checking_costs_next_to_nothing() -> None:
    # Every word of every answer is such an event: counted in calls, because time is not steady.
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    htmxchat.TextDelta("warm")
    sys.setprofile(count)
    try:
        for _ in range(100):
            htmxchat.TextDelta("x")
    finally:
        sys.setprofile(None)
    assert calls <= 500


def test_data_is_still_what_dataclasses_are() -> None:
    user = dataclasses.replace(User("ann"), name="Ann")
    assert (user.id, user.name) == ("ann", "Ann")
    with pytest.raises(TypeError, match=r"User\.name must be a str or None"):
        dataclasses.replace(user, name=5)  # type: ignore[arg-type]


def test_lifespans_and_contexts_take_what_create_chat_app_returned() -> None:
    app = create_chat_app(BACKEND)
    chat_lifespan(app, app)
    assert chat_context(app, "/chat/").urls.home() == "/chat/"
