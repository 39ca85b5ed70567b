"""The browser's own identity: what the chat has issued, in a cookie that no one else can plant."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from htmxchat import LocalBackend, NotSignedIn, Store, StubBackend, create_chat_app
from htmxchat.auth.cookies import Cookie
from htmxchat.auth.identity import MAX_AGE, BrowserCookie, BrowserIdentity

SECRET = "a secret that is long enough for tests"


def chat(identity: BrowserIdentity | None = None) -> ASGIApp:
    who = identity or BrowserIdentity()

    async def name(request: Request) -> str:
        try:
            user = await who(request)
        except NotSignedIn as error:
            return f"nobody: {error}"
        return user.id if user else "nobody"

    async def page(request: Request) -> Response:
        return HTMLResponse(await name(request))

    async def data(request: Request) -> Response:
        return JSONResponse(await name(request))

    return BrowserCookie(Starlette(routes=[Route("/", page, methods=["GET", "POST"]), Route("/data", data)]))


def browser(app: ASGIApp | None = None, scheme: str = "http") -> TestClient:
    return TestClient(app or chat(), base_url=f"{scheme}://chat.example")


def bare(app: ASGIApp) -> Callable[..., str]:
    """Return a client that sends the cookies it is given and no others; it says who that is to the chat."""

    def post(*headers: bytes, path: str = "/") -> str:
        client = TestClient(app, base_url="http://chat.example")
        return client.post(path, headers=[(b"Cookie", header) for header in headers]).text

    return post


def cookie_of(client: TestClient) -> tuple[str, str]:
    ((name, value),) = client.cookies.items()
    return name, value


class TestTheCookie:
    def test_the_first_page_already_knows_the_user_it_names_in_the_cookie(self) -> None:
        client = browser()
        first = client.get("/").text
        assert re.fullmatch(r"browser-[0-9a-f]{32}", first)
        assert client.get("/").text == first
        assert client.get("/data").json() == first
        assert client.post("/").text == first

    def test_two_browsers_are_two_users(self) -> None:
        app = chat()
        assert browser(app).get("/").text != browser(app).get("/").text

    def test_the_user_id_does_not_hold_the_secret(self) -> None:
        client = browser()
        user = client.get("/").text
        secret, _, signature = cookie_of(client)[1].partition(".")
        assert len(secret) == len(signature) == 43
        assert secret not in user
        assert user == f"browser-{hashlib.sha256(secret.encode()).hexdigest()[:32]}"

    def test_over_http_it_is_for_this_server_only_and_out_of_reach_of_scripts(self) -> None:
        cookie = browser().get("/").headers["set-cookie"]
        name = f"htmxchat_browser_{hashlib.sha256(b'').hexdigest()[:8]}"
        value = r"[\w-]{43}\.[\w-]{43}"
        assert re.fullmatch(rf"{name}={value}; Max-Age={MAX_AGE}; Path=/; HttpOnly; SameSite=Lax", cookie)

    def test_over_https_no_other_host_can_set_it(self) -> None:
        cookie = browser(scheme="https").get("/").headers["set-cookie"]
        assert re.match(r"__Host-htmxchat_browser_[0-9a-f]{8}=", cookie)
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        assert "domain" not in cookie.lower()

    def test_over_https_one_without_the_prefix_is_nobody(self) -> None:
        app = chat()
        plain = browser(app)
        user = plain.get("/").text
        name, value = cookie_of(plain)
        secure = browser(app, "https")
        for sent in (name, f"__Host-{name}"):
            assert secure.post("/", headers={"Cookie": f"{sent}={value}"}).text.startswith("nobody")
        assert secure.get("/", headers={"Cookie": f"{name}={value}"}).text != user

    def test_a_page_renews_the_cookie_it_got(self) -> None:
        client = browser()
        first = client.get("/").headers["set-cookie"]
        assert client.get("/").headers["set-cookie"] == first

    def test_fragments_renew_nothing(self) -> None:
        client = browser()
        client.get("/")
        assert "set-cookie" not in client.get("/", headers={"HX-Request": "true"}).headers

    def test_only_pages_set_a_cookie(self) -> None:
        assert "set-cookie" not in browser().get("/data").headers

    def test_a_post_without_a_cookie_comes_from_nobody_and_says_what_to_do(self) -> None:
        response = browser().post("/")
        assert response.text.startswith("nobody: This browser has no cookie of this chat. Allow cookies")
        assert "set-cookie" not in response.headers

    def test_a_request_that_passed_no_middleware_is_read_all_the_same(self) -> None:
        identity = BrowserIdentity()
        client = browser(chat(identity))
        user = client.get("/").text

        async def page(request: Request) -> Response:
            who = await identity(request)
            return HTMLResponse(who.id if who else "nobody")

        inner = TestClient(Starlette(routes=[Route("/", page)]), base_url="http://chat.example", cookies=client.cookies)
        assert inner.get("/").text == user

    def test_one_request_is_issued_one_identity_however_often_it_is_asked(self) -> None:
        identity = BrowserIdentity()

        async def page(request: Request) -> Response:
            return JSONResponse([getattr(await identity(request), "id", None) for _ in range(2)])

        first, second = TestClient(Starlette(routes=[Route("/", page)])).get("/").json()
        assert first == second


FORGERIES = {
    "empty": lambda value: "",
    "only the secret": lambda value: value[:43],
    "43 characters of one's own": lambda value: "x" * 43,
    "a signature of one's own": lambda value: value[:44] + "x" * 43,
    "another secret": lambda value: "x" * 43 + value[43:],
    "its last character": lambda value: value[:-1] + ("A" if value[-1] != "A" else "B"),
    # The last of 43 characters has two bits that decoding would ignore.
    "the same bytes in other characters": lambda value: value[:-1] + chr(ord(value[-1]) + 1),
    "truncated": lambda value: value[:-1],
    "one more": lambda value: value + "A",
    "padded": lambda value: value + "=",
    "without the dot": lambda value: value.replace(".", ""),
    "two dots": lambda value: value.replace(".", ".."),
    "in quotes": lambda value: f'"{value}"',
    "quoted": lambda value: value.replace(".", "%2E"),
    "other case": lambda value: value.swapcase(),
    "with a tab": lambda value: value.replace(".", "\t."),
    "with a no-break space": lambda value: value + "\xa0",
    "with a line separator": lambda value: value + "\x85",
    "other digits": lambda value: "٣" * 43 + value[43:],
    "4 KB": lambda value: value + "A" * 4096,
    "4 KB of dots": lambda value: "." * 4096,
}


class TestForgery:
    @pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
    def test_what_the_chat_has_not_issued_is_nobody_and_is_replaced(self, forge: Callable[[str], str]) -> None:
        app = chat()
        client = browser(app)
        user = client.get("/").text
        name, value = cookie_of(client)
        header = f"{name}={forge(value)}".encode()
        assert bare(app)(header).startswith("nobody: The chat does not know this browser's cookie any more.")
        response = TestClient(app, base_url="http://chat.example").get("/", headers=[(b"Cookie", header)])
        assert response.text.startswith("browser-")
        assert response.text != user
        assert "set-cookie" in response.headers

    @pytest.mark.parametrize(
        "header",
        [
            *("{upper}={value}", "{name} ={value}", "{name}x={value}", "x{name}={value}", "={name}={value}"),
            *('"{name}"={value}', "$Version=1,{name}={value}", "{name}[]={value}", "\xa0{name}={value}"),
            *("\x85{name}={value}", "\x0b{name}={value}", "\x1f{name}={value}", "{name}\xa0={value}"),
        ],
    )
    def test_a_name_that_only_looks_like_ours_is_another_cookie(self, header: str) -> None:
        # A browser does not see the prefix behind such characters; a server that strips them would.
        app = chat()
        client = browser(app)
        client.get("/")
        name, value = cookie_of(client)
        sent = header.format(name=name, upper=name.upper(), value=value).encode("latin-1")
        assert bare(app)(sent).startswith("nobody: This browser has no cookie of this chat.")

    def test_ours_is_found_among_others(self) -> None:
        app = chat()
        client = browser(app)
        user = client.get("/").text
        name, value = cookie_of(client)
        post = bare(app)
        for header in ("a=1; {0}={1}; b=2", "{0}={1}", ";;{0}={1};", "a; {0}={1}", "a=1;\t{0}={1} ;b"):
            assert post(header.format(name, value).encode()) == user
        assert post(b"a=1", f"{name}={value}".encode()) == user

    def test_of_two_with_the_name_none_is_believed(self) -> None:
        app = chat()
        mine, attackers = browser(app), browser(app)
        mine.get("/")
        attackers.get("/")
        (name, value), (_, planted) = cookie_of(mine), cookie_of(attackers)
        post = bare(app)
        pairs = [f"{name}={each}".encode() for each in (value, planted)]
        for headers in (pairs, pairs[::-1], [b"; ".join(pairs)], [b";".join(reversed(pairs))], [pairs[0], pairs[0]]):
            assert post(*headers).startswith(f"nobody: Your browser sends two cookies named {name}")
        for other in (b"", b"x", b"A" * 43):
            assert "two cookies" in post(pairs[0] + b"; " + f"{name}=".encode() + other)

    def test_a_page_that_gets_two_sets_none(self) -> None:
        app = chat()
        client = browser(app)
        client.get("/")
        name, value = cookie_of(client)
        response = TestClient(app, base_url="http://chat.example").get(
            "/", headers={"Cookie": f"{name}={value}; {name}=x"}
        )
        assert "two cookies" in response.text
        assert "set-cookie" not in response.headers

    def test_the_page_says_so_and_nothing_is_begun(self) -> None:
        with TestClient(create_chat_app(StubBackend(pace=0))) as client:
            client.get("/")
            name, value = cookie_of(client)
            client.cookies.clear()
            two = {"Cookie": f"{name}={value}; {name}=x"}
            page = client.get("/", headers=two)
            assert (page.status_code, "set-cookie" in page.headers) == (401, False)
            assert f"two cookies named {name}" in page.text
            assert client.post("/messages", data={"text": "Hello"}, headers=two).status_code == 401
            assert "Hello" not in client.get("/history", headers={"Cookie": f"{name}={value}"}).text


MOUNTS = [
    "/chat",
    "/a;b",
    "/a; Domain=evil.example",
    '/"q"',
    "/a,b",
    "/ü",
    "/a b",
    "/50%",
    "/a=b",
    "/\\",
    "/a'b",
    "/ä;ö",
]


class TestMounts:
    @pytest.mark.parametrize("path", MOUNTS)
    def test_whatever_a_path_is_made_of_a_message_comes_from_its_user(self, path: str) -> None:
        host = Starlette(routes=[Mount("/t/{tenant}", chat())])
        client = browser(host)
        at = "/t" + quote(path) + "/"
        page = client.get(at)
        assert re.fullmatch(
            rf"htmxchat_browser_[0-9a-f]{{8}}=[\w.-]+; Max-Age={MAX_AGE}; Path=/; HttpOnly; SameSite=Lax",
            page.headers["set-cookie"],
        )
        assert client.post(at).text == page.text

    def test_the_same_path_written_otherwise_is_the_same_mount(self) -> None:
        client = browser(Starlette(routes=[Mount("/chat", chat())]))
        user = client.get("/chat/").text
        assert client.get("/ch%61t/").text == user

    def test_two_chats_on_nested_paths_never_mix(self) -> None:
        identity = BrowserIdentity()
        client = browser(Starlette(routes=[Mount("/chat/inner", chat(identity)), Mount("/chat", chat(identity))]))
        outer, inner = client.get("/chat/"), client.get("/chat/inner/")
        assert len(client.cookies) == 2
        assert outer.text != inner.text
        assert client.get("/chat/").text == outer.text
        assert client.get("/chat/inner/").text == inner.text

    def test_a_cookie_of_one_mount_is_nobody_at_another_even_by_its_name(self) -> None:
        identity = BrowserIdentity()
        app = Starlette(routes=[Mount("/b", chat(identity)), Mount("/a", chat(identity))])
        client = browser(app)
        client.get("/a/")
        name, value = cookie_of(client)
        other = Cookie.of({"root_path": "/b"}, "browser").name
        assert name != other
        assert bare(app)(f"{other}={value}".encode(), path="/b/").startswith("nobody")

    def test_the_cookie_works_below_a_proxy_prefix(self) -> None:
        client = TestClient(chat(), base_url="http://chat.example/", root_path="/team/a")
        response = client.get("/team/a/")
        assert client.get("/team/a/").text == response.text


class TestTheKey:
    async def test_a_store_makes_it_once_for_every_process(self, tmp_path: object) -> None:
        url = f"sqlite:///{tmp_path}/chat.db"
        first, second = Store(url), Store(url)
        key = await first.keys.identity_key()
        assert key is not None
        assert len(key) == 32
        assert await second.keys.identity_key() == key
        await first.close()
        await second.close()
        again = Store(url)
        assert await again.keys.identity_key() == key
        await again.close()

    async def test_two_processes_that_make_it_at_once_agree(self, tmp_path: object) -> None:
        stores = [Store(f"sqlite:///{tmp_path}/chat.db") for _ in range(4)]
        await asyncio.gather(*(store.open() for store in stores))
        keys = await asyncio.gather(*(store.keys.identity_key() for store in stores))
        assert len(set(keys)) == 1
        for store in stores:
            await store.close()

    async def test_a_store_in_memory_keeps_none(self) -> None:
        store = Store()
        assert await store.keys.identity_key() is None
        await store.close()

    def test_who_has_conversations_finds_them_after_a_restart_and_in_another_process(self, tmp_path: object) -> None:
        url = f"sqlite:///{tmp_path}/chat.db"

        async def respond(request: object) -> AsyncIterator[str]:
            yield "Hello"

        with TestClient(create_chat_app(LocalBackend(respond, Store(url)))) as first:
            first.get("/")
            path = first.post("/messages", data={"text": "Hello"}, follow_redirects=False).headers["location"]
            with TestClient(create_chat_app(LocalBackend(respond, Store(url))), cookies=first.cookies) as other:
                assert other.get(path).status_code == 200
        with TestClient(create_chat_app(LocalBackend(respond, Store(url))), cookies=first.cookies) as again:
            assert again.get(path).status_code == 200
            assert again.post("/messages", data={"text": "Hello"}, follow_redirects=False).status_code == 303

    def test_two_chats_that_a_browser_takes_for_one_site_keep_their_users_apart(self) -> None:
        # Cookies know no ports: on localhost:8000 and localhost:8001 one would take the other's place.
        client = browser(chat(BrowserIdentity(secret=SECRET)))
        other = browser(chat(BrowserIdentity(secret=SECRET[::-1])))
        client.get("/")
        other.get("/")
        assert not {*client.cookies} & {*other.cookies}

    def test_a_backend_that_keeps_no_key_is_given_one(self) -> None:
        first, second = (browser(chat(BrowserIdentity(secret=SECRET))) for _ in range(2))
        user = first.get("/").text
        assert second.post("/", headers={"Cookie": "=".join(cookie_of(first))}).text == user

    def test_without_any_key_a_browser_is_known_as_long_as_the_process_lives(self) -> None:
        client = browser()
        client.get("/")
        assert browser().post("/", headers={"Cookie": "=".join(cookie_of(client))}).text.startswith("nobody")

    def test_a_secret_that_can_be_guessed_is_refused(self) -> None:
        with pytest.raises(ValueError, match="32 random characters"):
            BrowserIdentity(secret="short")

    def test_a_host_may_give_the_key(self) -> None:
        app = create_chat_app(StubBackend(), identify=BrowserIdentity(secret=SECRET))
        with TestClient(app) as client:
            assert client.get("/").status_code == 200
            assert client.post("/messages", data={"text": "Hello"}, follow_redirects=False).status_code == 303
