"""What stands below an answer: stage, outcome, and what can be done with it.

Hooks: `#tail-…`; inside it `button[name=retry]` and `button[name=continue]`, and `.by`, the agent that answered, where
there are several, with `button[name=agent]`.
"""

from __future__ import annotations

from typing import Any

from ...feedback import Feedback
from ...html import FT, Child, icon, tag
from ...models import RunState, Waiting
from ...scripts.states import digest
from ...state_words import standing
from ...text.phrases import count, duration
from ...view import RunView
from ..controls import icon_only, post_form, submission_field
from ..inspector.inspecting import inspects
from ..times import LEAST
from .context import TurnContext
from .feedback import comment_box, rate_form

CONTINUE = "Continue"
"""The message that continues an answer that was stopped or failed."""

a, b, bdi, button, div, footer, p, span = map(tag, ["a", "b", "bdi", "button", "div", "footer", "p", "span"])
chat_menu, details, input_, summary = map(tag, ["chat-menu", "details", "input", "summary"])


def turn_tail(run_id: str, view: RunView, context: TurnContext, given: Feedback | None = None) -> FT:
    """Return what stands below an answer: stage, outcome, and what can be done with it."""
    children: list[Child] = []
    if view.waiting in (Waiting.APPROVAL, Waiting.APPROVED, Waiting.SCRIPT) and not context.can_run_scripts:
        children.append(
            p("The agent is waiting for a script, and this chat runs none. Stop the answer.", cls="stopped")
        )
    if view.state.live and view.waiting is None and not view.writing and (stage := _stage(view)):
        children.append(p(span(stage, cls="state", data_state=view.state.value, dir="auto"), cls="stage"))
    if view.state is RunState.FAILED:
        words = "Try again" if context.can_retry else "Ask again"
        children.append(_failure(view, _retry(context, run_id, icon("retry"), words, cls="button")))
    if view.state is RunState.CANCELLED:
        children.append(p(span(standing(view.state).word, cls="state"), cls="stopped"))
    if not view.state.live:
        children.append(_foot(run_id, view, context, given))
        children.append(comment_box(run_id, given, context) if context.can_rate else None)
    # Where the focus goes when what had it in this turn is done.
    return div(children, cls="turn-tail", id=f"tail-{run_id}", tabindex="-1")


def _stage(view: RunView) -> str | None:
    """Return what the agent does now: in its own words, while it answers."""
    if view.state is not RunState.RUNNING:
        return standing(view.state).word
    return view.stage or (None if view.written else standing(view.state).word)


def turn_lost(run_id: str, sentence: str, context: TurnContext) -> FT:
    """Return what stands below an answer that cannot be followed any more, though its run may continue."""
    # No address is that of this page.
    url = context.urls.run(run_id) if context.inspector else ""
    again = a(icon("retry"), "Look again", cls="button", href=url)
    words = p(b("The connection to the agent was lost."), " ", bdi(sentence))
    return div(
        div(icon("alert"), words, div(again, cls="actions"), cls="failure"),
        cls="turn-tail",
        id=f"tail-{run_id}",
        tabindex="-1",
    )


def _failure(view: RunView, retry: FT) -> FT:
    return div(
        icon("alert"),
        p(b("The answer failed."), " ", bdi(view.error or "The agent hit an error."), _saved(view)),
        retry,
        cls="failure",
    )


def _saved(view: RunView) -> str:
    return " The answer so far is saved." if view.text else ""


def _retry(context: TurnContext, run_id: str, *words: Child, **attributes: Any) -> FT:
    press = button(words, **attributes, name="retry", type="submit")
    return post_form(context.urls.retry(run_id), press, cls="retry actions", data_any=bool(context.branching) or None)


def _can_go_on(view: RunView, context: TurnContext) -> bool:
    return bool(context.branching and view.text) and view.state in (RunState.FAILED, RunState.CANCELLED)


def _continue(run_id: str, context: TurnContext) -> FT:
    """Return what sends a message that asks to go on: the agent sees in its history how far it got."""
    return post_form(
        context.urls.messages(context.branching),
        submission_field(digest(f"continue {run_id}")),
        input_(type="hidden", name="text", value=CONTINUE),
        button(icon("play"), cls="button", name="continue", type="submit", **icon_only("Continue")),
        cls="continue",
    )


def _foot(run_id: str, view: RunView, context: TurnContext, given: Feedback | None) -> FT:
    facts = _times(view)
    if view.usage:
        facts.append(count(view.usage.input_tokens + view.usage.output_tokens, "token"))
    url = context.urls.text(run_id)
    said = icon_only("Copy the answer")
    copy = button(icon("copy"), cls="button", **said, type="button", name="copy", data_url=url, data_short="Copy")
    again = None
    if view.state is RunState.CANCELLED or (context.can_retry and view.state is not RunState.FAILED):
        words = "Answer again" if context.can_retry else "Ask again"
        again = _retry(context, run_id, icon("retry"), cls="button", **icon_only(words))
    others = _others(run_id, view, context) if context.agents and view.agent else None
    inspect = _inspect(context.urls.run(run_id), context.inspector == "here") if context.inspector else None
    return footer(
        [copy, _copy_as()] if view.written else None,
        again,
        _continue(run_id, context) if _can_go_on(view, context) else None,
        others,
        inspect,
        rate_form(run_id, given, context) if context.can_rate else None,
        span(", ".join(facts), cls="num") if facts else None,
        cls="turn-foot",
    )


def _copy_as() -> FT:
    """Return what offers other ways to copy. The page's script has the menu."""
    words = icon_only("Copy as…")
    return button(icon("chevron"), cls="button", **words, type="button", name="copy-as", aria_expanded="false")


def _others(run_id: str, view: RunView, context: TurnContext) -> FT:
    """Return which agent answered, and the way to have another one answer the same message."""
    names = [name for name in context.agents if name != view.agent] if context.can_retry else []
    if not names:
        return span(bdi(view.agent), cls="by")
    words = f"{view.agent} answered. Choose another agent."
    asks = [
        button(bdi(name), cls="button", data_kind="quiet", name="agent", value=name, type="submit") for name in names
    ]
    return chat_menu(
        details(
            summary(bdi(view.agent), icon("chevron", "icon chevron"), cls="button", data_kind="quiet", title=words),
            post_form(
                context.urls.retry(run_id),
                p("Answer again with", cls="meta"),
                asks,
                cls="menu",
                data_any=bool(context.branching) or None,
            ),
        ),
        cls="by",
    )


def _times(view: RunView) -> list[str]:
    """Return how long the agent worked, and how long it waited for the reader, unless that is too short to matter."""
    if not (view.started_at and view.ended_at):
        return []
    worked = (view.ended_at - view.started_at).total_seconds() - view.waited
    said = duration(worked) if worked >= LEAST else ""
    waited = f"waited {duration(view.waited)}" if view.waited >= LEAST else ""
    return [each for each in (said, waited) if each]


def _inspect(url: str, here: bool) -> FT:
    leads = inspects(url) if here else {"href": url}
    return a(
        icon("inspect"), cls="button", **icon_only("Inspect this run"), **leads, name="inspect", data_short="Inspect"
    )
