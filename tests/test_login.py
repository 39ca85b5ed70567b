"""Signing in and out: what the chat itself takes care of, and how the kogwistar server does it."""

from __future__ import annotations

import logging
import re
import runpy
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from htmxchat import (
    LocalBackend,
    Login,
    LoginPages,
    NotSignedIn,
    Request,
    SignInAt,
    Store,
    User,
    chat_lifespan,
    create_chat_app,
)
from htmxchat.agents.kogwistar import KogwistarLogin
from htmxchat.auth.cookies import SESSION, Cookie
from htmxchat.models import PendingSignIn
from htmxchat.store.sessions import Sessions
from htmxchat.urls import Urls
from tests.fake_auth import DEV_USER, FakeAuth, at_the_server, begin, put_local_agent
from tests.support import Element, Exchange, parse

EXAMPLES = Path(__file__).parent.parent / "examples"
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def respond(request: Request) -> AsyncIterator[str]:
    yield "Hello, "
    if request.text == "wait":
        await anyio.sleep(30)
    yield request.user.name or "you"


class Door:
    """A login without a server: anyone who comes back with `word=please` is let in.

    Attributes:
        seen: Where people were to come back to.
    """

    fields = frozenset({"word"})

    def __init__(self, store: Store | None = None, *, with_state: bool = True, app_url: str | None = None) -> None:
        self.store = store or Store()
        self.sessions = self.store.sessions
        self.app_url = app_url
        self.with_state = with_state
        self.lasts = timedelta(hours=1)
        self.seen: list[str] = []
        self.left: list[User] = []

    async def begin(self, callback: str) -> SignInAt:
        self.seen.append(callback)
        return SignInAt("https://door.example/knock", self.with_state)

    async def finish(self, values: Mapping[str, str]) -> User:
        if values.get("word") != "please":
            raise NotSignedIn("That was not the word.")
        return User("ada", "Ada", "secret-token", datetime.now(UTC) + self.lasts)

    async def sign_out(self, user: User) -> None:
        self.left.append(user)


