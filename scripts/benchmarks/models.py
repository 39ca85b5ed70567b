"""What it costs to answer with a model behind an OpenAI-compatible server."""

from __future__ import annotations

import subprocess
import sys

from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import ROOT

PAUSE = "0.005"


def models(quick: bool) -> list[Table]:
    """Compare with a generator that writes the same words; the backend alone, with one reader and without pages."""
    words = 300 if quick else 1_500
    with subprocess.Popen(_command("serve", words), cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
        try:
            bare, model = _measure("bare", words), _measure("model", words, url)
        finally:
            server.kill()
    table = Table(f"{words:,} words from a model, 5 ms apart", ["generator", "model"])
    table.rows.append(Row("server CPU a word", [each / words * 1e6 for each in (bare, model)], "µs"))
    table.rows.append(Row("over the generator's", [1.0, model / bare], "^", limit=1.5, judged=1))
    return [table]


def _measure(what: str, words: int, *arguments: str) -> float:
    command = _command(what, words, *arguments)
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    return float(out)


def _command(what: str, words: int, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "scripts.benchmarks.models_process", what, str(words), PAUSE, *arguments]
