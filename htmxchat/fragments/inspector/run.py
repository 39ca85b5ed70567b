"""The inspector, open on a run: its facts, its timeline, its rows.

Hooks: `#inspector`; `#inspector-facts`, a run in short; `#inspector-rows`, the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from ...html import FT, Child, icon, raw, tag
from ...inspection import RowFilter, Window
from ...inspection.timeline import Timeline
from ...models import Conversation, Run
from ...state_words import standing
from ...urls import Urls
from ...view import RunView
from ..controls import icon_only
from ..shell import Side, notice, side_closer
from ..times import moment
from .controls import filter_query, more_link, toolbar
from .event_rows import event_rows
from .inspecting import inspects
from .timeline import time_taken, timeline_chart

a, button, code, dd, details, div, dl, dt = map(tag, ["a", "button", "code", "dd", "details", "div", "dl", "dt"])
h2, header, nav, p, span, summary = map(tag, ["h2", "header", "nav", "p", "span", "summary"])
bdi, chat_inspector = tag("bdi"), tag("chat-inspector")


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
    start = urls.latest_run(conversation.id) if conversation else urls.find_run()
    return Side("inspector", "Inspector", "inspect", url or start, content)


def run_room(sheet: RunSheet, urls: Urls) -> Child:
    """Return what the inspector shows of a run."""
    run, window = sheet.run, sheet.window
    rows_url = urls.events(run.id, **filter_query(sheet.filter))
    return [
        run_head(run, urls, tab="events", inspectable=sheet.inspectable, workflow=sheet.workflow),
        chat_inspector(
            details(
                summary(icon("chevron"), "Overview", cls="part-head"),
                run_facts(run.id, sheet.view, window.total, sheet.timeline),
                timeline_chart(sheet.timeline, run.id, urls),
                cls="overview",
                open=True,
            ),
            toolbar(run.id, window, sheet.filter, urls, live=sheet.live),
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
            summary(icon("more"), cls="button", **icon_only("Export this run")),
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
    runs = a(icon("back"), cls="button", **icon_only("All runs"), **all_runs)
    return header(
        runs,
        h2("Run ", code(run.id[:8], title=run.id), span(", ", bdi(workflow)) if workflow else None, cls="cut"),
        tabs,
        exports,
        side_closer("Close the inspector", back_url=urls.conversation(run.conversation_id)),
        cls="room-head",
    )


def run_facts(run_id: str, view: RunView, rows: int, timeline: Timeline) -> FT:
    """Return a run in short; `timeline` says how long it has taken, up to its last event."""
    time: tuple[str, Child] = "Took" if view.ended_at else "So far", time_taken(timeline)
    if view.waiting and view.started_at and not view.ended_at:
        time = "Waiting since", moment(view.started_at + timedelta(seconds=timeline.seconds), "exact")
    facts: list[tuple[str, Child, dict[str, str]]] = [
        (*time, {"cls": "num"}),
        ("Started", moment(view.started_at, "exact") if view.started_at else "Not yet", {"cls": "num"}),
        ("Rows", f"{rows:,}", {"cls": "num"}),
    ]
    if view.agent:
        facts.append(("Agent", bdi(view.agent), {}))
    if view.usage:
        used = f"{view.usage.input_tokens:,} in, {view.usage.output_tokens:,} out"
        facts.append(("Tokens", used, {"cls": "num"}))
    return div(
        dl(
            div(dt("State"), run_standing(run_id, view)),
            [div(dt(name), dd(value, **look)) for name, value, look in facts],
            cls="facts",
        ),
        p(icon("alert"), span(view.error, dir="auto"), cls="fault") if view.error else None,
        p(icon("history"), span("Asks: ", bdi(view.request.prompt)), cls="waits") if view.request else None,
        id="inspector-facts",
    )


def run_standing(run_id: str, view: RunView) -> FT:
    """Return how a run stands."""
    now = standing(view.state, view.waiting)
    return dd(
        now.word,
        cls="state",
        id=f"standing-{run_id}",
        data_state=now.mark.value,
        data_waiting=view.waiting.value if view.waiting else None,
    )


def unloaded_run(run: Run, urls: Urls, sentence: str, *, tab: str, retry_url: str, inspectable: bool) -> Child:
    """Return what stands in place of a run's events, steps or state that could not be loaded."""
    content = notice(sentence, retry_url=retry_url, target="#inspector")
    return [run_head(run, urls, tab=tab, inspectable=inspectable), div(content, cls="room-body", tabindex="-1")]


def rows_part(sheet: RunSheet, urls: Urls) -> FT:
    """Return a stretch of rows alone, as the page's script asks for it."""
    window = sheet.window
    return div(
        raw(event_rows(window.rows, sheet.run.id, urls)),
        data_earlier="" if window.earlier is None else str(window.earlier),
        data_later="" if window.later is None else str(window.later),
    )
