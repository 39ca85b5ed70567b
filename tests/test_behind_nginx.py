"""A host's paths behind a real nginx, which takes a prefix off or leaves it: every one of them leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount

from htmxchat import LoginPages, Look, StubBackend, User, chat_lifespan, create_chat_app
from tests.fake_auth import Serving
from tests.servers import Nginx, free_port, nginx_program
from tests.support import parse

NGINX = nginx_program()

pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
    pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated"),
]

# Where nginx has each host, and whether it takes that prefix off.
PREFIXES = {"/stripped": True, "/fastapi": True, "/kept": False}


async def identify(request: HTTPConnection) -> User | None:
    name = request.cookies.get("who")
    return User(name, name) if name else None


def service(root_path: str = "", prefix: str = "") -> FastAPI:
    """Return a service with the chat at /chat; with a prefix, one that has it in its own routes."""
    chat = create_chat_app(
        StubBackend(pace=0),
        identify=identify,
        login=LoginPages(f"{prefix}/login", f"{prefix}/logout"),
        look=Look(stylesheets=[f"{prefix}/brand.css"], favicon=f"{prefix}/icon.svg"),
    )
    app = FastAPI(root_path=root_path, lifespan=chat_lifespan(chat))

    @app.get("/login")
    async def login_form() -> HTMLResponse:
        return HTMLResponse("<form method=post><button>Sign in</button></form>")

    @app.post("/login")
    async def login(request: Request, next: str) -> RedirectResponse:
        response = RedirectResponse(next, status_code=303)
        response.set_cookie("who", "ann")
        return response

    @app.get("/logout")
    async def logout() -> PlainTextResponse:
        response = PlainTextResponse("Signed out")
        response.delete_cookie("who")
        return response

    @app.get("/brand.css")
    @app.get("/icon.svg")
    async def file() -> PlainTextResponse:
        return PlainTextResponse("the host's own")

    app.mount("/chat", chat)
    return app


def kept() -> Starlette:
    app = service(prefix="/kept")
    return Starlette(routes=[Mount("/kept", app)], lifespan=app.router.lifespan_context)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert NGINX is not None
    folder = tmp_path_factory.mktemp("nginx")
    with ExitStack() as stack:
        hosts = {
            "/stripped": stack.enter_context(Serving(service(), root_path="/stripped")),
            "/fastapi": stack.enter_context(Serving(service(root_path="/fastapi"))),
            "/kept": stack.enter_context(Serving(kept())),
        }
        places = "".join(
            f"location {prefix}/ {{ proxy_pass {hosts[prefix].url}{'/' if strips else ''}; }}\n"
            for prefix, strips in PREFIXES.items()
        )
        port = free_port()
        server = f"server {{ listen 127.0.0.1:{port};\n{places} }}"
        with Nginx(NGINX, folder, port, f"proxy_set_header Host $http_host;\n{server}") as nginx:
            yield nginx.url


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_person_signs_in_comes_back_and_signs_out(site: str, prefix: str) -> None:
    with httpx.Client(base_url=site, follow_redirects=True, trust_env=False, timeout=20) as browser:
        refused = browser.get(f"{prefix}/chat/history?q=x")
        assert refused.status_code == 401
        (link,) = [each["href"] for each in parse(refused.text).all("a") if each.text == "Sign in"]
        assert "<form" in browser.get(link).text
        home = browser.post(link)
        assert home.status_code == 200
        assert str(home.url) == f"{site}{prefix}/chat/history?q=x"
        page = parse(home.text)
        own = [each["href"] for each in page.all("link", rel="stylesheet") if "brand" in each["href"]]
        for address in (*own, page.one("link", rel="icon")["href"]):
            assert browser.get(urljoin(str(home.url), address)).text == "the host's own"
        sent = browser.post(f"{prefix}/chat/messages", data={"text": "Hello"})
        assert sent.status_code == 200
        assert str(sent.url).startswith(f"{site}{prefix}/chat/c/")
        (out,) = [each["href"] for each in page.all("a") if each.text == "Sign out"]
        assert browser.get(out).text == "Signed out"
        assert browser.get(f"{prefix}/chat/").status_code == 401