class Site:
    """Browsers of a host that has chats with logins."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def host(self, login: Any, prefix: str = "/chat", **others: Any) -> Starlette:
        logins = {prefix: login, **others}
        chats = {at: create_chat_app(LocalBackend(respond, each.store), login=each) for at, each in logins.items()}
        return Starlette(
            routes=[Mount(at, chat) for at, chat in chats.items()], lifespan=chat_lifespan(*chats.values())
        )

    def browser(self, app: Starlette, base: str = "http://chat.example", enter: bool = True) -> TestClient:
        client = TestClient(app, base_url=base, follow_redirects=False)
        return self._stack.enter_context(client) if enter else client


@pytest.fixture
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack)


def path_of(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)


def sign_in(client: TestClient, door: Door, back: str = "/chat/", prefix: str = "/chat") -> Any:
    begin(client, back, prefix)
    return client.get(f"{path_of(door.seen[-1])}?word=please")


def session_cookie(client: TestClient) -> tuple[str, str]:
    ((name, value),) = [(each.name, each.value or "") for each in client.cookies.jar if "session" in each.name]
    return name, value


def sign_in_form(html: str) -> Element:
    return parse(html.removeprefix("<!doctype html>")).one("form", method="post")


def why_not(client: TestClient, response: Any) -> str:
    """Go where a sign-in that came to nothing leads; return the page, which says why."""
    location = response.headers["location"]
    assert (response.status_code, location.split("?")[0]) == (303, "/chat/login")
    assert not re.search("token|word|callback", location)
    assert not [name for name in response.cookies if "session" in name]
    page = client.get(location)
    assert page.status_code == 200
    assert "Not signed in" in page.text
    return str(page.text)


class TestSigningIn:
    def test_a_page_that_needs_a_user_offers_to_sign_in_and_to_come_back(self, site: Site) -> None:
        client = site.browser(site.host(Door()))
        response = client.get("/chat/c/some%20id?q=1")
        assert response.status_code == 401
        form = sign_in_form(response.text)
        assert form["action"] == "/chat/login"
        assert form.one("input", name="back")["value"] == "/chat/c/some%20id?q=1"

    def test_what_was_written_while_signed_out_is_shown_with_the_way_in(self, site: Site) -> None:
        client = site.browser(site.host(Door()))
        response = client.post("/chat/messages", data={"text": "A long question"})
        assert response.status_code == 401
        sign_in_form(response.text)
        assert parse(response.text.removeprefix("<!doctype html>")).one("textarea").text == "A long question"

    def test_it_leads_away_and_back_to_the_page_one_came_from(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        assert begin(client, "/chat/history?q=x") == "https://door.example/knock"
        assert re.fullmatch(r"http://chat\.example/chat/login/callback/[0-9a-f]{64}", door.seen[0])
        response = client.get(f"{path_of(door.seen[0])}?word=please")
        assert (response.status_code, response.headers["location"]) == (303, "/chat/history?q=x")
        page = client.get("/chat/")
        assert page.status_code == 200
        assert "Ada" in page.text

    def test_another_browser_is_still_nobody(self, site: Site) -> None:
        door = Door()
        app = site.host(door)
        sign_in(site.browser(app), door)
        assert site.browser(app, enter=False).get("/chat/").status_code == 401

    def test_the_way_there_is_a_form_because_another_site_cannot_press_its_button(self, site: Site) -> None:
        client = site.browser(site.host(Door()))
        assert "set-cookie" not in client.get("/chat/login").headers
        refused = client.post("/chat/login", data={"back": ""}, headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.status_code == 403
        assert "set-cookie" not in refused.headers

    def test_the_cookies_are_for_this_host_only_and_out_of_reach_of_scripts(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        begun = client.post("/chat/login", data={"back": ""}).headers.get_list("set-cookie")
        done = client.get(f"{path_of(door.seen[-1])}?word=please").headers.get_list("set-cookie")
        rest = "Path=/; HttpOnly; SameSite=Lax"
        assert [re.sub(r"_[0-9a-f]{8}=[\w-]{43};", "=…;", each) for each in [*begun, done[0]]] == [
            f"htmxchat_signin=…; Max-Age=600; {rest}",
            f"htmxchat_session=…; Max-Age=3600; {rest}",
        ]
        assert re.fullmatch(rf"htmxchat_signin_\w+=; Max-Age=0; {rest}", done[1])

    @pytest.mark.parametrize(
        ("base", "app_url"), [("https://chat.example", None), ("http://in", "https://chat.example")]
    )
    def test_the_cookies_are_secure_when_browsers_use_https(self, site: Site, base: str, app_url: str | None) -> None:
        door = Door(app_url=app_url)
        client = site.browser(site.host(door), base)
        begun = client.post("/chat/login", data={"back": ""}).headers["set-cookie"]
        assert re.match(r"__Host-htmxchat_signin_[0-9a-f]{8}=", begun)
        assert begun.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        assert door.seen[0].startswith("https://chat.example/chat/login/callback/")

    def test_a_user_without_an_end_is_a_mistake_of_the_login(self, site: Site) -> None:
        class Careless(Door):
            async def finish(self, values: Mapping[str, str]) -> User:
                return replace(await super().finish(values), expires_at=None)

        door = Careless()
        client = site.browser(site.host(door))
        assert "Something went wrong" in why_not(client, sign_in(client, door))
        assert client.get("/chat/").status_code == 401

    def test_a_reason_not_to_let_somebody_in_is_said_and_can_be_tried_again(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        begin(client, "/chat/history")
        response = client.get(f"{path_of(door.seen[-1])}?word=now")
        page = why_not(client, response)
        assert "That was not the word." in page
        assert sign_in_form(page).one("input", name="back")["value"] == "/chat/history"
        assert client.get("/chat/").status_code == 401
        # It is said once, and only in this browser.
        assert [each.name for each in client.cookies.jar] == []
        assert "That was not the word." not in client.get(response.headers["location"]).text

    def test_a_reason_that_cannot_be_kept_leaves_no_secret_in_the_address(self, site: Site) -> None:
        class Broken(Sessions):
            async def add_sign_in(self, secret: str, pending: PendingSignIn) -> None:
                raise OSError("no space left")

            async def take_sign_in(self, secret: str) -> PendingSignIn | None:
                raise OSError("no space left")

        door = Door()
        client = site.browser(site.host(door))
        begin(client)
        door.sessions = Broken(door.store.database)
        response = client.get(f"{path_of(door.seen[-1])}?word=please")
        assert (response.status_code, response.headers["location"]) == (303, "/chat/login?back=%2Fchat%2F")


class TestForeignCallbacks:
    """What comes back counts only in the browser that began it, once, and soon."""

    def test_a_callback_that_nobody_began_lets_nobody_in(self, site: Site) -> None:
        client = site.browser(site.host(Door(with_state=False)))
        response = client.get("/chat/login/callback?word=please")
        assert "not begun in this browser" in why_not(client, response)
        assert client.get("/chat/").status_code == 401

    def test_a_callback_that_another_browser_began_lets_nobody_in(self, site: Site) -> None:
        door = Door()
        app = site.host(door)
        attacker, victim = site.browser(app), site.browser(app, enter=False)
        begin(attacker)
        assert "not begun in this browser" in why_not(victim, victim.get(f"{path_of(door.seen[-1])}?word=please"))
        begin(victim)
        assert "not begun in this browser" in why_not(victim, victim.get(f"{path_of(door.seen[0])}?word=please"))
        assert victim.get("/chat/").status_code == 401
        # And what the victim began is not used up by it.
        assert victim.get(f"{path_of(door.seen[1])}?word=please").headers["location"] == "/chat/"

    @pytest.mark.parametrize("state", ["", "/", "/0", f"/{'0' * 64}", "/ä", "/a/b"])
    def test_a_foreign_state_lets_nobody_in(self, site: Site, state: str) -> None:
        client = site.browser(site.host(Door()))
        begin(client)
        assert "not begun in this browser" in why_not(client, client.get(f"/chat/login/callback{state}?word=please"))
        assert client.get("/chat/").status_code == 401

    @pytest.mark.parametrize("path", ["/chat/login/callback", "/chat/login/callback/", "/chat/"])
    def test_a_server_without_state_is_tied_by_the_cookie(self, site: Site, path: str) -> None:
        client = site.browser(site.host(Door(with_state=False)))
        begin(client, "/chat/history")
        response = client.get(f"{path}?word=please")
        assert (response.status_code, response.headers["location"]) == (303, "/chat/history")
        assert client.get("/chat/").status_code == 200

    def test_a_callback_counts_once(self, site: Site) -> None:
        door = Door()
        app = site.host(door)
        client, thief = site.browser(app), site.browser(app, enter=False)
        begin(client)
        cookies = dict(client.cookies)
        assert client.get(f"{path_of(door.seen[-1])}?word=please").headers["location"] == "/chat/"
        again = thief.get(
            f"{path_of(door.seen[-1])}?word=please", headers={"Cookie": "; ".join(map("=".join, cookies.items()))}
        )
        assert again.headers["location"].startswith("/chat/login")
        assert thief.get("/chat/").status_code == 401

    def test_a_reload_of_the_callback_leads_to_the_chat_and_changes_nothing(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        sign_in(client, door)
        before = session_cookie(client)
        response = client.get(f"{path_of(door.seen[-1])}?word=please")
        assert (response.status_code, response.headers["location"]) == (303, "/chat/")
        assert session_cookie(client) == before

    def test_a_sign_in_that_took_too_long_lets_nobody_in(self, site: Site, tmp_path: Path) -> None:
        door = Door(Store(f"sqlite:///{tmp_path}/chat.db"))
        client = site.browser(site.host(door))
        begin(client)
        with sqlite3.connect(tmp_path / "chat.db") as db:
            past = datetime.now(UTC) - timedelta(seconds=1)
            db.execute("update htmxchat_pending_sign_ins set expires_at = ?", [past.strftime("%Y-%m-%d %H:%M:%S.%f")])
        db.close()
        assert "too old" in why_not(client, client.get(f"{path_of(door.seen[-1])}?word=please"))

    def test_a_session_never_has_an_id_that_was_there_before(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        begin(client)
        ((pending_name, pending),) = client.cookies.items()
        planted = "A" * 43
        client.cookies.set(pending_name.replace("signin", "session"), planted, domain="chat.example", path="/")
        client.get(f"{path_of(door.seen[-1])}?word=please")
        assert session_cookie(client)[1] not in (planted, pending)

    def test_signing_in_again_ends_the_session_before(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        sign_in(client, door)
        name, old = session_cookie(client)
        sign_in(client, door)
        assert session_cookie(client)[1] != old
        thief = TestClient(client.app, base_url="http://chat.example", headers={"Cookie": f"{name}={old}"})
        assert thief.get("/chat/").status_code == 401


BAD_PATHS = [
    *("https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/chat//../..//evil", "evil"),
    *("/", "/chat", "/chatter/", "/other", "/chat/../admin", "/chat/%2e%2e/admin", "/chat/./x", "/chat/.."),
    "javascript:x",
    *("/chat/a\r\nSet-Cookie: x=y", "/chat/a\tb", "/chat/a b", "/chat/\u2028", "/chat/#x", "/chat/%5c%5cevil"),
    *("/chat/login", "/chat/logout", "/chat/login/callback", "", "/chat/" + "a" * 2_000, "http:///chat/", " /chat/"),
]


class TestTheWayBack:
    @pytest.mark.parametrize("path", BAD_PATHS)
    def test_it_never_leads_out_of_the_chat(self, path: str) -> None:
        assert Urls("/chat").back(path) == "/chat/"

    @pytest.mark.parametrize("path", ["//evil.example/", "/%2fevil", "///evil", "/..", "/\\evil", "/login?back=/"])
    def test_it_never_leads_out_of_a_chat_that_has_no_prefix(self, path: str) -> None:
        assert Urls("").back(path) == "/"

    @pytest.mark.parametrize("path", ["/chat/", "/chat/c/a%2Fb", "/chat/c/1?x=http://a/?b", "/chat/history?q=a+b%20c"])
    def test_it_leads_to_any_page_of_the_chat(self, path: str) -> None:
        assert Urls("/chat").back(path) == path

    @pytest.mark.parametrize("path", BAD_PATHS[:12])
    def test_a_request_cannot_change_that(self, site: Site, path: str) -> None:
        door = Door()
        client = site.browser(site.host(door))
        assert sign_in(client, door, back=path).headers["location"] == "/chat/"
        link = sign_in_form(client.get("/chat/login", params={"back": path}).text)
        assert link.one("input", name="back")["value"] == "/chat/"


class TestSessions:
    def test_signing_out_ends_the_session_on_the_server_too(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        sign_in(client, door)
        cookie = "=".join(session_cookie(client))
        foot = parse(client.get("/chat/").text.removeprefix("<!doctype html>")).one("footer")
        response = client.post(foot.one("form")["action"])
        assert (response.status_code, response.headers["location"]) == (303, "/chat/login")
        assert [user.token for user in door.left] == ["secret-token"]
        assert client.get("/chat/").status_code == 401
        thief = TestClient(client.app, base_url="http://chat.example", headers={"Cookie": cookie})
        assert thief.get("/chat/").status_code == 401

    @pytest.mark.parametrize("base", ["http://chat.example", "https://chat.example"])
    def test_a_session_planted_beside_ones_own_is_nobody_and_signing_out_ends_both(self, site: Site, base: str) -> None:
        door = Door()
        app = site.host(door)
        mine, attackers = site.browser(app, base), site.browser(app, base, enter=False)
        sign_in(mine, door)
        sign_in(attackers, door)
        (name, value), (_, planted) = session_cookie(mine), session_cookie(attackers)
        victim = TestClient(app, base_url=base, headers={"Cookie": f"{name}={planted}; {name}={value}"})
        victim.follow_redirects = False
        page = victim.get("/chat/")
        assert page.status_code == 401
        assert f"two cookies named {name}" in page.text
        assert victim.post("/chat/messages", data={"text": "Hello"}).status_code == 401
        assert victim.post("/chat/logout").headers["location"] == "/chat/login"
        assert len(door.left) == 2
        assert mine.get("/chat/").status_code == attackers.get("/chat/").status_code == 401

    def test_a_sign_in_planted_beside_ones_own_lets_nobody_in(self, site: Site) -> None:
        door = Door()
        app = site.host(door)
        mine, attackers = site.browser(app), site.browser(app, enter=False)
        begin(mine)
        begin(attackers)
        ((name, value),), ((_, planted),) = mine.cookies.items(), attackers.cookies.items()
        victim = TestClient(
            app, base_url="http://chat.example", headers={"Cookie": f"{name}={planted}; {name}={value}"}
        )
        for callback in door.seen:
            response = victim.get(f"{path_of(callback)}?word=please", follow_redirects=False)
            assert "session" not in response.headers.get("set-cookie", "")
            assert response.headers["location"].startswith("/chat/login")

    def test_over_https_a_session_without_the_prefix_is_nobody(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door), "https://chat.example")
        sign_in(client, door)
        name, value = session_cookie(client)
        assert name.startswith("__Host-")
        for planted in (name.removeprefix("__Host-"), name.lower(), f"\xa0{name}"):
            header = [(b"Cookie", f"{planted}={value}".encode("latin-1"))]
            thief = TestClient(client.app, base_url="https://chat.example")
            assert thief.get("/chat/", headers=header).status_code == 401

    def test_another_site_cannot_sign_somebody_out(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        sign_in(client, door)
        assert client.post("/chat/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.get("/chat/logout").status_code == 405
        assert client.get("/chat/").status_code == 200

    def test_signing_out_works_when_the_server_does_not(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        class Deaf(Door):
            async def sign_out(self, user: User) -> None:
                raise RuntimeError(user.token)

        door = Deaf()
        client = site.browser(site.host(door))
        sign_in(client, door)
        assert client.post("/chat/logout").status_code == 303
        assert client.get("/chat/").status_code == 401
        assert "secret-token" not in caplog.text

    def test_nobody_can_sign_out(self, site: Site) -> None:
        assert site.browser(site.host(Door())).post("/chat/logout").status_code == 303

    def test_an_expired_session_says_so_beside_the_composer_and_keeps_the_text(self, site: Site) -> None:
        door = Door()
        client = site.browser(site.host(door))
        sign_in(client, door)
        door.lasts = timedelta(0)
        sign_in(client, door)
        headers = {**HTMX, "HX-Current-URL": "http://chat.example/chat/c/abc?x=1"}
        response = client.post("/chat/messages", data={"text": "hi"}, headers=headers)
        assert response.status_code == 401
        partial = parse(response.text).one("hx-partial", hx_target="#composer-error")
        assert partial.text == "You are signed out. What you typed is kept. Sign in"
        assert partial.one("a")["href"] == "/chat/login?back=%2Fchat%2Fc%2Fabc%3Fx%3D1"
        page = client.get(partial.one("a")["href"])
        assert sign_in_form(page.text).one("input", name="back")["value"] == "/chat/c/abc?x=1"

    def test_a_form_without_javascript_gets_the_page_with_the_way_back_to_its_own(self, site: Site) -> None:
        client = site.browser(site.host(Door()))
        response = client.post(
            "/chat/messages", data={"text": "hi"}, headers={"Referer": "http://chat.example/chat/c/abc"}
        )
        assert response.status_code == 401
        assert sign_in_form(response.text).one("input", name="back")["value"] == "/chat/c/abc"

    async def test_a_stream_ends_with_its_session_and_is_then_refused(self) -> None:
        door = Door()
        backend = LocalBackend(respond, door.store)
        user = User("ada", "Ada", "secret-token", datetime.now(UTC) + timedelta(seconds=1.5))
        app = create_chat_app(backend, login=door)
        cookie = Cookie.of({"root_path": ""}, SESSION)
        await door.sessions.add_session(cookie.key("s" * 43), user)
        run = await backend.start_run(user, None, "wait")
        headers = {"Cookie": f"{cookie.name}={'s' * 43}"}
        exchange = Exchange(app, f"/runs/{run.id}/stream", headers=headers)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run)
            await exchange.until("Hello")
            await exchange.end()
        assert exchange.status == 200
        assert b"event: end" not in exchange.body
        again = Exchange(app, f"/runs/{run.id}/stream", headers={**headers, **HTMX, "HX-Source": "chat-live"})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(again.run)
            await again.end()
            again.leave()
        assert again.status == 401
        await backend.close()

    def test_two_chats_of_one_host_have_a_session_each(self, site: Site) -> None:
        store = Store()
        outer, inner = Door(store), Door(store)
        others: dict[str, Any] = {"/chat": outer}
        client = site.browser(site.host(inner, "/chat/inner", **others))
        sign_in(client, outer)
        assert client.get("/chat/").status_code == 200
        assert client.get("/chat/inner/").status_code == 401
        # Not even by hand: a cookie is good for its own mount only.
        name, value = session_cookie(client)
        sign_in(client, inner, "/chat/inner/", "/chat/inner")
        names = {each.name for each in client.cookies.jar}
        assert len(names) == 2
        (other,) = names - {name}
        thief = TestClient(client.app, base_url="http://chat.example", headers={"Cookie": f"{other}={value}"})
        assert thief.get("/chat/inner/").status_code == 401
        client.post("/chat/inner/logout")
        assert client.get("/chat/").status_code == 200

    def test_a_chat_without_a_login_has_no_such_routes(self) -> None:
        with TestClient(create_chat_app(LocalBackend(respond))) as client:
            assert [client.get(path).status_code for path in ("/login", "/login/callback", "/logout")] == [404] * 3
            assert "Sign out" not in client.get("/").text
            assert client.get("/?token=x&word=please").status_code == 200

    def test_a_login_goes_with_no_other_way_to_say_who_asks(self) -> None:
        async def identify(request: Any) -> User | None:
            return None

        backend = LocalBackend(respond)
        with pytest.raises(ValueError, match="not both"):
            create_chat_app(backend, login=Door(), identify=identify)
        with pytest.raises(ValueError, match="needs identify"):
            create_chat_app(backend, login=LoginPages("/login"))
        with pytest.raises(TypeError, match="login must be a Login"):
            create_chat_app(backend, login=object())  # type: ignore[arg-type]
        assert isinstance(Door(), Login)


def rows_of(db: sqlite3.Connection, without: str = "-") -> str:
    """Return all that the tables hold. The search's index has trigrams alone, and cannot be read."""
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    kept = [name for name in names if name != "htmxchat_trigrams" and without not in name]
    return "\n".join(repr(row) for name in kept for row in db.execute(f'SELECT * FROM "{name}"'))


