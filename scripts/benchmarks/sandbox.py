"""Python in the browser: how long until it is ready, how long a script takes, how much it costs the page."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from scripts.benchmarks.browser import Meter, chromium, meter
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.server import Server

_SET_UP = """async () => {
    const { Runner } = await import('/chat/static/x/js/sandbox/runner.js');
    window.runner?.close();
    window.runner = new Runner({ timeout: 60 });
}"""
_RUN = """async code => {
    const began = performance.now();
    let messages = 0;
    const result = await runner.run(code, { onOutput() { messages += 1; } });
    if (result.state === "failed") throw new Error(JSON.stringify(result.error));
    return [performance.now() - began, messages];
}"""
# A run that is stopped after so many milliseconds, with the longest time between two frames of the page.
_SPIN = """async milliseconds => {
    let longest = 0, last = performance.now(), over = false;
    const draw = now => {
        longest = Math.max(longest, now - last);
        last = now;
        if (!over) requestAnimationFrame(draw);
    };
    await new Promise(resolve => requestAnimationFrame(now => { last = now; resolve(); }));
    requestAnimationFrame(draw);
    let stopped = 0;
    const stop = () => {
        stopped = performance.now();
        runner.stop();
    };
    const result = runner.run("while True: pass", {
        onProgress: ({ phase }) => phase === "running" && setTimeout(stop, milliseconds),
    });
    await result;
    over = true;
    return [longest, performance.now() - stopped];
}"""
_WAITING = "import time\ntime.sleep(0.05)"


def sandbox(quick: bool) -> list[Table]:
    times = 2 if quick else 7
    with chromium() as browser, Server("chat") as server:
        with meter(browser) as warm_up:  # the server compresses the files once
            _start(warm_up.page, server)
        cold, wire = zip(*(_cold(browser, server) for _ in range(times)), strict=True)
        with meter(browser) as one:
            rows = _later(one, server, times)
    return [
        Table(
            f"Python in the browser; median of {times}",
            ["htmxchat"],
            [
                Row("first script, nothing cached", [median(cold)], "s", limit=4),
                Row("bytes on the wire for it", [median(wire) / 1000], "KB"),
                *rows,
            ],
        )
    ]


def _cold(browser: Browser, server: Server) -> tuple[float, int]:
    with meter(browser) as one:
        milliseconds = _start(one.page, server)
        wire = sum(one.wire(part) for part in ("/js/sandbox/", "/vendor/pyodide/", "/chat/sandbox"))
        return milliseconds / 1000, wire


def _start(page: Page, server: Server) -> float:
    page.goto(f"{server.url}/chat/")
    page.evaluate(_SET_UP)
    return _run(page, "1 + 1")[0]


def _run(page: Page, code: str) -> tuple[float, int]:
    milliseconds, messages = page.evaluate(_RUN, code)
    return float(milliseconds), int(messages)


def _later(one: Meter, server: Server, times: int) -> list[Row]:
    page = one.page
    _start(page, server)
    page.wait_for_timeout(1_500)  # until the snapshot is in the cache
    warm, restarts, ready, lines, frames, stops = [], [], [], [], [], []
    messages = 0
    for _ in range(times):
        page.goto(f"{server.url}/chat/")
        page.evaluate(_SET_UP)
        warm.append(_run(page, "1 + 1")[0] / 1000)
        _run(page, "1")
        restarts.append(_run(page, "1 + 1")[0] / 1000)  # begins when the one before has ended, with a new worker
        page.wait_for_timeout(1_500)
        ready.append(_run(page, "1 + 1")[0])
        page.wait_for_timeout(1_500)
        milliseconds, messages = _run(page, "for number in range(100_000): print(number)")
        lines.append(milliseconds / 1000)
        page.wait_for_timeout(1_500)
        longest, stop = page.evaluate(_SPIN, 2_000)
        frames.append(longest)
        stops.append(stop)
        page.wait_for_timeout(1_500)
    with_python = _memory()
    page.evaluate("runner.close()")
    page.wait_for_timeout(1_500)
    return [
        Row("first script of a page, files and snapshot cached", [median(warm)], "s"),
        Row("the next one at once: restart from the snapshot", [median(restarts)], "s", limit=0.6),
        Row("`1 + 1` when Python waits", [median(ready)], "ms", limit=50),
        Row("100,000 printed lines", [median(lines)], "s"),
        Row("messages to the page for them", [messages]),
        Row("from Stop to the result, in an endless loop", [median(stops)], "ms"),
        Row("longest frame of the page while Python spins", [median(frames)], "ms", limit=100),
        Row("memory of the sandbox, with Python waiting", [(with_python - _memory()) / 1000], "KB"),
    ]


def _memory() -> float:
    """Return the bytes that all processes of this one's Chromium occupy, shared pages counted once each (PSS)."""
    total = 0
    for process in _descendants(os.getpid()):
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
            name = Path(f"/proc/{process}/comm").read_text(encoding="ascii")
        except OSError:
            continue
        if "chrom" in name:
            total += sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))
    return total


def _descendants(process: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found, open_ = [], [process]
    while open_:
        children = parents.get(open_.pop(), [])
        found += children
        open_ += children
    return found
