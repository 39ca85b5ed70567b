"""Real servers, a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--no-first-run"]


@dataclass
class Server:
    """A host in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/chat/"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start hosts; arguments are those of `hosts.py`."""
    servers: list[Server] = []

    def start(*arguments: str) -> Server:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.hosts", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        server = Server(process, int(process.stdout.readline()))
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.kill()
        assert server.process.stdout is not None
        server.process.stdout.close()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    return {**browser_type_launch_args, "executable_path": path, "args": ARGS}


@pytest.fixture
def page(page: Page) -> Page:
    page.set_default_timeout(20_000)
    return page
