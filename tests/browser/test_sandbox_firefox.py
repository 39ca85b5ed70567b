"""The sandbox in Firefox, if it is installed: another engine, and one that knows no Document-Isolation-Policy.

Nothing drives it: a page runs the scripts by itself and tells the host what came of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from tests.browser.conftest import Server
from tests.browser.sandbox import requests
from tests.browser.sandbox_host import SECRET, STRICT, app
from tests.browser.test_sandbox_attacks import ESCAPES, script

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
PAGE = """
import { Runner } from "/chat/static/x/js/sandbox/runner.js";
const scripts = await (await fetch("/given")).json();
const runner = new Runner({ frame: "/chat/sandbox", timeout: 3 });
for (const [name, code] of Object.entries(scripts)) {
    const result = await runner.run(code).catch(error => ({ state: String(error) }));
    await fetch("/told", { method: "POST", body: JSON.stringify([name, result]) });
}
await fetch("/over", { method: "POST" });
"""
TROUBLE = {
    "value": "print('a')\n1 + 1",
    "endless": "print('b')\nwhile True: pass",
    "after it": "2",
    "swallowing": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "awaiting": "import asyncio\nawait asyncio.sleep(100)",
    "memory": "kept = []\nwhile True: kept.append(bytearray(10_000_000))",
    "recursion": "def f(): return f()\nf()",
    "exit": "import os\nos._exit(1)",
    "flood": "import js\nwhile True: js.postMessage('x')",
    "last": "3",
}


@pytest.mark.skipif(FIREFOX is None, reason="Firefox is not installed")
def test_scripts_run_and_stay_in_the_sandbox_in_firefox(tmp_path: Path) -> None:
    told: dict[str, Any] = {}
    over = threading.Event()
    server = uvicorn.Server(uvicorn.Config(Starlette(), port=0, log_level="warning"))
    listener = server.config.bind_socket()
    host = Server(None, listener.getsockname()[1])  # type: ignore[arg-type]  # it has no process of its own
    escapes = {f"escape: {name}": script(host, body) for name, body in ESCAPES.items()}

    async def page(_request: Request) -> Response:
        response = HTMLResponse(
            '<!doctype html><script type="module" src="/page.js"></script>', headers={"Content-Security-Policy": STRICT}
        )
        response.set_cookie("session", SECRET, httponly=True, samesite="lax")
        return response

    async def source(_request: Request) -> Response:
        return Response(PAGE, media_type="text/javascript")

    async def given(_request: Request) -> Response:
        return JSONResponse(TROUBLE | escapes)

    async def tell(request: Request) -> Response:
        name, result = json.loads(await request.body())
        told[name] = result
        return Response()

    async def end(_request: Request) -> Response:
        over.set()
        return Response()

    noted = app(tmp_path)
    server.config.app = Starlette(
        routes=[
            Route("/start", page),
            Route("/page.js", source),
            Route("/given", given),
            Route("/told", tell, methods=["POST"]),
            Route("/over", end, methods=["POST"]),
            Mount("/", noted),
        ]
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    profile = tmp_path / "profile"
    profile.mkdir()
    firefox = subprocess.Popen(
        [str(FIREFOX), "--headless", "--no-remote", "--profile", str(profile), host.at("start")],
        env={**os.environ, "HOME": str(profile)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ended = over.wait(240)
        noted_requests = requests(host)
    finally:
        firefox.kill()
        firefox.wait()
        server.should_exit = True
        thread.join()
        listener.close()
    assert ended, f"the last that it told of was {[*told][-1:]}"

    assert (told["value"]["stdout"], told["value"]["value"]["text"]) == ("a\n", "2")
    assert (told["endless"]["state"], told["endless"]["stdout"]) == ("timed-out", "b\n")
    for name in ("swallowing", "awaiting"):
        assert told[name]["error"]["type"] == "run-timeout"
    assert told["memory"]["error"]["type"] == "MemoryError"
    assert told["recursion"]["error"]["type"] == "RecursionError"
    assert told["exit"]["error"]["type"] == "python-crashed"
    assert told["flood"]["error"]["type"] == "output-flood"
    assert (told["after it"]["value"]["text"], told["last"]["value"]["text"]) == ("2", "3")
    for name in escapes:
        assert told[name]["value"] is None, name
        assert told[name]["state"] == "done" or told[name]["error"]["type"] == "python-crashed", name
    assert SECRET not in json.dumps(told)
    known = ("GET /chat/static/", "GET /chat/sandbox?", "GET /favicon.ico?")
    assert not [line for line in noted_requests if not line.startswith(known)]
