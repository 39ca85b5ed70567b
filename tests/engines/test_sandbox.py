"""The sandbox in other engines: what a script can do there, and that a hostile one gets no further than in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.browser.sandbox import SET_UP, requests, sandbox_host
from tests.browser.sandbox_host import SECRET
from tests.browser.test_sandbox_attacks import ESCAPES, script
from tests.engines.webdriver import Browser

RUN = "async code => { const result = await runner.run(code); return JSON.stringify(result); }"
TIMEOUT = 12
"""Seconds. More than an escape waits, which is three."""
KNOWN = ("GET /chat/static/", "GET /chat/sandbox?", "GET /favicon.ico?", "GET /page?")


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with sandbox_host(tmp_path_factory.mktemp("packages")) as server:
        yield server


@pytest.fixture(scope="module")
def page(engine: Browser, host: Server) -> Browser:
    """A page with a secret in its text, its storage, a cookie and a cache, and with a runner."""
    engine.open(host.at("page"))
    engine.run(
        """async secret => {
            localStorage.secret = secret;
            await (await caches.open("page")).put("/secret", new Response(secret));
            window.heard = [];
            new BroadcastChannel("page").onmessage = event => { heard.push(event.data); };
        }""",
        SECRET,
    )
    engine.run(SET_UP, {"timeout": TIMEOUT})
    assert run(engine, "1 + 1")["value"]["text"] == "2"
    return engine


def run(page: Browser, code: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(page.run(RUN, code))
    return result


def test_a_script_prints_awaits_and_has_a_value(page: Browser) -> None:
    result = run(page, "import asyncio\nprint('a')\nawait asyncio.sleep(0.01)\nprint('b')\n[{'n': 1}, {'n': 2}]")
    assert (result["state"], result["stdout"]) == ("done", "a\nb\n")
    assert result["value"]["rows"] == [[1], [2]]


def test_asyncio_run_works_or_says_what_to_write(page: Browser) -> None:
    result = run(page, "import asyncio\nasync def main():\n    return 5\nasyncio.run(main())")
    if page.run("() => 'Suspending' in WebAssembly"):
        assert result["value"]["text"] == "5"
    else:
        assert "write `await main()`" in result["error"]["message"]


@pytest.mark.parametrize(
    ("code", "type", "state"),
    [
        ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", "run-timeout", "timed-out"),
        ("import asyncio\nawait asyncio.sleep(100)", "run-timeout", "timed-out"),
        ("kept = []\nwhile True: kept.append(bytearray(10_000_000))", "MemoryError", "failed"),
        ("def f(): return f()\nf()", "RecursionError", "failed"),
        ("import os\nos._exit(1)", "python-crashed", "failed"),
        ("import js\nwhile True: js.postMessage('x')", "output-flood", "failed"),
        ("1 / 0", "ZeroDivisionError", "failed"),
    ],
)
def test_a_script_that_goes_wrong_says_how_and_the_next_one_runs(
    page: Browser, code: str, type: str, state: str
) -> None:
    page.run(SET_UP, {"timeout": 2})
    result = run(page, code)
    page.run(SET_UP, {"timeout": TIMEOUT})
    assert (result["error"]["type"], result["state"]) == (type, state), result["error"]
    assert run(page, "'mine'")["value"]["text"] == "'mine'"


@pytest.mark.parametrize("name", ESCAPES)
def test_there_is_no_way_out(page: Browser, host: Server, name: str) -> None:
    result = run(page, script(host, ESCAPES[name]))
    assert result["value"] is None, result["value"]
    assert result["state"] == "done" or result["error"]["type"] == "python-crashed", result["error"]
    assert SECRET not in json.dumps(result)
    assert [line for line in requests(host) if not line.startswith(KNOWN)] == []
    assert page.run("() => heard") == []
    assert page.run("() => location.pathname") == "/page"


def test_no_script_leaves_anything_in_the_browsers_storage(page: Browser) -> None:
    stored = page.run("""async () => ({
        caches: (await caches.keys()).filter(name => name !== "page" && name !== "htmxchat-sandbox"),
        databases: (await indexedDB.databases()).length,
        local: Object.keys(localStorage),
    })""")
    assert stored == {"caches": [], "databases": 0, "local": ["secret"]}
