"""A host for tests of the sandbox, in a process of its own, that notes every request that reaches it.

`/chat/` is the chat; `/packages/` is a folder given as argument; the other pages have what goes wrong elsewhere.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from htmxchat import create_chat_app
from htmxchat.backends.stub import StubBackend
from htmxchat.http.assets import STATIC

SECRET = "s3cret-of-the-page"
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self'; base-uri 'none'; form-action 'none'"
)
RUNNER = '<script type="module" src="/chat/static/x/js/sandbox/element.js"></script>'


class Log:
    """Notes each request but those for the notes."""

    def __init__(self, app: ASGIApp, notes: list[str]) -> None:
        self._app = app
        self._notes = notes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"] != "/notes":
            self._notes.append(f"{scope.get('method', 'WEBSOCKET')} {scope['path']}?{scope['query_string'].decode()}")
        await self._app(scope, receive, send)


def app(packages: Path) -> Starlette:
    notes: list[str] = []

    async def read(_request: Request) -> Response:
        return JSONResponse(notes)

    async def page(request: Request) -> Response:
        """A page that is no chat: with a secret in its text, its storage and a cookie, and a runner."""
        policy = STRICT.replace("frame-src 'self'", "frame-src 'none'") if "no-frames" in request.url.path else STRICT
        body = f"""<!doctype html><html lang=en><meta charset=utf-8><title>A page</title><main><h1>A page</h1>
            <p id=secret>{SECRET}</p><python-runner label="Sum">
                total = 1 + 1
                print("adding")
                total
            </python-runner></main>{RUNNER}"""
        response = HTMLResponse(body, headers={"Content-Security-Policy": policy})
        response.set_cookie("session", SECRET, httponly=True, samesite="lax")
        return response

    async def secret(_request: Request) -> Response:
        return JSONResponse({"secret": SECRET})

    async def no_wasm(request: Request) -> Response:
        """The sandbox as a browser shows it that refuses WebAssembly."""
        source = (STATIC / "js/sandbox/frame.js").read_text()
        policy = "default-src 'none'; script-src 'unsafe-inline' blob:; worker-src blob:; sandbox allow-scripts"
        return HTMLResponse(f"<!doctype html><script>{source}</script>", headers={"Content-Security-Policy": policy})

    async def other_version(_request: Request) -> Response:
        source = (STATIC / "js/sandbox/frame.js").read_text().replace("PROTOCOL = 1", "PROTOCOL = 0")
        return HTMLResponse(f"<!doctype html><script>{source}</script>")

    async def no_isolation(_request: Request) -> Response:
        """The sandbox as a browser shows it that knows no Document-Isolation-Policy."""
        source = (STATIC / "js/sandbox/frame.js").read_text()
        policy = (
            "default-src 'none'; script-src 'unsafe-inline' blob: 'wasm-unsafe-eval'; worker-src blob:;"
            " connect-src 'none'; sandbox allow-scripts"
        )
        return HTMLResponse(f"<!doctype html><script>{source}</script>", headers={"Content-Security-Policy": policy})

    async def garbage(request: Request) -> Response:
        return Response(b"\0asm garbage" * 100, media_type="application/octet-stream")

    return Starlette(
        routes=[
            Route("/notes", read),
            Route("/page", page),
            Route("/no-frames", page),
            Route("/api/secret", secret, methods=["GET", "POST"]),
            Route("/no-wasm", no_wasm),
            Route("/other-version", other_version),
            Route("/no-isolation", no_isolation),
            Route("/garbage/{name}", garbage),
            Mount("/packages", StaticFiles(directory=packages)),
            Mount("/chat", create_chat_app(StubBackend())),
        ],
        middleware=[Middleware(Log, notes)],
    )


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app(Path(sys.argv[1])), log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
