"""Starts readers in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType

from scripts.benchmarks.server import ROOT


class Crowd:
    """`count` readers of a stream, all connected when this object is there. Use it as a context manager."""

    def __init__(self, port: int, path: str, count: int, *, hold: bool = False) -> None:
        command = [sys.executable, "-m", "scripts.benchmarks.readers", str(port), path, str(count)]
        self._process = subprocess.Popen(
            [*command, "--hold"] if hold else command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "open\n":
            raise RuntimeError("The readers could not all connect")

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def result(self) -> dict[str, int]:
        """Wait until all have read to the end; return what the one that got least words got."""
        out, _ = self._process.communicate(timeout=300)
        found: dict[str, int] = json.loads(out)
        return found
