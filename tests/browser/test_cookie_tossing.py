"""A neighbouring subdomain cannot put a person into an account of its owner, whatever cookies it sets.

Real names and TLS: the browser finds `chat.site.test` and its neighbour `evil.site.test` on this machine. Over plain
http no browser can tell who has set a cookie; there the page says that it got two, and does nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from htmxchat import LocalBackend, SignInAt, Store, User, chat_lifespan, create_chat_app
from tests.browser.driving import send, wait_for_state
from tests.browser.hosts import respond
from tests.fake_auth import Serving
from tests.test_login import Door

NAMES = ["--host-resolver-rules=MAP *.site.test 127.0.0.1"]
OWN = "A question of my own"


class OpenDoor(Door):
    """A login that lets everyone in, each time as someone else, without a server of its own."""

    async def begin(self, callback: str) -> SignInAt:
        return SignInAt(f"{callback}?word=please")

    async def finish(self, values: Mapping[str, str]) -> User:
        return replace(await super().finish(values), id=uuid4().hex)


async def toss(request: Request) -> Response:
    """Set the cookies that the query holds, as anyone who owns this host can."""
    response = HTMLResponse("<!doctype html><title>evil</title>")
    for _, cookie in parse_qsl(request.url.query, encoding="latin-1"):
        response.raw_headers.append((b"set-cookie", cookie.encode("latin-1")))
    return response


@dataclass
class Site:
    """Two hosts of one domain: the chat's and its neighbour's."""

    chat: str
    evil: str

    def plant(self, page: Page, name: str, value: str, age: int = 600) -> None:
        """Send a person to the neighbour, who sets a cookie for the whole domain, in every way that may get through."""
        bare = name.removeprefix("__Host-")
        names = [name, f"__Host-{bare}", f"__host-{bare}", f"\xa0__Host-{bare}", f"\x85{name}", f"={name}", bare]
        for path in ("/", "/chat", "/chat/messages", "/in"):
            ends = [f"Domain=site.test; Max-Age={age}; Path={path}{secure}" for secure in ("", "; Secure")]
            cookies = [("c", f"{each}={value}; {end}") for each in names for end in ends]
            page.goto(f"{self.evil}/toss?{urlencode(cookies, encoding='latin-1')}")
        assert any(cookie["domain"] == ".site.test" for cookie in page.context.cookies()) == (age > 0)


@contextmanager
def serving(**tls: Any) -> Iterator[Site]:
    door = OpenDoor()
    chat = create_chat_app(LocalBackend(respond, Store()))
    signed_in = create_chat_app(LocalBackend(respond, door.store), login=door)
    routes = [Mount("/chat", chat), Mount("/in", signed_in), Route("/toss", toss)]
    with Serving(Starlette(routes=routes, lifespan=chat_lifespan(chat, signed_in)), **tls) as server:
        port, scheme = urlsplit(server.url).port, "https" if tls else "http"
        yield Site(*(f"{scheme}://{name}.site.test:{port}" for name in ("chat", "evil")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=site.test"
    command += f" -addext subjectAltName=DNS:*.site.test -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, stderr=subprocess.DEVNULL)
    with serving(ssl_certfile=certificate, ssl_keyfile=key) as site:
        yield site


@pytest.fixture(scope="module")
def world(browser_type: BrowserType, browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    """A browser that finds the names of the site on this machine."""
    browser = browser_type.launch(**{**browser_type_launch_args, "args": [*browser_type_launch_args["args"], *NAMES]})
    yield browser
    browser.close()


@pytest.fixture
def mine(world: Browser) -> Iterator[Page]:
    yield from person(world)


@pytest.fixture
def attackers(world: Browser) -> Iterator[Page]:
    yield from person(world)


def person(world: Browser) -> Iterator[Page]:
    context = world.new_context(ignore_https_errors=True)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def cookie_of(page: Page, kind: str) -> tuple[str, str]:
    (cookie,) = (each for each in page.context.cookies() if f"htmxchat_{kind}_" in each["name"])
    return str(cookie["name"]), str(cookie["value"])


def ask(page: Page, text: str = OWN) -> None:
    send(page, text)
    wait_for_state(page, "completed")


def asked(page: Page) -> list[str]:
    page.reload()
    return page.locator("#history [data-conversation]").all_inner_texts()


@pytest.mark.parametrize("known", [True, False], ids=["known", "first visit"])
def test_over_https_a_planted_cookie_leaves_everybody_in_their_own_account(
    site: Site, mine: Page, attackers: Page, known: bool
) -> None:
    attackers.goto(f"{site.chat}/chat/")
    if known:
        mine.goto(f"{site.chat}/chat/")
        ask(mine, "Before")
    site.plant(mine, *cookie_of(attackers, "browser"))
    mine.goto(f"{site.chat}/chat/")
    ask(mine)
    assert len(asked(mine)) == 1 + known
    assert asked(attackers) == []


@pytest.mark.parametrize("known", [True, False], ids=["signed in", "signed out"])
def test_over_https_a_planted_session_signs_nobody_in(site: Site, mine: Page, attackers: Page, known: bool) -> None:
    for page in (attackers, mine) if known else (attackers,):
        page.goto(f"{site.chat}/in/")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#composer")).to_be_visible()
    name, value = cookie_of(attackers, "session")
    assert name.startswith("__Host-")
    site.plant(mine, name, value)
    mine.goto(f"{site.chat}/in/")
    expect(mine.locator("#composer")).to_have_count(int(known))
    if known:
        ask(mine)
        assert len(asked(mine)) == 1
        assert asked(attackers) == []


def test_over_http_two_cookies_are_told_and_nothing_is_sent_or_lost(mine: Page, attackers: Page) -> None:
    with serving() as site:
        attackers.goto(f"{site.chat}/chat/")
        mine.goto(f"{site.chat}/chat/")
        ask(mine, "Before")
        mine.fill("#composer textarea", OWN)
        neighbour = mine.context.new_page()
        site.plant(neighbour, *cookie_of(attackers, "browser"))
        mine.press("#composer textarea", "Enter")
        expect(mine.locator("#composer-error")).to_contain_text("two cookies named")
        expect(mine.locator("#composer textarea")).to_have_value(OWN)
        assert asked(attackers) == []
        site.plant(neighbour, *cookie_of(attackers, "browser"), age=0)
        mine.goto(f"{site.chat}/chat/")
        assert len(asked(mine)) == 1
