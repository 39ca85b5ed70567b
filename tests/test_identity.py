"""The browser's own identity: a random id in a cookie."""

from __future__ import annotations

import hashlib
import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from htmxchat.identity import MAX_AGE, BrowserCookie, BrowserIdentity


async def page(request: Request) -> Response:
    user = await BrowserIdentity()(request)
    return HTMLResponse(user.id if user else "nobody")


async def data(request: Request) -> Response:
    user = await BrowserIdentity()(request)
    return JSONResponse(user.id if user else None)


def chat() -> ASGIApp:
    return BrowserCookie(Starlette(routes=[Route("/", page, methods=["GET", "POST"]), Route("/data", data)]))


def browser(app: ASGIApp | None = None, scheme: str = "http") -> TestClient:
    return TestClient(app or chat(), base_url=f"{scheme}://chat.example")


def test_the_first_page_already_knows_the_user_it_names_in_the_cookie() -> None:
    client = browser()
    first = client.get("/").text
    assert re.fullmatch(r"browser-[0-9a-f]{32}", first)
    assert client.get("/").text == first
    assert client.get("/data").json() == first
    assert client.post("/").text == first


def test_two_browsers_are_two_users() -> None:
    assert browser().get("/").text != browser().get("/").text


def test_the_user_id_does_not_hold_the_secret() -> None:
    client = browser()
    user = client.get("/").text
    (secret,) = client.cookies.values()
    assert len(secret) == 43
    assert secret not in user
    assert user == f"browser-{hashlib.sha256(secret.encode()).hexdigest()[:32]}"


def test_the_cookie_is_for_this_server_only_and_out_of_reach_of_scripts() -> None:
    cookie = browser().get("/").headers["set-cookie"]
    name = f"htmxchat_{hashlib.sha256(b'').hexdigest()[:8]}"
    assert re.fullmatch(rf"{name}=[\w-]{{43}}; Max-Age={MAX_AGE}; Path=/; HttpOnly; SameSite=Lax", cookie)


def test_the_cookie_is_secure_over_https() -> None:
    assert browser(scheme="https").get("/").headers["set-cookie"].endswith("; Secure")


def test_a_page_renews_the_cookie_it_got() -> None:
    client = browser()
    first = client.get("/").headers["set-cookie"]
    assert client.get("/").headers["set-cookie"] == first


def test_fragments_renew_nothing() -> None:
    client = browser()
    client.get("/")
    assert "set-cookie" not in client.get("/", headers={"HX-Request": "true"}).headers


def test_only_pages_set_a_cookie() -> None:
    assert "set-cookie" not in browser().get("/data").headers


def test_a_post_without_a_cookie_comes_from_nobody() -> None:
    response = browser().post("/")
    assert response.text == "nobody"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("garbage", ["", "x", "a" * 42, "a" * 44, "ä" * 43, "a" * 42 + ".", '"' + "a" * 43, "٣" * 43])
def test_garbage_in_the_cookie_is_ignored_and_replaced(garbage: str) -> None:
    name = f"htmxchat_{hashlib.sha256(b'').hexdigest()[:8]}"
    header = [(b"Cookie", f"{name}={garbage}".encode())]
    assert browser().post("/", headers=header).text == "nobody"
    response = browser().get("/", headers=header)
    assert response.text.startswith("browser-")
    assert "set-cookie" in response.headers


def test_two_chats_on_nested_paths_never_mix() -> None:
    client = browser(Starlette(routes=[Mount("/chat/inner", chat()), Mount("/chat", chat())]))
    outer, inner = client.get("/chat/"), client.get("/chat/inner/")
    assert "Path=/chat;" in outer.headers["set-cookie"]
    assert "Path=/chat/inner;" in inner.headers["set-cookie"]
    assert outer.text != inner.text
    assert client.get("/chat/").text == outer.text
    assert client.get("/chat/inner/").text == inner.text


def test_the_cookie_works_below_a_proxy_prefix() -> None:
    client = TestClient(chat(), base_url="http://chat.example/", root_path="/team/a")
    response = client.get("/team/a/")
    assert "Path=/team/a;" in response.headers["set-cookie"]
    assert client.get("/team/a/").text == response.text


def test_a_mount_path_cannot_add_attributes_to_the_cookie() -> None:
    client = browser(Starlette(routes=[Mount("/t/{tenant}", chat())]))
    cookie = client.get("/t/a;%20Domain=evil.example%0d%0aX:%20y/").headers["set-cookie"]
    assert "Path=/t/a%3B%20Domain=evil.example%0D%0AX:%20y;" in cookie


def test_a_request_that_passed_no_middleware_is_read_all_the_same() -> None:
    client = browser()
    user = client.get("/").text
    bare = TestClient(Starlette(routes=[Route("/", page)]), base_url="http://chat.example", cookies=client.cookies)
    assert bare.get("/").text == user
