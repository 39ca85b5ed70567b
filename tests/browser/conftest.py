"""Real servers, a real browser."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from playwright.sync_api import Request as BrowserRequest

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds, for a host to start or to be gone
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# The first that is there: one without a window does and draws the same as one with it, for half of the work.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")

# Chromium notes every answer from 400 on and every lost connection; htmx notes requests that fail.
EXPECTED = ("Failed to load resource", "TypeError: Failed to fetch", "TypeError: network error", "htmx:sse:error")


@dataclass
class Server:
    """A host in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/chat/"

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


def launched(module: str, *arguments: str) -> Server:
    """Start a module that prints the port it listens on."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    port = process.stdout.readline() if ready else ""
    if not port:
        process.kill()
        process.wait(timeout=PATIENCE)
        process.stdout.close()
        raise RuntimeError(f"{module} printed no port within {PATIENCE:g} seconds.")
    return Server(process, int(port))


@contextmanager
def starting() -> Iterator[Callable[..., Server]]:
    """Start hosts; arguments are those of `hosts.py`."""
    servers: list[Server] = []

    def start(*arguments: str) -> Server:
        servers.append(launched("tests.browser.hosts", *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start hosts that one test has for itself."""
    with starting() as start:
        yield start


@pytest.fixture(scope="session")
def site() -> Iterator[Server]:
    """A host for all tests. Every test has a browser of its own, and so a user with no conversations yet."""
    with starting() as start:
        yield start()


def watch(context: BrowserContext, trouble: list[str]) -> None:
    """Note what no page may do."""

    def asked(request: BrowserRequest) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            trouble.append(f"a request to {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(words in message.text for words in EXPECTED):
            trouble.append(f"on the console: {message.text}")

    context.set_default_timeout(20_000)
    context.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`))"
    )
    context.on("request", asked)
    context.on("console", said)
    context.on("weberror", lambda error: trouble.append(f"uncaught: {error.error}"))


@pytest.fixture
def new_context(new_context: Callable[..., BrowserContext]) -> Iterator[Callable[..., BrowserContext]]:
    """Make browsers that are watched: what no page may do fails the test, whatever it is about."""
    trouble: list[str] = []

    def create(**options: Any) -> BrowserContext:
        context = new_context(**options)
        watch(context, trouble)
        return context

    yield create
    assert trouble == []


@pytest.fixture(scope="session")
def used(browser: Browser) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A browser that keeps Python from test to test, which starts for a fraction of what it takes in a new one."""
    trouble: list[str] = []
    context = browser.new_context()
    watch(context, trouble)
    yield context, trouble
    context.close()


@pytest.fixture
def context_with_python(used: tuple[BrowserContext, list[str]], site: Server) -> Iterator[BrowserContext]:
    """That browser with a user who has no conversations yet: for tests that run scripts."""
    context, trouble = used
    trouble.clear()
    context.clear_cookies()
    page = context.new_page()
    forget = {"origin": site.at("").rstrip("/"), "storageTypes": "local_storage,websql,indexeddb"}
    context.new_cdp_session(page).send("Storage.clearDataForOrigin", forget)
    page.close()
    yield context
    for page in context.pages:
        page.close()
    assert trouble == []


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    return {**browser_type_launch_args, "executable_path": path, "args": ARGS}


@pytest.fixture
def chat(page: Page, site: Server) -> Page:
    """The page before the first message."""
    page.goto(site.url)
    return page


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """Slow machines are no failures."""
    expect.set_options(timeout=20_000)
