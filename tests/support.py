"""What several tests need: a page that patches can be applied to, and clients of an ASGI app without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
from httpx_sse._decoders import SSEDecoder, SSELineDecoder
from sqlalchemy import Connection
from starlette.types import ASGIApp, Message

from htmxchat.backends.local import LocalBackend
from htmxchat.fragments import TurnContext, turn
from htmxchat.html import render
from htmxchat.http.sse import ServerSentEvent
from htmxchat.journal import Timing
from htmxchat.models import Run, Turn
from htmxchat.store import Store
from htmxchat.text.markdown import Markdown
from htmxchat.urls import Urls

T = TypeVar("T")
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())


@dataclass(eq=False)
class Element:
    """An element: enough of one to apply what a live turn sends, and to look into a page."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)
    parent: Element | None = None

    def __iter__(self) -> Iterator[Element]:
        """Yield this element and all below it, in document order."""
        yield self
        for child in self.elements:
            yield from child

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    @property
    def elements(self) -> list[Element]:
        return [child for child in self.children if isinstance(child, Element)]

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def html(self) -> str:
        """The element as HTML in a canonical form: two that are equal are the same to a reader."""
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in sorted(self.attributes.items()))
        inner = "".join(escape(each, quote=False) if isinstance(each, str) else each.html for each in self.children)
        return f"<{self.tag}{attributes}>{inner}" + ("" if self.tag in VOID else f"</{self.tag}>")

    def all(self, tag: str | None = None, **attributes: str) -> list[Element]:
        """Return the elements with this tag and these attributes (`_` for `-`, `cls` for one of the classes)."""
        names = {"cls": "class"}
        wanted = {names.get(name, name.rstrip("_").replace("_", "-")): value for name, value in attributes.items()}
        return [each for each in self if tag in (None, each.tag) and _has(each, wanted)]

    def one(self, tag: str | None = None, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {attributes} in {self.html[:2000]}"
        return found[0]

    def select(self, selector: str) -> Element:
        """Return what a selector of a live page finds: `#id`, then any number of ` > :first-child` and the like."""
        first, *steps = selector.split(" > ")
        tag, _, rest = first.partition("#")
        assert rest, selector
        found = self.one(tag or None, id=rest.partition("[")[0])
        for step in steps:
            if step == ":first-child":
                found = found.elements[0]
                continue
            if step == ":last-child":
                found = found.elements[-1]
                continue
            assert step.startswith(":nth-child("), selector
            found = found.elements[int(step[11:-1]) - 1]
        return found

    def down(self, path: str) -> Element:
        """Return what the page's script finds by the path of a patch: each number is a child, counted from the last."""
        found = self
        for step in path.split("-") if path else ():
            found = found.elements[-int(step)]
        return found

    @property
    def after(self) -> list[Element]:
        """The elements that follow it in its parent."""
        assert self.parent is not None
        siblings = self.parent.elements
        return siblings[siblings.index(self) + 1 :]

    def add(self, child: Element | str) -> None:
        self.children.append(child)
        if isinstance(child, Element):
            child.parent = self

    def replace(self, old: Element, new: list[Element | str]) -> None:
        at = next(index for index, child in enumerate(self.children) if child is old)
        self.children[at : at + 1] = new
        for child in new:
            if isinstance(child, Element):
                child.parent = self

    def apply(self, fragments: str) -> None:
        """Carry out what a message holds, as htmx does: it finds all targets before it changes anything. Every target
        must be there, once; the composer may be that of another run.
        """
        found: list[tuple[Element, Element]] = []
        for partial in parse(fragments).children:
            assert isinstance(partial, Element), f"text between fragments: {partial!r}"
            assert partial.tag == "hx-partial", partial.tag
            _, _, run = partial["hx-target"].partition("[data-run=")
            if run and self.select(partial["hx-target"]).attributes.get("data-run") != run.strip('"]'):
                continue
            first, all_after, _ = partial["hx-target"].partition(" ~ *")
            if all_after:
                found += [(each, partial) for each in self.select(first).after]
                continue
            _, _, path = partial["hx-swap"].partition(" path:")
            found.append((self.select(partial["hx-target"]).down(path), partial))
        for target, partial in found:
            self._patch(target, partial["hx-swap"].partition(" ")[0], partial)

    def _patch(self, target: Element, swap: str, new: Element) -> None:
        match swap:
            case "outerHTML" | "outerMorph" | "delete":
                assert target.parent is not None
                assert bool(new.elements) == (swap != "delete"), new.html
                target.parent.replace(target, [] if swap == "delete" else new.children)
            case "innerHTML" | "innerMorph" | "beforeend":
                if swap != "beforeend":
                    target.children.clear()
                for child in new.children:
                    target.add(child)
            case "beforebegin":
                assert target.parent is not None
                target.parent.replace(target, [*new.children, target])
            case "afterbegin":
                for child in reversed(new.children):
                    target.children.insert(0, child)
                    if isinstance(child, Element):
                        child.parent = target
            case "attributes":
                target.attributes = new.elements[0].attributes
            case _:
                raise AssertionError(f"unknown swap {swap!r}")


def _has(element: Element, wanted: dict[str, str]) -> bool:
    for name, value in wanted.items():
        own = element.attributes.get(name)
        if own is None or not (own == value or (name == "class" and value in own.split())):
            return False
    return True


class _Builder(HTMLParser):
    """Builds the tree of HTML that closes what it opens; anything else is a bug of who wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("root")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.here.add(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.add(data)


def parse(html: str) -> Element:
    """Return a root whose children are those of `html`."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert builder.here is builder.root, f"<{builder.here.tag}> is not closed"
    return builder.root


def context(stream: Any = "sse") -> TurnContext:
    return TurnContext(Urls("/chat"), Markdown(), stream=stream)


def open_page(shown: Turn, using: TurnContext) -> Element:
    """Return the parts of a page that a live turn changes, as loading it now would show them."""
    rest = f'<div id="composer-actions" data-run="{shown.id}"></div><p id="status"></p>'
    return parse(f'<main id="turns">{render(turn(shown, using))}</main>{rest}')


def article(page: Element, run: Run) -> str:
    """Return the turn of a run as it stands on the page, without the element that keeps it up to date."""
    return article_of(page, run.id)


def article_of(page: Element, run_id: str) -> str:
    """The same for the id of a run."""
    found = page.one("article", id=f"turn-{run_id}")
    for live in found.all("chat-live"):
        assert live.parent is not None
        live.parent.replace(live, [])
    return found.html


def decode(wire: bytes) -> list[ServerSentEvent]:
    """Return the messages of a stream, as httpx-sse reads them: without comments, unnamed ones without a name."""
    lines, decoder = SSELineDecoder(), SSEDecoder()
    messages = []
    for line in lines.decode(wire.decode("utf-8")):
        message = decoder.decode(line)
        if message is not None:
            name = None if message.event == "message" else message.event
            messages.append(ServerSentEvent(message.data, name, message.id or None))
    return messages


class Exchange:
    """One request to an ASGI app, driven by hand: what it sends can be looked at, and its client can leave.

    Attributes:
        status: `None` until the response has begun.
        body: What has come so far.
        done: Whether the app has returned.
    """

    def __init__(self, app: ASGIApp, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""
        self.chunks: list[bytes] = []
        self.done = False
        self._app = app
        self._gone = anyio.Event()
        self._news = anyio.Event()
        self._asked = False
        path, _, query = path.partition("?")
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"chat.example")]
            + [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "server": ("chat.example", 80),
            "client": ("127.0.0.1", 5),
        }

    async def run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        finally:
            self.done = True
            self._tell()

    def leave(self) -> None:
        """The client closes its connection."""
        self._gone.set()

    async def until(self, text: str) -> None:
        """Wait until the body has a text."""
        with anyio.fail_after(5):
            while text.encode() not in self.body:
                assert not self.done, f"ended without {text!r}: {self.body!r}"
                await self._news.wait()

    async def end(self) -> None:
        """Wait until the app has returned."""
        with anyio.fail_after(5):
            while not self.done:
                await self._news.wait()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint()
        if message["type"] == "http.response.start":
            assert self.status is None, "two responses"
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self.chunks.append(message.get("body", b""))
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


