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
TIMEOUT = 20
"""Seconds. More than an escape waits, which is three."""
KNOWN = ("GET /chat/static/", "GET /chat/sandbox?", "GET /favicon.ico?", "GET /page?")


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with sandbox_host(tmp_path_factory.mktemp("packages")) as server:
        yield server


@pytest.fixture
def sandbox(engine: Browser, host: Server) -> Browser:
    """A page with a secret in its text, its storage, a cookie and a cache, and with a runner: one for all tests."""
    if engine.run("url => location.href === url && 'runner' in window", host.at("page")):
        return engine
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


def run(sandbox: Browser, code: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(sandbox.run(RUN, code))
    return result


def test_a_script_prints_awaits_and_has_a_value(sandbox: Browser) -> None:
    result = run(sandbox, "import asyncio\nprint('a')\nawait asyncio.sleep(0.01)\nprint('b')\n[{'n': 1}, {'n': 2}]")
    assert (result["state"], result["stdout"]) == ("done", "a\nb\n")
    assert result["value"]["rows"] == [[1], [2]]


def test_asyncio_run_works_or_says_what_to_write(sandbox: Browser) -> None:
    result = run(sandbox, "import asyncio\nasync def main():\n    return 5\nasyncio.run(main())")
    if sandbox.run("() => 'Suspending' in WebAssembly"):
        assert result["value"]["text"] == "5"
    else:
        assert "write `await main()`" in result["error"]["message"]


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import asyncio\nawait asyncio.sleep(100)",
    ],
)
def test_a_script_without_an_end_is_ended_and_the_next_one_runs(sandbox: Browser, code: str) -> None:
    sandbox.run(SET_UP, {"timeout": 2})
    result = run(sandbox, code)
    assert (result["error"]["type"], result["state"]) == ("run-timeout", "timed-out"), result["error"]
    assert run(sandbox, "'mine'")["value"]["text"] == "'mine'"
    sandbox.run(SET_UP, {"timeout": TIMEOUT})


@pytest.mark.parametrize(
    ("code", "type"),
    [
        ("kept = []\nwhile True: kept.append(bytearray(10_000_000))", "MemoryError"),
        ("def f(): return f()\nf()", "RecursionError"),
        ("import os\nos._exit(1)", "python-crashed"),
        ("import js\nwhile True: js.postMessage('x')", "output-flood"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_script_that_fails_says_why_and_the_next_one_runs(sandbox: Browser, code: str, type: str) -> None:
    result = run(sandbox, code)
    assert (result["error"]["type"], result["state"]) == (type, "failed"), result["error"]
    assert run(sandbox, "'mine'")["value"]["text"] == "'mine'"


@pytest.mark.parametrize("name", ESCAPES)
def test_there_is_no_way_out(sandbox: Browser, host: Server, name: str) -> None:
    result = run(sandbox, script(host, ESCAPES[name]))
    assert result["value"] is None, result["value"]
    assert result["state"] == "done" or result["error"]["type"] == "python-crashed", result["error"]
    assert SECRET not in json.dumps(result)
    assert [line for line in requests(host) if not line.startswith(KNOWN)] == []
    assert sandbox.run("() => heard") == []
    assert sandbox.run("() => location.pathname") == "/page"


def test_no_script_leaves_anything_in_the_browsers_storage(sandbox: Browser) -> None:
    stored = sandbox.run("""async () => ({
        caches: (await caches.keys()).filter(name => name !== "page" && name !== "htmxchat-sandbox"),
        databases: (await indexedDB.databases()).length,
        local: Object.keys(localStorage),
    })""")
    assert stored == {"caches": [], "databases": 0, "local": ["secret"]}
