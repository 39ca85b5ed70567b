"""The runs of a conversation, and where one is looked up by its id.

Hooks: `.run-list` with `a[data-run]`, the runs of the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...html import FT, Child, icon, tag
from ...models import Conversation, RunSummary, is_dated
from ...state_words import standing
from ...text.phrases import between
from ...urls import Urls
from ..shell import notice, side_closer
from ..times import moment
from .inspecting import inspects

a, button, details, div, form, h2, header = map(tag, ["a", "button", "details", "div", "form", "h2", "header"])
input_, label, li, p, small, span = map(tag, ["input", "label", "li", "p", "small", "span"])
summary, ul = map(tag, ["summary", "ul"])
chat_inspector = tag("chat-inspector")


def run_list(
    urls: Urls,
    conversation: Conversation | None,
    runs: Sequence[RunSummary],
    *,
    more: bool = False,
    failure: str | None = None,
) -> Child:
    """Return what the inspector shows before a run is chosen: a conversation's runs, the latest first."""
    nothing = p("This room shows what the agent did in a run: events, stages and errors.", cls="nothing")
    if failure and conversation:
        nothing = notice(failure, retry_url=urls.runs(conversation.id), target="#inspector")
    back = urls.conversation(conversation.id) if conversation else urls.home()
    return [
        header(h2("Runs", cls="cut"), side_closer("Close the inspector", back_url=back), cls="room-head"),
        chat_inspector(
            div(
                div(
                    ul([_run_item(urls, each) for each in runs], cls="run-list") if runs else nothing,
                    id="run-list",
                    # How a run stands changes while the list is open.
                    hx_get=urls.runs(conversation.id) if conversation else None,
                    hx_trigger="chat:changed from:body",
                    hx_select="#run-list",
                    hx_target="this",
                    hx_swap="outerMorph",
                ),
                p("Open older runs by their id.", cls="nothing") if more else None,
                _find(urls, open=conversation is None or more),
                cls="room-body",
            )
        ),
    ]


def _run_item(urls: Urls, found: RunSummary) -> FT:
    run, now = found.run, standing(found.run.state, found.waiting)
    measured = is_dated(run.created_at) and found.ended_at and run.created_at < found.ended_at
    took = between(run.created_at, found.ended_at) if found.ended_at and measured else None
    return li(
        a(
            span(now.word, cls="state"),
            span(found.question, cls="cut", dir="auto"),
            moment(run.created_at, "short"),
            small(", ".join(filter(None, [run.agent, took, found.workflow, run.id[:8]])), cls="num", dir="auto"),
            data_run=run.id,
            data_state=now.mark.value,
            **inspects(urls.run(run.id)),
        )
    )


def _find(urls: Urls, *, open: bool) -> FT:
    field = form(
        label("Run id", for_="run-id", cls="hidden"),
        input_(id="run-id", name="id", placeholder="Run id or URL", required=True, autocomplete="off"),
        button("Open", cls="button", type="submit"),
        method="get",
        action=urls.find_run(),
    )
    return details(summary(icon("chevron"), "Open a run by its id", cls="part-head"), field, cls="find-run", open=open)
