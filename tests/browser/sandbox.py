"""What the tests of the sandbox have in common: a host that notes every request, and a runner in a page."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Server, launched

SET_UP = """async options => {
    const { Runner } = await import('/chat/static/x/js/sandbox/runner.js');
    window.runner?.close();
    window.runner = new Runner({ frame: '/chat/sandbox', timeout: 20, ...options });
}"""
RUN = """async ([code, hook]) => {
    const output = [], phases = [];
    const result = await runner.run(code, {
        onOutput: it => { output.push(it); if (it.text.includes(hook)) runner.stop(); },
        onProgress: it => { if (phases.at(-1)?.phase === it.phase) phases.pop(); phases.push(it); if (hook === it.phase) runner.stop(); },
    });
    return { ...result, output, phases };
}"""


@contextmanager
def sandbox_host(packages: Path) -> Iterator[Server]:
    """Start the host; `packages` is what it has at `/packages/`."""
    server = launched("tests.browser.sandbox_host", str(packages))
    try:
        yield server
    finally:
        server.kill()


def requests(server: Server) -> list[str]:
    """Return every request that has reached the host."""
    with urllib.request.urlopen(server.at("notes")) as response:
        noted: list[str] = json.load(response)
    return noted


@dataclass
class Sandbox:
    """A page with a runner."""

    page: Page
    server: Server

    def set_up(self, **options: Any) -> None:
        """Put another runner in the page, in place of the one before."""
        self.page.evaluate(SET_UP, options)

    @classmethod
    def opened(cls, context: BrowserContext, server: Server, **options: Any) -> Sandbox:
        """Open the chat in a page of its own, with a runner. Nothing of Python is loaded before its first run.

        What the browser keeps of Python is kept by origin: its second start in a context is a fraction of the first.
        """
        sandbox = cls(context.new_page(), server)
        sandbox.page.goto(server.url)
        sandbox.set_up(**options)
        return sandbox

    def run(self, code: str, stop_at: str = "\0") -> dict[str, Any]:
        """Run a script and return its result, its `output` as it came and the `phases` of its progress.

        `stop_at` is an output, or a phase, at which the page stops it.
        """
        result: dict[str, Any] = self.page.evaluate(RUN, [code, stop_at])
        return result

    def works(self) -> bool:
        """Return whether a script runs and finds nothing that others have left."""
        result = self.run("import builtins\n[*globals(), hasattr(builtins, 'left')]")
        text = (result["value"] or {}).get("text", "")
        return result["state"] == "done" and "left" not in text and text.endswith("False]")