class TestStoredSessions:
    USER = User("ada", "Ada", "secret-token")

    def ending(self, seconds: float) -> User:
        return replace(self.USER, expires_at=datetime.now(UTC) + timedelta(seconds=seconds))

    async def test_a_session_is_found_by_its_secret_until_it_ends(self) -> None:
        store = Store()
        user = self.ending(60)
        await store.sessions.add_session("one", user)
        await store.sessions.add_session("two", self.ending(0))
        assert await store.sessions.get_session("one") == user
        assert [await store.sessions.get_session(secret) for secret in ("two", "three")] == [None, None]
        await store.sessions.delete_session("one")
        assert await store.sessions.get_session("one") is None
        await store.close()

    async def test_the_database_does_not_hold_what_the_cookie_does(self, tmp_path: Path) -> None:
        store = Store(f"sqlite:///{tmp_path}/chat.db")
        await store.sessions.add_session("one", self.ending(-1))
        await store.sessions.add_sign_in("begun", PendingSignIn("/", True, datetime.now(UTC)))
        await store.sessions.add_session("secret of the cookie", self.ending(60))
        await store.close()
        db = sqlite3.connect(tmp_path / "chat.db")
        assert db.execute("select count(*) from htmxchat_sessions").fetchone() == (1,)
        assert db.execute("select count(*) from htmxchat_pending_sign_ins").fetchone() == (0,)
        assert "secret of the cookie" not in rows_of(db)
        db.close()

    async def test_of_many_at_once_one_takes_a_sign_in(self) -> None:
        store = Store()
        await store.sessions.add_sign_in("begun", PendingSignIn("/", True, datetime.now(UTC) + timedelta(minutes=1)))
        taken: list[PendingSignIn | None] = []

        async def take() -> None:
            taken.append(await store.sessions.take_sign_in("begun"))

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(take)
        assert len([each for each in taken if each]) == 1
        await store.close()

    async def test_a_session_without_an_end_is_refused(self) -> None:
        with pytest.raises(ValueError, match="expires_at"):
            await Store().sessions.add_session("one", self.USER)


