"""The demo's style guide, served for pictures and tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from htmxchat.cli.agents import Options
from htmxchat.cli.serve import make_app, serve
from htmxchat.cli.styleguide.pages import addresses
from scripts.benchmarks.browser import chromium
from scripts.illustrations.serving import serving

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
    with serving(app) as address:
        yield f"{address}/styleguide/"
