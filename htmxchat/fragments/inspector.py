"""The inspector: a conversation's runs, and what happened in one.

Hooks: `#inspector`; `.run-list` with `a[data-run]`, the runs of the conversation; `#inspector-facts`, a run in short;
`#inspector-filter`, with `select[name=type]` and `input[name=q]`; `#inspector-rows`, the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..events import BODIES
from ..html import FT, Child, icon, raw, tag
from ..inspection import RowFilter, Window
from ..meanings import duration
from ..models import Conversation, Run, RunState, RunSummary
from ..timeline import Timeline
from ..urls import Urls
from ..view import RunView
from .event_rows import event_rows
from .shell import Side, side_closer
from .timeline import timeline_chart

a, b, button, dd, details, div, dl, dt = map(tag, ["a", "b", "button", "dd", "details", "div", "dl", "dt"])
form, h2, header, input_, kbd, label, li = map(tag, ["form", "h2", "header", "input", "kbd", "label", "li"])
nav, noscript, option, optgroup, output = map(tag, ["nav", "noscript", "option", "optgroup", "output"])
p, select, small, span, summary, time_, ul = map(tag, ["p", "select", "small", "span", "summary", "time", "ul"])
chat_inspector, code = tag("chat-inspector"), tag("code")

STATES = {
    RunState.QUEUED: "Waiting to start",
    RunState.RUNNING: "Running",
    RunState.STOPPING: "Stopping",
    RunState.COMPLETED: "Complete",
    RunState.CANCELLED: "Stopped",
    RunState.FAILED: "Failed",
    RunState.SUSPENDED: "Waits",
}
_KEYS = (
    ("↑ ↓", "previous and next row"),
    ("Enter", "open or close a row"),
    ("Home End", "first and last row"),
    ("/", "search"),
    ("t", "choose a type"),
    ("p", "pause or go on"),
    ("f", "follow or stay"),
    ("c", "clear the view"),
    ("e", "first problem"),
    ("Esc", "leave the search; close the inspector"),
)


@dataclass(frozen=True, slots=True)
class RunSheet:
    """What the inspector shows of a run.

    Attributes:
        filter: Which rows are meant.
        workflow: What the backend calls the program that ran.
        inspectable: Whether the backend knows the run's steps.
    """

    run: Run
    view: RunView
    window: Window
    timeline: Timeline
    filter: RowFilter = field(default_factory=RowFilter)
    workflow: str = ""
    inspectable: bool = False

    @property
    def live(self) -> bool:
        return self.view.state.live


def inspector_side(urls: Urls, conversation: Conversation | None, content: Child = None, *, url: str = "") -> Side:
    """Return the inspector beside a conversation; `url` is the address of what it shows."""
    start = urls.runs(conversation.id) if conversation else urls.find_run()
    return Side("inspector", "Inspector", "inspect", url or start, content)


def inspects(url: str) -> dict[str, str]:
    """Return the attributes of a link that changes what the inspector shows."""
    return {"href": url, "hx_get": url, "hx_target": "#inspector", "hx_swap": "outerHTML", "hx_push_url": "true"}


# The runs of a conversation


def run_list(urls: Urls, conversation: Conversation | None, runs: Sequence[RunSummary], *, more: bool = False) -> Child:
    """Return what the inspector shows before a run is chosen: a conversation's runs, the latest first."""
    nothing = p("What the agent does in a run is shown here: its events, its stages, its mistakes.", cls="nothing")
    back = urls.conversation(conversation.id) if conversation else urls.home()
    return [
        header(h2("Runs", cls="cut"), side_closer("Close the inspector", back_url=back), cls="room-head"),
        chat_inspector(
            div(
                _find(urls),
                ul([_run_item(urls, each) for each in runs], cls="run-list") if runs else nothing,
                p("Older runs are found by their id.", cls="nothing") if more else None,
                cls="room-body",
            )
        ),
    ]


def _run_item(urls: Urls, found: RunSummary) -> FT:
    run = found.run
    took = duration(found.ended_at - run.created_at) if found.ended_at else None
    return li(
        a(
            span(STATES[run.state], cls="state"),
            span(found.question, cls="cut", dir="auto"),
            moment(run.created_at, "short"),
            small(", ".join(filter(None, [took, found.workflow, run.id[:8]])), cls="num"),
            data_run=run.id,
            data_state=run.state.value,
            **inspects(urls.run(run.id)),
        )
    )


def _find(urls: Urls) -> FT:
    return form(
        label("Run id", for_="run-id", cls="hidden"),
        input_(id="run-id", name="id", placeholder="Paste a run id", required=True, autocomplete="off"),
        button("Inspect", cls="button", type="submit"),
        cls="find-run",
        method="get",
        action=urls.find_run(),
    )