# The kogwistar server


@pytest.fixture
def auth() -> Iterator[FakeAuth]:
    with FakeAuth() as server:
        yield server


@pytest.fixture
def kogwistar(site: Site, auth: FakeAuth) -> Callable[..., TestClient]:
    """Return a browser of a chat in front of the fake server."""

    def open(**options: Any) -> TestClient:
        login = KogwistarLogin(auth.url, options.pop("store", None) or Store(), **options)
        return site.browser(site.host(login))

    return open


def enter(client: TestClient) -> Any:
    return client.get(at_the_server(begin(client)))


class TestKogwistar:
    def test_a_dev_server_comes_back_to_the_callback_that_it_is_given(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        client = kogwistar()
        there = begin(client)
        callback = "http%3A%2F%2Fchat.example%2Fchat%2Flogin%2Fcallback%2F"
        assert there.startswith(f"{auth.url}/api/auth/login?redirect_uri={callback}")
        assert auth.tokens == []  # beginning makes none
        back = at_the_server(there)
        assert client.get(back).headers["location"] == "/chat/"
        assert "Dev User" in client.get("/chat/").text
        assert client.get("/chat/login/callback?token=" + auth.tokens[0]).status_code == 303

    def test_a_server_with_openid_connect_comes_back_to_its_one_address(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.mode, auth.ui_url = "oidc", "http://chat.example/chat/login/callback"
        client = kogwistar(provider="keycloak")
        back = "http%3A%2F%2Fchat.example%2Fchat%2Flogin%2Fcallback"
        assert begin(client) == f"{auth.url}/api/auth/login?return_to={back}&provider=keycloak"
        assert enter(client).headers["location"] == "/chat/"
        assert "Dev User" in client.get("/chat/").text

    def test_a_server_that_is_asked_to_send_people_back_here_does_or_says_what_it_lacks(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.mode, auth.allowed = "oidc", ("http://chat.example/chat/login/callback",)
        client = kogwistar()
        assert enter(client).headers["location"] == "/chat/"
        assert "Dev User" in client.get("/chat/").text
        auth.allowed, auth.ui_url = ("http://chat.example/chat/",), "http://chat.example/chat/"
        assert begin(client) == f"{auth.url}/api/auth/login"  # back to the chat itself, as before
        assert enter(client).headers["location"] == "/chat/"
        auth.allowed, auth.ui_url = ("http://elsewhere.example/",), "http://elsewhere.example/"
        response = kogwistar().post("/chat/login", data={"back": ""})
        assert response.status_code == 502
        assert "add http://chat.example/chat/login/callback to its AUTH_ALLOWED_RETURN_URLS" in response.text

    def test_a_server_that_cannot_chat_says_so_before_anybody_signs_in(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.native = True
        response = kogwistar().post("/chat/login", data={"back": ""})
        assert response.status_code == 502
        assert "cannot chat" in response.text and "knowledge-mcp" in response.text

    def test_somebody_who_may_only_read_is_told_where_a_dev_server_says_so(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.user = {**DEV_USER, "role": "ro"}
        client = kogwistar()
        assert "DEV_AUTH_ROLE" in why_not(client, enter(client))

    @pytest.mark.parametrize("ui_url", ["http://chat.example/chat/?from=server", "http://chat.example/chat/"])
    def test_the_servers_address_may_be_the_chat_itself_with_a_query_or_without(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, ui_url: str
    ) -> None:
        auth.mode, auth.ui_url = "oidc", ui_url
        client = kogwistar()
        assert enter(client).headers["location"] == "/chat/"
        assert client.get("/chat/").status_code == 200

    def test_a_token_that_this_browser_did_not_ask_for_lets_nobody_in(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        client = kogwistar()
        begin(client)
        for path in ("/chat/login/callback", "/chat/"):
            response = client.get(f"{path}?token={auth.mint()}")
            page = why_not(client, response)
            assert auth.tokens[-1] not in response.text + str(response.headers) + page
        assert client.get("/chat/").status_code == 401
        assert "GET /api/auth/me" not in auth.requests

    def test_browsers_may_know_the_server_and_the_chat_by_other_addresses(
        self, kogwistar: Callable[..., TestClient]
    ) -> None:
        client = kogwistar(public_url="https://kog.example/", app_url="https://chats.example/")
        there = begin(client)
        assert there.startswith("https://kog.example/api/auth/login?redirect_uri=https%3A%2F%2Fchats.example%2Fchat%2F")

    def test_the_token_is_in_the_store_and_nowhere_else(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        caplog.set_level(logging.DEBUG)
        client = kogwistar(store=Store(f"sqlite:///{tmp_path}/chat.db"))
        responses = [client.get("/chat/"), client.get("/chat/login")]
        back = at_the_server(begin(client))
        logs_of_the_test_itself = len(caplog.records)
        responses += [client.get(back), client.get("/chat/"), client.get("/chat/history"), client.get(back)]
        (secret,) = auth.tokens
        responses += [client.post("/chat/messages", data={"text": "hi"}), client.get(f"/chat/c/x?token={secret}")]
        responses += [client.get(f"/chat/c/x?token={secret}", headers=HTMX), client.post("/chat/logout")]
        responses += [client.get(f"/chat/c/x?back=1&token={secret}")]
        for response in responses:
            assert secret not in response.text + str(response.headers)
        # The test's own client logs the addresses that it asks for; the app must not.
        told = [f"{each.getMessage()} {each.exc_text}" for each in caplog.records[logs_of_the_test_itself:]]
        assert secret not in "\n".join(line for line in told if "http://chat.example" not in line)
        assert auth.requests[-1] == "POST /api/auth/logout"
        with sqlite3.connect(tmp_path / "chat.db") as db:
            assert secret not in rows_of(db, without="sessions")
        db.close()

    @pytest.mark.parametrize(
        ("account", "sentence"),
        [
            ({"role": "ro", "ns": "docs"}, "may only read (its role is “ro”)"),
            ({"role": "ro"}, "may only read (its role is “ro”)"),
            ({"ns": "docs"}, "has no access to conversations (namespace “conversation”)"),
            ({"ns": ["docs", "workflow"]}, "has no access to conversations (namespace “conversation”)"),
            ({"ns": None}, "has no access to conversations (namespace “conversation”)"),
            ({"is_active": False}, "is not active"),
        ],
    )
    def test_who_cannot_chat_is_told_why(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, account: dict[str, Any], sentence: str
    ) -> None:
        auth.user = {**DEV_USER, **account}
        client = kogwistar()
        page = why_not(client, enter(client))
        assert "You have signed in as Dev User" in page
        assert sentence in page
        assert sign_in_form(page)["action"] == "/chat/login"
        assert client.get("/chat/").status_code == 401

    @pytest.mark.parametrize("spaces", [["conversation"], "conversation", "docs, conversation", "*", ["*"]])
    def test_namespaces_may_be_a_list_or_a_string(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, spaces: object
    ) -> None:
        auth.user = {**DEV_USER, "ns": spaces}
        assert enter(kogwistar()).headers["location"] == "/chat/"

    def test_a_user_without_a_name_is_called_by_the_address(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.user = {**DEV_USER, "display_name": None}
        client = kogwistar()
        enter(client)
        assert "dev@example.com" in client.get("/chat/").text

    @pytest.mark.parametrize("name", ["a\ud800b", "a\0b", "a\r\nb", "a" * 10_000, 5, ["a"]])
    def test_any_name_can_be_shown(self, kogwistar: Callable[..., TestClient], auth: FakeAuth, name: object) -> None:
        auth.user = {**DEV_USER, "display_name": name}
        client = kogwistar()
        assert enter(client).headers["location"] == "/chat/"
        assert client.get("/chat/").status_code == 200

    def test_a_server_that_is_down_is_said_on_our_page(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        client = kogwistar()
        auth.stop()
        response = client.post("/chat/login", data={"back": "/chat/history"})
        assert response.status_code == 503
        assert "cannot be reached" in response.text
        assert sign_in_form(response.text).one("input", name="back")["value"] == "/chat/history"
        assert "set-cookie" not in response.headers

    @pytest.mark.parametrize(
        ("sick", "mode", "status", "sentence"),
        [
            ("500", "dev", 503, "failed. Try again"),
            ("slow", "dev", 503, "takes too long"),
            ("", "none", 502, "check that address"),
        ],
    )
    def test_a_server_that_is_ill_is_said_on_our_page(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, sick: str, mode: str, status: int, sentence: str
    ) -> None:
        auth.sick, auth.mode = sick, mode
        response = kogwistar(timeout=0.3).post("/chat/login", data={"back": ""})
        assert response.status_code == status
        assert sentence in response.text

    def test_a_provider_that_the_server_does_not_know_is_said_on_our_page(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.mode = "oidc"
        response = kogwistar(provider="google").post("/chat/login", data={"back": ""})
        assert response.status_code == 502
        assert "sign-in settings" in response.text

    def test_all_who_sign_in_share_connections_and_nothing_else(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.mode, auth.ui_url = "oidc", "http://chat.example/chat/login/callback"
        client = kogwistar()
        for _ in range(3):
            begin(client)
        assert len(auth.requests) == 9
        assert len(auth.peers) == 1
        assert auth.cookies == set()  # that the server gives to anyone who begins

    @pytest.mark.parametrize(("sick", "sentence"), [("500", "failed. Try again"), ("slow", "takes too long")])
    def test_a_server_that_falls_ill_midway_lets_nobody_in(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, sick: str, sentence: str
    ) -> None:
        client = kogwistar(timeout=0.3)
        back = at_the_server(begin(client))
        auth.sick = sick
        assert sentence in why_not(client, client.get(back))
        assert client.get("/chat/").status_code == 401

    @pytest.mark.parametrize("sent", ["", "garbage", "a b", "a%0d%0aX:%20y", "%C3%A4", "x" * 20_000])
    def test_a_token_that_is_none_lets_nobody_in(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, sent: str
    ) -> None:
        client = kogwistar()
        path, _, _ = at_the_server(begin(client)).partition("?")
        assert "Sign in again" in why_not(client, client.get(f"{path}?token={sent}"))

    def test_a_user_that_the_server_does_not_know_is_told(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.user = {}
        client = kogwistar()
        assert "does not know this user" in why_not(client, enter(client))

    @pytest.mark.parametrize("user", [{"role": "rw"}, {"user_id": 5}, {"user_id": ""}, {"user_id": "\0"}])
    def test_an_answer_that_is_something_else_lets_nobody_in(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth, user: dict[str, Any]
    ) -> None:
        auth.user = user
        client = kogwistar()
        assert "failed" in why_not(client, enter(client))

    @pytest.mark.parametrize(("lasts", "seconds"), [(600, 600), (14_400, 14_400), (10**9, 86_400), (1e300, 14_400)])
    async def test_the_session_ends_with_the_token(self, auth: FakeAuth, lasts: float, seconds: float) -> None:
        login = KogwistarLogin(auth.url, Store())
        user = await login.finish({"token": auth.mint(lasts=lasts)})
        assert user.expires_at
        assert abs((user.expires_at - datetime.now(UTC)).total_seconds() - seconds) < 5
        await login.close()

    @pytest.mark.parametrize("claims", [{"exp": None}, {"exp": "soon"}, {"exp": True}])
    async def test_a_token_that_does_not_say_when_it_ends_lasts_as_long_as_the_servers_own(
        self, auth: FakeAuth, claims: dict[str, Any]
    ) -> None:
        login = KogwistarLogin(auth.url, Store())
        user = await login.finish({"token": auth.mint(**claims)})
        assert user.expires_at
        assert abs((user.expires_at - datetime.now(UTC)).total_seconds() - 14_400) < 5
        await login.close()

    def test_clocks_that_differ_are_said_instead_of_asking_to_sign_in_for_ever(
        self, kogwistar: Callable[..., TestClient], auth: FakeAuth
    ) -> None:
        auth.lasts = -60
        client = kogwistar()
        assert "clocks" in why_not(client, enter(client))

    @pytest.mark.parametrize("url", ["", "kog", "ftp://kog", "http://", "http://kog:x", "http://a/?b=c", "http://a b"])
    def test_an_address_that_is_none_is_refused_at_once(self, url: str) -> None:
        with pytest.raises(ValueError, match="base_url"):
            KogwistarLogin(url, Store())

    def test_the_apps_address_has_no_path(self) -> None:
        with pytest.raises(ValueError, match="app_url"):
            KogwistarLogin("http://kog", Store(), app_url="https://chat.example/chat")


@pytest.fixture
def example(auth: FakeAuth, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Any]:
    """Load an example, with the server at hand and a local agent in its place."""
    put_local_agent(monkeypatch)
    monkeypatch.setenv("KOGWISTAR_URL", auth.url)
    monkeypatch.chdir(tmp_path)
    return lambda name: runpy.run_path(str(EXAMPLES / f"{name}.py"))["app"]


class TestExamples:
    def test_a_host_with_tokens_of_its_own(self, example: Callable[[str], Any], site: Site, auth: FakeAuth) -> None:
        client = site.browser(example("kogwistar_host"))
        refused = client.get("/chat/")
        assert refused.status_code == 401
        assert 'href="/login?next=%2Fchat%2F"' in refused.text
        assert client.post("/login").headers["location"] == "/chat/"
        page = client.get("/chat/")
        assert "Dev User" in page.text
        assert auth.tokens[0] not in page.text

    def test_a_chat_that_the_server_signs_people_in_to(self, example: Callable[[str], Any], site: Site) -> None:
        client = site.browser(example("kogwistar_login"))
        assert client.get("/chat/").status_code == 401
        assert enter(client).headers["location"] == "/chat/"
        assert "Dev User" in client.get("/chat/").text


def test_a_token_is_not_shown_with_its_user() -> None:
    assert "secret" not in repr(User("ada", token="secret"))
