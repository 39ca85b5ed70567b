"""The inspector: what happened in a run.

Hooks: `#inspector`; `.run-list` with `a[data-run]`, the runs of the conversation; `.facts`, the run in short.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..html import FT, Child, tag
from ..models import Conversation, Run
from ..urls import Urls
from .shell import Side, side_closer
from .transcript import moment

a, b, button, dd, div, dl, dt, form = map(tag, ["a", "b", "button", "dd", "div", "dl", "dt", "form"])
h2, header, input_, label, li, p, span, ul = map(tag, ["h2", "header", "input", "label", "li", "p", "span", "ul"])


def inspector_side(urls: Urls, conversation: Conversation | None, content: Child = None, *, url: str = "") -> Side:
    """Return the inspector beside a conversation; `url` is the address of what it shows."""
    start = urls.runs(conversation.id) if conversation else urls.find_run()
    return Side("inspector", "Inspector", "inspect", url or start, content)


def run_list(urls: Urls, conversation: Conversation | None, runs: Sequence[Run]) -> list[FT]:
    """Return what the inspector shows before a run is chosen: a conversation's runs, the latest first."""
    items = [
        li(
            a(
                span(run.state.value.capitalize(), cls="state"),
                moment(run.created_at),
                href=urls.run(run.id),
                data_run=run.id,
                data_state=run.state.value,
                **_opens(urls.run(run.id)),
            )
        )
        for run in runs
    ]
    nothing = p("No run yet. What the agent does is shown here.", cls="nothing")
    return [
        _head("Inspector", urls.conversation(conversation.id) if conversation else urls.home()),
        div(_find(urls), ul(items, cls="run-list") if items else nothing, cls="room-body"),
    ]


def run_room(urls: Urls, run: Run) -> list[FT]:
    """Return what the inspector shows of a run."""
    facts = [("Run", run.id[:8]), ("State", run.state.value.capitalize())]
    return [
        _head("Inspector", urls.conversation(run.conversation_id)),
        div(dl([div(dt(name), dd(value)) for name, value in facts], cls="facts"), cls="room-body"),
    ]


def _head(title: str, back_url: str) -> FT:
    return header(h2(title, cls="cut"), side_closer("Close the inspector", back_url=back_url), cls="room-head")


def _find(urls: Urls) -> FT:
    return form(
        label("Run id", for_="run-id", cls="hidden"),
        input_(id="run-id", name="id", placeholder="Paste a run id", required=True, autocomplete="off"),
        button("Inspect", cls="button", type="submit"),
        cls="find-run",
        method="get",
        action=urls.find_run(),
    )


def _opens(url: str) -> dict[str, str]:
    return {"hx_get": url, "hx_target": "#inspector", "hx_swap": "outerHTML", "hx_push_url": "true"}