# One run


def run_room(sheet: RunSheet, urls: Urls) -> Child:
    """Return what the inspector shows of a run."""
    run, window = sheet.run, sheet.window
    rows_url = urls.events(run.id, **filter_query(sheet.filter))
    return [
        run_head(run, urls, tab="events", inspectable=sheet.inspectable, workflow=sheet.workflow),
        chat_inspector(
            details(
                summary(icon("chevron"), "Overview", cls="part-head"),
                run_facts(sheet.view, window.total, sheet.timeline.seconds),
                timeline_chart(sheet.timeline, run.id, urls),
                cls="overview",
                open=True,
            ),
            _toolbar(sheet, urls),
            div(
                more_link("earlier", window.earlier, run.id, sheet.filter, urls),
                div(
                    raw(event_rows(window.rows, run.id, urls)),
                    id="inspector-rows",
                    role="group",
                    aria_label="Events",
                ),
                p("No event matches." if sheet.filter else "Nothing has happened yet.", cls="nothing no-rows"),
                more_link("later", window.later, run.id, sheet.filter, urls),
                cls="room-body",
                tabindex="0",
                role="region",
                aria_label="Events of the run",
            ),
            data_run=run.id,
            data_events=rows_url,
            data_live=sheet.live and window.later is None,
            data_last="" if window.last_seq is None else str(window.last_seq),
        ),
    ]


def run_head(run: Run, urls: Urls, *, tab: str, inspectable: bool, workflow: str = "") -> FT:
    """Return the head of a run's inspector: which run, what else can be looked at, and what can be taken away."""
    copy = button(
        icon("copy"),
        "Copy a summary",
        cls="button",
        data_kind="quiet",
        name="copy",
        type="button",
        data_url=urls.summary(run.id),
    )
    exports = tag("chat-menu")(
        details(
            summary(icon("more"), cls="button", data_kind="icon", aria_label="Export this run"),
            div(
                copy,
                a("JSON Lines", cls="button", data_kind="quiet", href=urls.events_export(run.id), download=True),
                a("HTML report", cls="button", data_kind="quiet", href=urls.report(run.id), download=True),
                cls="menu",
            ),
        )
    )
    tabs: Child = None
    if inspectable:
        named = (
            ("events", "Events", urls.run(run.id)),
            ("steps", "Steps", urls.steps(run.id)),
            ("state", "State", urls.checkpoints(run.id)),
        )
        links = [a(words, aria_current="page" if name == tab else None, **inspects(url)) for name, words, url in named]
        tabs = nav(links, cls="inspector-tabs", aria_label="Views of this run")
    all_runs = inspects(urls.runs(run.conversation_id))
    runs = a(icon("back"), cls="button", data_kind="icon", aria_label="All runs", **all_runs)
    return header(
        runs,
        h2("Run ", code(run.id[:8], title=run.id), span(f", {workflow}") if workflow else None, cls="cut"),
        tabs,
        exports,
        side_closer("Close the inspector", back_url=urls.conversation(run.conversation_id)),
        cls="room-head",
    )


def run_facts(view: RunView, rows: int, seconds: float) -> FT:
    """Return a run in short; `seconds` is how long it has taken."""
    facts: list[tuple[str, Child, dict[str, str]]] = [
        ("State", STATES[view.state], {"cls": "state", "data_state": view.state.value}),
        ("Took" if view.ended_at else "So far", duration(timedelta(seconds=seconds)), {"cls": "num"}),
        ("Started", moment(view.started_at, "exact") if view.started_at else "Not yet", {"cls": "num"}),
        ("Rows", f"{rows:,}", {"cls": "num"}),
    ]
    if view.usage:
        used = f"{view.usage.input_tokens:,} in, {view.usage.output_tokens:,} out"
        facts.append(("Tokens", used, {"cls": "num"}))
    return div(
        dl([div(dt(name), dd(value, **look)) for name, value, look in facts], cls="facts"),
        p(icon("alert"), span(view.error, dir="auto"), cls="fault") if view.error else None,
        p(icon("history"), span("Waits for: ", view.request.prompt, dir="auto"), cls="waits") if view.request else None,
        id="inspector-facts",
    )


def live_controls(live: bool) -> FT:
    """Return the controls that only a live run needs."""
    inside: Child = None
    if live:
        inside = [
            _press("pause", "pause", "Pause", aria_pressed="false"),
            _press("follow", "down", "Follow", aria_pressed="true"),
        ]
    return span(inside, id="inspector-live")


