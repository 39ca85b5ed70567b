"""The demo's style guide, served for pictures and tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Literal

import uvicorn

from htmxchat.cli.agents import Options
from htmxchat.cli.serve import make_app, serve
from htmxchat.cli.styleguide.pages import addresses
from scripts.benchmarks.browser import chromium

_SIZES: dict[Literal["light", "dark"], tuple[int, int]] = {"light": (1200, 800), "dark": (360, 740)}


def style_guide_pictures(folder: Path) -> Iterator[Path]:
    """Make a picture of every component on a desk, light, and on a phone, dark; yield the path of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with style_guide_site() as url, chromium() as browser:
        for scheme, (width, height) in _SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            for address in addresses():
                page.goto(f"{url}{address}")
                path = folder / f"{address.strip('/').replace('/', '-')}-{scheme}.png"
                page.screenshot(path=path, animations="disabled", caret="hide", full_page=address.endswith("/"))
                yield path


@contextmanager
def style_guide_site() -> Iterator[str]:
    """Serve the demo on a free port; yield the address of its style guide."""
    app = make_app(Options(**serve.make_context("htmxchat", []).params))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/styleguide/"
        finally:
            server.should_exit = True
            thread.join()
