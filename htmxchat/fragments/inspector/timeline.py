"""The timeline of a run: bars on a time axis, which a table says in words.

Hooks: `.timeline`, with a `tr` for each lane and an `a.bar` for each stretch.
"""

from __future__ import annotations

from ...html import FT, Child, tag
from ...inspection.axis import Axis, axis
from ...inspection.timeline import Bar, Lane, Timeline
from ...models import RunState
from ...state_words import STEPS
from ...text.phrases import count, duration
from ...urls import Urls
from .event_rows import row_address

a, bdi, details, div, span, summary = map(tag, ["a", "bdi", "details", "div", "span", "summary"])
table, tbody, td, th, thead, tr = map(tag, ["table", "tbody", "td", "th", "thead", "tr"])
rect, svg, text, title = map(tag, ["rect", "svg", "text", "title"])

_NARROWEST = 0.6  # percent
_LEAST_WAIT = 0.1  # seconds that are worth a word
_NEAR = 6  # percent between a number and where the axis is broken


def timeline_chart(timeline: Timeline, run_id: str, urls: Urls) -> FT:
    """Return the picture, with the same as a table below; empty when there is nothing to draw."""
    lanes = [lane for lane in timeline.lanes if lane.bars]
    content: Child = None
    scale = axis(timeline.seconds, timeline.waits)
    if lanes:
        content = [
            table(
                tbody([_lane(lane, scale, run_id, urls) for lane in lanes], _axis(scale)),
                cls="timeline",
                aria_label="Where the time went",
            ),
            details(summary("Show as table"), _as_text(lanes), cls="timeline-text", id="timeline-text"),
        ]
    return div(content, id="inspector-timeline")


def _lane(lane: Lane, scale: Axis, run_id: str, urls: Urls) -> FT:
    bars = [_bar(bar, lane, scale, run_id, urls) for bar in lane.bars]
    return tr(
        th(span(lane.label, cls="cut", dir="auto", title=lane.label), scope="row"),
        td(svg(bars, role="group", aria_label=lane.label)),
        td(duration(lane.seconds), cls="num"),
        data_kind=lane.kind,
        data_failed=any(bar.state is RunState.FAILED for bar in lane.bars),
    )


def _bar(bar: Bar, lane: Lane, scale: Axis, run_id: str, urls: Urls) -> FT:
    x = min(scale.place(bar.start), 100 - _NARROWEST) if scale.seconds else 0
    width = max(_NARROWEST, scale.place(bar.end) - x if scale.seconds else 100)
    words = bar_words(lane, bar)
    return a(
        title(words),
        rect(x=f"{x:.2f}%", width=f"{min(width, 100 - x):.2f}%"),
        cls="bar",
        href=row_address(run_id, bar.row, urls),
        data_state=bar.state.value,
        data_row=str(bar.row),
        aria_label=words,
    )


def time_taken(timeline: Timeline) -> str:
    """Return how long a run took, in words; what it waited is told apart."""
    worked = duration(timeline.seconds - timeline.waited)
    waited = duration(timeline.waited)
    return f"{worked}, waited {waited}" if timeline.waited >= _LEAST_WAIT else worked


def bar_words(lane: Lane, bar: Bar) -> str:
    """Return what a bar shows, in words."""
    took = duration(bar.end - bar.start)
    times = f"{count(bar.count, 'time')}, " if bar.count > 1 else ""
    state = "" if bar.state is RunState.COMPLETED else f", {STEPS[bar.state].lower()}"
    return f"{lane.label}: {times}{took}, from {duration(bar.start)} on{state}"


def _axis(scale: Axis) -> FT:
    breaks, marks = scale.breaks(), scale.marks()
    labels = [
        text(f"{mark:g} s" if mark == marks[-1][0] else f"{mark:g}", x=f"{x:.2f}%", data_end=x > 90)
        for mark, x in marks
        if all(abs(x - each) > _NEAR for each in breaks)
    ]
    cuts = [text("//", x=f"{x:.2f}%", data_cut=True) for x in breaks]
    return tr(th(), td(svg(labels, cuts)), td(), cls="axis", aria_hidden="true")


def _as_text(lanes: list[Lane]) -> FT:
    rows = sorted(((bar.start, lane, bar) for lane in lanes for bar in lane.bars), key=lambda each: each[0])
    return table(
        thead(tr(th("From", scope="col"), th("Took", scope="col"), th("What", scope="col"), th("How", scope="col"))),
        tbody(
            [
                tr(
                    td(duration(bar.start), cls="num"),
                    td(duration(bar.end - bar.start), cls="num"),
                    td(bdi(lane.label), f", {count(bar.count, 'time')}" if bar.count > 1 else None),
                    td(STEPS[bar.state]),
                )
                for _, lane, bar in rows[:500]
            ]
        ),
    )
