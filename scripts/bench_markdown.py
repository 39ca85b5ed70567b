"""Measure Markdown libraries for answers that stream: python scripts/bench_markdown.py

Prints a table and, below it, the cost of htmxchat's own renderer. A library that is not installed is skipped. The
spec's examples are read from tests/data. Times are the best of several runs, in milliseconds.
"""

from __future__ import annotations

import html
import json
import re
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
SPEC = json.loads((ROOT / "tests/data/commonmark-0.31.2.json").read_text(encoding="utf-8"))

ANSWER = (
    """\
## What changed

Between *4.1* and **4.2** the median of all jobs moved by less than 2%. The tail did not: `p95` rose in three jobs, and
`orders_sync` alone accounts for most of the added time. See [the release notes](https://docs.example/4.2) for more.

- **orders_sync** retries on HTTP 409, which its upstream returns for every duplicate
- **ledger_import** is slower only at month end
  - so the release is probably innocent
- [x] checked on the export

| Job | p95 in 4.1 | p95 in 4.2 | Change |
|---|--:|--:|--:|
| orders_sync | 2.41 s | 9.87 s | +310% |
| ledger_import | 5.02 s | 6.10 s | +22% |

```python
def p95(rows):
    times = sorted(float(r["seconds"]) for r in rows)
    return times[int(0.95 * (len(times) - 1))]  # first attempts only
```

> Limiting retries to `5xx` answers would remove the wait and keep the protection.

1. Compare first attempts only.
2. Then look at what the retry policy adds.

"""
    * 4
)
DELTAS = [ANSWER[i : i + len(ANSWER) // 1000 + 1] for i in range(0, len(ANSWER), len(ANSWER) // 1000 + 1)]
MEGABYTE = ANSWER * (1_000_000 // len(ANSWER) + 1)
HOSTILE = {">": ">" * 10_000, "[": "[" * 10_000, "- ": "- " * 10_000 + "a"}


class Library(NamedTuple):
    render: Callable[[str], str]  # tables and strikethrough on
    spec: Callable[[str], str]  # plain CommonMark, raw HTML passed on
    last_block: Callable[[str], int]  # the line that the last top-level block starts on


def markdown_it() -> Library:
    module: Any = import_module("markdown_it")
    gfm = module.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

    def last_block(text: str) -> int:
        return max((token.map[0] for token in gfm.parse(text) if token.map and not token.level), default=0)

    return Library(gfm.render, module.MarkdownIt("commonmark").render, last_block)


def pyromark() -> Library:
    module: Any = import_module("pyromark")
    options = module.Options.ENABLE_TABLES | module.Options.ENABLE_STRIKETHROUGH | module.Options.ENABLE_TASKLISTS

    def last_block(text: str) -> int:
        depth = start = 0
        for event, place in module.events_with_range(text, options=options):
            if not depth:
                start = place["start"]
            if isinstance(event, dict):
                depth += ("Start" in event) - ("End" in event)
        return text.encode()[:start].count(b"\n")

    return Library(lambda text: module.html(text, options=options), module.html, last_block)


def comrak() -> Library:
    module: Any = import_module("comrak")
    extensions, unsafe, positions = module.ExtensionOptions(), module.RenderOptions(), module.RenderOptions()
    extensions.table = extensions.strikethrough = extensions.tasklist = extensions.autolink = True
    unsafe.unsafe_ = positions.sourcepos = True

    def render(text: str) -> str:
        result: str = module.render_markdown(text, extensions, None, unsafe)
        return result

    def last_block(text: str) -> int:
        # There is no tree to ask: the positions are only in the HTML, those of nested blocks too.
        found = re.findall(
            r'^<\w+ data-sourcepos="(\d+):1-', module.render_markdown(text, extensions, None, positions), re.M
        )
        return int(found[-1]) - 1 if found else 0

    return Library(render, lambda text: module.render_markdown(text, None, None, unsafe), last_block)


def best(call: Callable[[], object], times: int = 5) -> float:
    results = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        results.append(time.perf_counter() - start)
    return min(results) * 1000


def passes(library: Library) -> int:
    def normal(text: str) -> str:
        text = re.sub(r"&(quot|#x27|#39);", lambda match: html.unescape(match[0]), text)
        text = re.sub(r"<(br|hr|img)([^<>]*?) */?>", r"<\1\2>", text)
        return re.sub(r"\s*\n\s*(?=<)|(?<=>)\s*\n\s*", "", text).strip()

    return sum(normal(library.spec(example["markdown"])) == normal(example["html"]) for example in SPEC)


def whole(render: Callable[[str], object]) -> None:
    text = ""
    for delta in DELTAS:
        text += delta
        render(text)


def incremental(library: Library) -> None:
    text = ""
    for delta in DELTAS:
        text += delta
        if "\n" in delta:
            complete = text[: text.rindex("\n") + 1]
            start = library.last_block(complete)
            lines = text.split("\n")
            library.render("\n".join(lines[:start]))
            text = "\n".join(lines[start:])
        library.render(text)


def main() -> None:
    print(f"{len(ANSWER):,} characters, {len(DELTAS):,} deltas")
    print(f"{'':16}{'spec':>8}{'answer':>9}{'deltas':>9}{'incr.':>9}{'1 MB':>9}" + "".join(f"{c:>9}" for c in HOSTILE))
    for make in (markdown_it, pyromark, comrak):
        try:
            library = make()
        except ImportError:
            print(f"{make.__name__:16} not installed: skipped")
            continue
        times = [
            best(lambda library=library: library.render(ANSWER), 20),  # type: ignore[misc]
            best(lambda library=library: whole(library.render), 1),  # type: ignore[misc]
            best(lambda library=library: incremental(library), 3),  # type: ignore[misc]
            best(lambda library=library: library.render(MEGABYTE), 2),  # type: ignore[misc]
        ]
        row = f"{make.__name__:16}{passes(library):>8}" + "".join(f"{value:9.2f}" for value in times)
        for text in HOSTILE.values():
            try:
                row += f"{best(lambda library=library, text=text: library.render(text), 1):9.2f}"  # type: ignore[misc]
            except (RecursionError, ValueError) as error:
                row += f" {type(error).__name__[:8]}"
        print(row, flush=True)
    own()


def own() -> None:
    sys.path.insert(0, str(ROOT))
    from htmxchat.text.markdown import Markdown, MarkdownStream

    markdown = Markdown()
    paragraph = ("The tail did not: `p95` rose in *three* jobs, and one alone accounts for it. " * 8)[:600]

    def stream(text: str, size: int, frames: bool) -> None:
        stream = MarkdownStream(markdown)
        for i in range(0, len(text), size):
            stream.append(text[i : i + size])
            stream.settled()
            if frames:
                stream.open()

    opened = MarkdownStream(markdown)
    opened.append(paragraph)
    print("\nhtmxchat.markdown, safe and highlighted, ms")
    for name, call, times in (
        ("open(), a paragraph of 600 characters", opened.open, 50),
        ("blocks(), the answer", lambda: markdown.blocks(ANSWER), 20),
        ("blocks(), 1 MB", lambda: markdown.blocks(MEGABYTE), 1),
        (
            "the answer in 1,000 deltas, settled() and open() after each",
            lambda: stream(ANSWER, len(DELTAS[0]), True),
            3,
        ),
        ("1 MB in pieces of 5 characters, settled() after each", lambda: stream(MEGABYTE, 5, False), 1),
        ("2 MB the same", lambda: stream(MEGABYTE * 2, 5, False), 1),
    ):
        print(f"{best(call, times):10.2f}  {name}")


if __name__ == "__main__":
    main()
