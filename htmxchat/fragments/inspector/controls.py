"""The controls of the inspector: which rows, live or still, and where to.

Hooks: `#inspector-filter`, with `select[name=type]` and `input[name=q]`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...events import BODIES
from ...html import FT, Child, icon, tag
from ...inspection import RowFilter, Window
from ...urls import Urls
from ..controls import get_form, icon_only
from .event_rows import row_address
from .inspecting import inspects

a, button, dd, details, div, dl, dt = map(tag, ["a", "button", "dd", "details", "div", "dl", "dt"])
input_, kbd, label, noscript = map(tag, ["input", "kbd", "label", "noscript"])
option, optgroup, p, select, span, summary = map(tag, ["option", "optgroup", "p", "select", "span", "summary"])

_KEYS = (
    ("↑ ↓", "previous and next row"),
    ("Enter", "open or close a row"),
    ("Home End", "first and last row"),
    ("/", "search"),
    ("t", "filter by type"),
    ("p", "pause or go on"),
    ("f", "follow or stay"),
    ("c", "clear the view"),
    ("e", "first problem"),
    ("Esc", "leave the search; close the inspector"),
)


def toolbar(run_id: str, window: Window, wanted: RowFilter, urls: Urls, *, live: bool) -> FT:
    """Return what says which rows are shown, and what can be done with them."""
    found = f"{window.matching:,} of {window.total:,}" if wanted else None
    url = urls.run(run_id)
    everything = a("Show all", cls="button", data_kind="quiet", **inspects(url)) if wanted else None
    return div(
        get_form(
            url,
            label("Type", for_="inspector-type", cls="hidden"),
            select(_types(wanted.type, window.others), id="inspector-type", name="type"),
            label("Search the events", for_="inspector-q", cls="hidden"),
            input_(id="inspector-q", name="q", type="search", value=wanted.text, placeholder="Search", dir="auto"),
            noscript(button("Filter", cls="button", type="submit")),
            id="inspector-filter",
            role="search",
            target="#inspector",
            trigger="input changed delay:250ms from:#inspector-q, change from:#inspector-type, submit",
            hx_swap="outerMorph",
            hx_push_url="true",
        ),
        div(
            live_controls(live),
            first_problem(run_id, window.problem, urls),
            _more(run_id, wanted, urls),
            cls="controls",
        ),
        p(span(found, cls="num found"), everything, cls="matches") if wanted else None,
        cls="toolbar",
    )


def _more(run_id: str, wanted: RowFilter, urls: Urls) -> FT:
    return tag("chat-menu")(
        details(
            summary(icon("more"), cls="button", **icon_only("More controls")),
            div(
                _press("clear", "clear", "Clear the view"),
                [
                    _end(words, end, run_id, wanted, urls)
                    for words, end in (("First row", "first"), ("Last row", "last"))
                ],
                dl([div(dt(kbd(keys)), dd(words)) for keys, words in _KEYS], cls="key-help"),
                cls="menu",
            ),
        )
    )


def _end(words: str, end: str, run_id: str, wanted: RowFilter, urls: Urls) -> FT:
    url = urls.run(run_id, **filter_query(wanted), end=end)
    glyph = icon("up" if end == "first" else "down")
    return a(glyph, words, cls="button", data_kind="quiet", data_end=end, **inspects(url))


def _press(name: str, glyph: str, words: str, **attributes: str) -> FT:
    said = span(words, cls="words")
    return button(icon(glyph), said, cls="button", data_kind="quiet", type="button", name=name, **attributes)


def _types(chosen: str, others: Sequence[str]) -> Child:
    def choice(value: str, words: str) -> FT:
        return option(words, value=value, selected=value == chosen)

    known = sorted(name for name in BODIES if name != "Unknown")
    unknown = list(others)
    if chosen not in ("", "steps", "problems", *known, *unknown):
        unknown.append(chosen)
    return [
        choice("", "All events"),
        choice("steps", "Hide text"),
        choice("problems", "Problems"),
        optgroup([choice(name, name) for name in known], label="Type"),
        optgroup([choice(name, name) for name in unknown], label="The agent's own") if unknown else None,
    ]


def live_controls(live: bool) -> FT:
    """Return the controls that only an active run needs."""
    inside: Child = None
    if live:
        inside = [
            _press("pause", "pause", "Pause", title="Pause"),
            _press("follow", "down", "Follow", title="Follow", aria_pressed="true"),
        ]
    return span(inside, id="inspector-live")


def first_problem(run_id: str, ordinal: int | None, urls: Urls) -> FT:
    """Return the link to the first row that failed, if one did."""
    link = None
    if ordinal is not None:
        url = row_address(run_id, ordinal, urls)
        said = span("First problem", cls="words")
        look = {"cls": "button", "data_kind": "quiet", "title": "First problem"}
        link = a(icon("alert"), said, **look, data_row=str(ordinal), href=url)
    return span(link, id="inspector-problem")


def filter_query(wanted: RowFilter) -> dict[str, str | None]:
    """Return a filter as the fields of an address."""
    return {"type": wanted.type or None, "q": wanted.text or None}


def more_link(name: str, ordinal: int | None, run_id: str, wanted: RowFilter, urls: Urls) -> FT:
    """Return the link to the rows before (`earlier`) or after (`later`) one; hidden when there are none."""
    words, direction = ("Earlier rows", "before") if name == "earlier" else ("Later rows", "after")
    return a(
        words,
        cls="button more",
        data_kind="quiet",
        id=f"inspector-{name}",
        href=urls.run(run_id, **filter_query(wanted), **{direction: ordinal}),
        hidden=ordinal is None,
    )
