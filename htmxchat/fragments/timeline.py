"""The timeline of a run: bars on a time axis, which a table says in words.

Hooks: `.timeline`, with a `tr` for each lane and an `a.bar` for each stretch.
"""

from __future__ import annotations

from datetime import timedelta

from ..html import FT, Child, tag
from ..inspection.meanings import duration
from ..inspection.timeline import Bar, Lane, Timeline
from ..models import RunState
from ..urls import Urls
from ..words import STEPS

a, bdi, details, div, span, summary = map(tag, ["a", "bdi", "details", "div", "span", "summary"])
table, tbody, td, th, thead, tr = map(tag, ["table", "tbody", "td", "th", "thead", "tr"])
rect, svg, text, title = map(tag, ["rect", "svg", "text", "title"])

_NARROWEST = 0.6  # percent


def timeline_chart(timeline: Timeline, run_id: str, urls: Urls) -> FT:
    """Return the picture, with the same as a table below; empty when there is nothing to draw."""
    lanes = [lane for lane in timeline.lanes if lane.bars]
    content: Child = None
    if lanes:
        content = [
            table(
                tbody([_lane(lane, timeline.seconds, run_id, urls) for lane in lanes], _axis(timeline.seconds)),
                cls="timeline",
                aria_label="Where the time went",
            ),
            details(summary("As text"), _as_text(lanes), cls="timeline-text", id="timeline-text"),
        ]
    return div(content, id="inspector-timeline")


def _lane(lane: Lane, total: float, run_id: str, urls: Urls) -> FT:
    bars = [_bar(bar, lane, total, run_id, urls) for bar in lane.bars]
    return tr(
        th(span(lane.label, cls="cut", dir="auto", title=lane.label), scope="row"),
        td(svg(bars, role="group", aria_label=lane.label)),
        td(duration(timedelta(seconds=lane.seconds)), cls="num"),
        data_kind=lane.kind,
    )


def _bar(bar: Bar, lane: Lane, total: float, run_id: str, urls: Urls) -> FT:
    x = 100 * bar.start / total if total else 0
    width = max(_NARROWEST, 100 * (bar.end - bar.start) / total if total else 100)
    words = bar_words(lane, bar)
    return a(
        title(words),
        rect(x=f"{min(x, 100 - _NARROWEST):.2f}%", width=f"{min(width, 100 - min(x, 100 - _NARROWEST)):.2f}%"),
        cls="bar",
        href=f"{urls.run(run_id, at=bar.seq)}#event-{bar.seq}",
        data_state=bar.state.value,
        data_row=str(bar.seq),
        aria_label=words,
    )


def bar_words(lane: Lane, bar: Bar) -> str:
    """Return what a bar shows, in words."""
    took = duration(timedelta(seconds=bar.end - bar.start))
    times = f"{bar.count} times, " if bar.count > 1 else ""
    state = "" if bar.state is RunState.COMPLETED else f", {STEPS[bar.state].lower()}"
    return f"{lane.label}: {times}{took}, from {duration(timedelta(seconds=bar.start))} on{state}"


def _axis(total: float) -> FT:
    marks = axis_marks(total)
    labels = [
        text(
            f"{mark:g} s" if mark == marks[-1] else f"{mark:g}",
            x=f"{100 * mark / total if total else 0:.2f}%",
            data_end=mark > 0.9 * total,
        )
        for mark in marks
    ]
    return tr(th(), td(svg(labels)), td(), cls="axis", aria_hidden="true")


def axis_marks(total: float) -> list[float]:
    """Return between three and six round numbers of seconds from 0 to `total`."""
    if total <= 0:
        return [0]
    unit = 10.0**-3
    while unit * 50 < total:
        unit *= 10
    step = next((unit * each for each in (1, 2, 5, 10) if total / (unit * each) <= 5), unit * 10)
    return [round(step * index, 6) for index in range(int(total / step) + 1)]


def _as_text(lanes: list[Lane]) -> FT:
    rows = sorted(((bar.start, lane, bar) for lane in lanes for bar in lane.bars), key=lambda each: each[0])
    return table(
        thead(tr(th("From", scope="col"), th("Took", scope="col"), th("What", scope="col"), th("How", scope="col"))),
        tbody(
            [
                tr(
                    td(duration(timedelta(seconds=bar.start)), cls="num"),
                    td(duration(timedelta(seconds=bar.end - bar.start)), cls="num"),
                    td(bdi(lane.label), f", {bar.count} times" if bar.count > 1 else None),
                    td(STEPS[bar.state]),
                )
                for _, lane, bar in rows[:500]
            ]
        ),
    )
