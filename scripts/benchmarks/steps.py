"""What one frame costs, step by step, without a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from htmxchat.events import RunEvent, TextDelta
from htmxchat.fragments import TurnContext
from htmxchat.http.sse import ServerSentEvent
from htmxchat.live.patches import render_patches
from htmxchat.live.turn import LiveTurn
from htmxchat.text.markdown import Markdown, MarkdownStream
from htmxchat.urls import Urls
from htmxchat.view import RunView, fold
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.texts import markdown_words, plain_words

EVENTS_A_FRAME = 8  # words 5 ms apart, frames 40 ms apart


def steps(quick: bool) -> list[Table]:
    rows = []
    results = [_measure(words(1_500), 3 if quick else 15) for words in (plain_words, markdown_words)]
    for name in results[0]:
        rows.append(Row(name, [result[name] for result in results], "µs"))
    return [Table("One frame of 8 words, mean over an answer of 1,500; best of several", ["plain", "markdown"], rows)]


def _measure(words: list[str], times: int) -> dict[str, float]:
    events = [RunEvent(seq, datetime.now(UTC), TextDelta(word)) for seq, word in enumerate(words, 1)]
    frames = [events[start : start + EVENTS_A_FRAME] for start in range(0, len(events), EVENTS_A_FRAME)]
    texts = ["".join(words[start : start + EVENTS_A_FRAME]) for start in range(0, len(words), EVENTS_A_FRAME)]

    def folding() -> None:
        view = RunView()
        for frame in frames:
            view = fold(frame, view)

    def markdown() -> None:
        stream = MarkdownStream(Markdown())
        for text in texts:
            stream.append(text)
            stream.settled()
            stream.open()

    def advance(then: Callable[[LiveTurn, list[RunEvent]], object]) -> Callable[[], None]:
        def run() -> None:
            turn = LiveTurn("run", TurnContext(Urls(), Markdown()))
            for frame in frames:
                then(turn, frame)

        return run

    def encoded(turn: LiveTurn, frame: list[RunEvent]) -> bytes:
        return ServerSentEvent(render_patches(turn.advance(frame)), id="1").encode()

    calls = {
        "fold": folding,
        "MarkdownStream": markdown,
        "LiveTurn.advance": advance(lambda turn, frame: turn.advance(frame)),
        "LiveTurn.advance, patches and message": advance(encoded),
    }
    return {name: _best(call, times) / len(frames) * 1e6 for name, call in calls.items()}


def _best(call: Callable[[], None], times: int) -> float:
    results = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        results.append(time.perf_counter() - began)
    return min(results)
