"""A server that signs people in as a kogwistar server does: its answers are those that were recorded from one.

It listens on a real socket. Tests change its attributes while it runs.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from htmxchat import Store, StubBackend
from tests.kogwistar.recordings import recording

DEV_USER: dict[str, Any] = {
    "user_id": "dev-user-id",
    "email": "dev@example.com",
    "display_name": "Dev User",
    "is_active": True,
    "role": "rw",
    "ns": ["docs", "conversation", "workflow", "wisdom"],
}


def token(user_id: str = "dev-user-id", *, lasts: float = 14_400, **claims: object) -> str:
    """Return a token that looks like one of the server's."""
    now = time.time()
    body = {"sub": "dev@example.com", "user_id": user_id, "iat": now, "exp": now + lasts, **claims}
    parts = [{"alg": "HS256", "typ": "JWT"}, body]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*texts, "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LWNoZWNrcw"])


class Serving:
    """An app on a free port of this machine, in a thread of its own. Options are those of `uvicorn.Config`."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, **options)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self) -> Serving:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


def begin(client: TestClient | httpx.Client, back: str = "/chat/", prefix: str = "/chat") -> str:
    """Press Sign in; return where the browser is sent."""
    response = client.post(f"{prefix}/login", data={"back": back})
    assert response.status_code == 200, response.text
    return str(response.headers["refresh"]).removeprefix("0; url=")


def at_the_server(url: str) -> str:
    """Follow a browser through the server's pages; return the path that it comes back to."""
    with httpx.Client(trust_env=False) as browser:
        while True:
            response = browser.get(url)
            assert response.next_request, response.text
            url = str(response.next_request.url)
            if "token=" in url:
                return re.sub(r"^https?://[^/]+", "", url)


def put_local_agent(patch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Put a local agent in the place of the server's; return what each backend was made with."""
    made: list[dict[str, Any]] = []

    class KogwistarBackend(StubBackend):
        def __init__(self, base_url: str, store: Store | None = None, **options: Any) -> None:
            super().__init__(store)
            made.append({"base_url": base_url, "store": store, **options})

    patch.setattr("htmxchat.agents.kogwistar.KogwistarBackend", KogwistarBackend)
    return made


class FakeAuth:
    """The server. Use it as a context manager.

    Attributes:
        mode: `dev`, `oidc`, or `none` for a server that has no sign-in.
        ui_url: Where it sends people without a redirect_uri.
        allowed: Where it sends people that ask for it by return_to, as 0.6 does; `None` for a server that ignores it.
        native: Whether it is the native server of 0.6, which cannot chat.
        lasts: For how many seconds its tokens are good.
        user: What it says about anyone who has one of its tokens.
        sick: `500` (fails) or `slow` (answers after a while).
        tokens: Those it has given out.
        requests: The methods and paths that it was asked for.
        peers, cookies: The connections that it was asked by, and the names of the cookies that came with it.
        signed: Makes the tokens, when another server must take them too.
    """

    def __init__(self, mode: str = "dev") -> None:
        self.mode = mode
        self.ui_url = "http://ui.example/"
        self.allowed: tuple[str, ...] | None = None
        self.native = False
        self.lasts = 14_400.0
        self.user = dict(DEV_USER)
        self.sick = ""
        self.tokens: list[str] = []
        self.requests: list[str] = []
        self.peers: set[tuple[str, int]] = set()
        self.cookies: set[str] = set()
        self.signed: Callable[[], str] | None = None

    def __enter__(self) -> FakeAuth:
        app = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/api/auth/login", self._login),
                Route("/api/auth/callback", self._callback),
                Route("/api/auth/me", self._me),
                Route("/api/auth/logout", self._logout, methods=["POST"]),
                Route("/provider", self._provider),
            ]
        )
        self._server = Serving(app).__enter__()
        self.url = self._server.url
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.stop()

    def mint(self, **claims: Any) -> str:
        made = self.signed() if self.signed else token(**{"lasts": self.lasts, **claims})
        self.tokens.append(made)
        return self.tokens[-1]

    async def _illness(self, request: Request) -> Response | None:
        self.requests.append(f"{request.method} {request.url.path}")
        self.peers.add(request.scope["client"])
        self.cookies |= request.cookies.keys()
        if self.sick == "slow":
            await asyncio.sleep(1)
        if self.sick == "500":
            return PlainTextResponse("Internal Server Error", 500)
        return PlainTextResponse("Not Found", 404) if self.mode == "none" else None

    async def _health(self, request: Request) -> Response:
        number = "800" if self.native else "000"
        return await self._illness(request) or JSONResponse(recording(number, "0.6.15").json)

    async def _login(self, request: Request) -> Response:
        if ill := await self._illness(request):
            return ill
        to = request.query_params.get("redirect_uri")
        if self.mode == "dev":
            return RedirectResponse(f"{to or self.ui_url}?token={self.mint()}")
        if to:
            return JSONResponse({"detail": "redirect_uri override is only allowed when AUTH_MODE=dev"}, 400)
        provider = request.query_params.get("provider", "keycloak")
        if provider != "keycloak":
            return JSONResponse({"detail": f"OIDC provider {provider!r} is not configured"}, 400)
        there = request.query_params.get("return_to")
        if there and self.allowed is not None:
            if there not in self.allowed:
                return JSONResponse({"detail": "return_to target is not allowed"}, 400)
            self.ui_url = there
        state = f"{time.monotonic_ns()}"
        response = RedirectResponse(f"{self.url}/provider?{urlencode({'state': state})}")
        response.set_cookie("auth_state", state, httponly=True, max_age=600)
        if self.allowed is not None:
            response.set_cookie("auth_return_to", self.ui_url, httponly=True, max_age=600)
        return response

    async def _provider(self, request: Request) -> Response:
        """Someone signs in at the provider, without being asked anything."""
        return RedirectResponse(f"/api/auth/callback?code=good&state={request.query_params['state']}")

    async def _callback(self, request: Request) -> Response:
        if ill := await self._illness(request):
            return ill
        if self.mode == "dev":
            return JSONResponse({"detail": "OIDC callback disabled (AUTH_MODE=dev)"}, 400)
        if request.query_params.get("state") != request.cookies.get("auth_state"):
            return JSONResponse({"detail": "Invalid state"}, 400)
        response = RedirectResponse(f"{self.ui_url}?token={self.mint()}")
        response.delete_cookie("auth_state")
        return response

    async def _me(self, request: Request) -> Response:
        if ill := await self._illness(request):
            return ill
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if sent not in self.tokens:
            return JSONResponse({"detail": "Not authenticated"}, 401)
        if not self.user:
            return JSONResponse({"detail": "User not found"}, 404)
        # Escaped, so that a test can say any character.
        return Response(json.dumps(self.user), media_type="application/json")

    async def _logout(self, request: Request) -> Response:
        return await self._illness(request) or JSONResponse({"ok": True})