TARGETS = (
    "href",
    "src",
    "action",
    "formaction",
    "hx-get",
    "hx-post",
    "hx-put",
    "hx-patch",
    "hx-delete",
    "hx-sse:connect",
)


def addresses(page: Element) -> set[tuple[str, str]]:
    """Return method and address of everything that a page links to, loads, sends or asks for; not what is in it."""
    found = set()
    patterns = {id(each) for template in page.all("template") for each in template}
    for element in page:
        if id(element) in patterns:
            continue
        for name, value in element.attributes.items():
            own = name in TARGETS or (name.startswith("data-") and value.startswith("/"))
            if own and value and not value.startswith(("#", "http://", "https://", "data:")):
                post = name in ("hx-post", "formaction") or (
                    name == "action" and element.attributes.get("method", "get").lower() == "post"
                )
                found.add(("POST" if post else "GET", value.partition("#")[0]))
    return found


class Unreliable:
    """A way to a store's database that may break once.

    Attributes:
        breaks: How many transactions that write come before; `None` when it does not break.
        commits: Whether the transaction that it breaks in is committed nevertheless.
    """

    def __init__(self, store: Store) -> None:
        self.breaks: int | None = None
        self.commits = False
        self._engine = store.database.engine
        self.core, self.one_writer, self.memory = self._engine.core, self._engine.one_writer, self._engine.memory
        store.database.engine = self

    async def transact(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        if not writes or self.breaks is None:
            return await self._engine.transact(work, writes=writes)
        self.breaks = self.breaks - 1 if self.breaks else None
        if self.breaks is not None:
            return await self._engine.transact(work, writes=writes)
        if self.commits:
            await self._engine.transact(work, writes=writes)
        raise OSError("the connection is gone")

    async def dispose(self) -> None:
        await self._engine.dispose()


QUICK = Timing(frame=0.01, poll=0.02, renew=0.05, expire=0.4, watch=0.15, grace=0.2, finish=0.5, close=0.2, orphan=0.5)
"""How a journal waits of which processes die in tests."""

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
"""What htmx sends when it asks for a part of a page."""


def kill(backend: LocalBackend) -> None:
    """What SIGKILL does: nothing of this process runs any more, and nothing is said to the database."""
    journal = backend._journal
    for task in asyncio.all_tasks():
        if task in backend._tasks or task in (*journal._tasks, journal.writer._task, journal.tail._task):
            task.cancel()
    journal.runs.clear()
    journal.lease._leased = False