def first_problem(run_id: str, seq: int | None, urls: Urls) -> FT:
    """Return the link to the first row that failed, if one did."""
    link = None
    if seq is not None:
        url = f"{urls.run(run_id, at=seq)}#event-{seq}"
        link = a(icon("alert"), "First problem", cls="button", data_kind="quiet", data_row=str(seq), href=url)
    return span(link, id="inspector-problem")


def new_rows(count: int) -> str:
    """Return how many rows have come while the view was paused."""
    return f"{count:,} new row{'s' * (count != 1)}" if count else ""


def filter_query(wanted: RowFilter) -> dict[str, str | None]:
    """Return a filter as the fields of an address."""
    return {"type": wanted.type or None, "q": wanted.text or None}


def moment(at: datetime, form: str) -> FT:
    """Return a time, which the page's script rewrites in the reader's zone: `short` or, to the millisecond, `exact`."""
    at = at.astimezone(UTC)
    text = f"{at:%H:%M:%S}.{at.microsecond // 1000:03} UTC" if form == "exact" else f"{at:%d %b %H:%M} UTC"
    return time_(text, datetime=at.isoformat(timespec="milliseconds"), data_form=form)


def _toolbar(sheet: RunSheet, urls: Urls) -> FT:
    run, window, wanted = sheet.run, sheet.window, sheet.filter
    found = f"{window.matching:,} of {window.total:,}" if wanted else None
    url = urls.run(run.id)
    everything = a("Show all", cls="button", data_kind="quiet", **inspects(url)) if wanted else None
    return div(
        form(
            label("Type", for_="inspector-type", cls="hidden"),
            select(_types(wanted.type, window.others), id="inspector-type", name="type"),
            label("Search the events", for_="inspector-q", cls="hidden"),
            input_(id="inspector-q", name="q", type="search", value=wanted.text, placeholder="Search"),
            noscript(button("Filter", cls="button", type="submit")),
            id="inspector-filter",
            role="search",
            method="get",
            action=url,
            hx_get=url,
            hx_target="#inspector",
            hx_swap="outerHTML",
            hx_push_url="true",
            hx_trigger="input changed delay:250ms from:#inspector-q, change from:#inspector-type, submit",
            hx_sync="this:replace",
        ),
        div(
            live_controls(sheet.live),
            output("", id="inspector-new", aria_live="off"),
            _press("clear", "clear", "Clear"),
            first_problem(run.id, window.problem, urls),
            [
                a(words, cls="button", data_kind="quiet", data_end=end, **inspects(_query_url(urls, sheet, end=end)))
                for words, end in (("Start", "first"), ("End", "last"))
            ],
            span(found, cls="num found") if found else None,
            everything,
            details(
                summary(icon("keys"), cls="button", data_kind="icon", aria_label="Keyboard"),
                dl([div(dt(kbd(keys)), dd(words)) for keys, words in _KEYS], cls="menu keys"),
                cls="key-help",
            ),
            cls="controls",
        ),
        cls="toolbar",
    )


def _query_url(urls: Urls, sheet: RunSheet, **more: object) -> str:
    return urls.run(sheet.run.id, **filter_query(sheet.filter), **more)


def _press(name: str, glyph: str, words: str, **attributes: str) -> FT:
    return button(icon(glyph), words, cls="button", data_kind="quiet", type="button", name=name, **attributes)


def _types(chosen: str, others: Sequence[str]) -> Child:
    def choice(value: str, words: str) -> FT:
        return option(words, value=value, selected=value == chosen)

    known = sorted(name for name in BODIES if name != "Unknown")
    unknown = list(others)
    if chosen not in ("", "steps", "problems", *known, *unknown):
        unknown.append(chosen)
    return [
        choice("", "Everything"),
        choice("steps", "Without text"),
        choice("problems", "Problems"),
        optgroup([choice(name, name) for name in known], label="Type"),
        optgroup([choice(name, name) for name in unknown], label="The agent's own") if unknown else None,
    ]


def more_link(name: str, seq: int | None, run_id: str, wanted: RowFilter, urls: Urls) -> FT:
    """Return the link to the rows before (`earlier`) or after (`later`) a number; hidden when there are none."""
    words, direction = ("Earlier rows", "before") if name == "earlier" else ("Later rows", "after")
    return a(
        words,
        cls="button more",
        data_kind="quiet",
        id=f"inspector-{name}",
        href=urls.run(run_id, **filter_query(wanted), **{direction: seq}),
        hidden=seq is None,
    )


def rows_part(sheet: RunSheet, urls: Urls) -> FT:
    """Return a stretch of rows alone, as the page's script asks for it."""
    window = sheet.window
    return div(
        raw(event_rows(window.rows, sheet.run.id, urls)),
        data_earlier="" if window.earlier is None else str(window.earlier),
        data_later="" if window.later is None else str(window.later),
    )

