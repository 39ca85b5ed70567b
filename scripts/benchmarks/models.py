"""What it costs to answer with another server: a model behind an OpenAI-compatible one, an agent behind AG-UI."""

from __future__ import annotations

import subprocess
import sys

from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import ROOT

PAUSE = "0.005"


def models(quick: bool) -> list[Table]:
    """Compare with a generator that writes the same words; the backend alone, with one reader and without pages."""
    words = 300 if quick else 1_500
    cost = {"bare": _measure("bare", words), "openai": _remote("openai", words), "ag_ui": _remote("ag_ui", words)}
    table = Table(f"{words:,} words from another server, 5 ms apart", ["generator", "openai", "ag_ui"])
    table.rows.append(Row("server CPU a word", [each / words * 1e6 for each in cost.values()], "µs"))
    over = [each / cost["bare"] for each in cost.values()]
    for place, what in enumerate(("openai", "ag_ui"), start=1):
        table.rows.append(Row(f"{what} over the generator's", over, "^", limit=1.5, judged=place))
    return [table]


def _remote(what: str, words: int) -> float:
    with subprocess.Popen(_command(what, words, "serve"), cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            return _measure(what, words, f"http://127.0.0.1:{server.stdout.readline().strip()}/v1")
        finally:
            server.kill()


def _measure(what: str, words: int, *arguments: str) -> float:
    command = _command(what, words, *arguments)
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout
    return float(out)


def _command(what: str, words: int, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "scripts.benchmarks.models_process", what, str(words), PAUSE, *arguments]
