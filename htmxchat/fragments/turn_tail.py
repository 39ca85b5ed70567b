"""What stands below an answer: stage, question, sources, scripts, outcome, and what can be done with it.

Hooks: `#tail-…`; inside it `form.request` and `button[name=retry]`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..confusing import marked
from ..events import InputRequested, ScriptProposed, Source
from ..html import FT, Child, icon, raw, tag
from ..models import RunState
from ..scripts.states import script_id
from ..urls import Urls
from ..view import RunView
from .controls import post_form
from .inspecting import inspects
from .steps import seconds
from .turn_context import TurnContext

a, b, button, div, fieldset, footer, input_ = map(tag, ["a", "b", "button", "div", "fieldset", "footer", "input"])
label, legend, li, ol, p, span = map(tag, ["label", "legend", "li", "ol", "p", "span"])
chat_proposal = tag("chat-proposal")

_WEB = re.compile(r"https?://[^/]", re.IGNORECASE)


def turn_tail(run_id: str, view: RunView, context: TurnContext) -> FT:
    """Return what stands below an answer: stage, question, sources, outcome, and what can be done with it."""
    urls = context.urls
    children: list[Child] = []
    if view.sources:
        children.append(_sources(run_id, view.sources))
    if context.can_run_scripts:
        children += [_proposal(urls, run_id, view, script) for script in view.scripts]
    elif view.awaited_script is not None and view.state.live:
        children.append(p("The agent waits for a script, and this chat runs none. Stop the answer.", cls="stopped"))
    if view.request is not None:
        children.append(_request(urls.answer(run_id), view.request))
    if view.state.live and view.request is None and view.awaited_script is None:
        stage = "Stopping" if view.state is RunState.STOPPING else view.stage or (None if view.text else "Thinking")
        if view.state is RunState.QUEUED:
            stage = "Waiting to start"
        if stage:
            children.append(p(span(stage, cls="state", data_state=view.state.value), cls="stage"))
    if view.state is RunState.FAILED:
        words = "Try again" if context.can_retry else "Ask again"
        children.append(_failure(view, _retry(urls, run_id, icon("retry"), words, cls="button")))
    if view.state is RunState.CANCELLED:
        children.append(p(span("Stopped", cls="state"), cls="stopped"))
    children.append(_foot(run_id, view, context))
    return div(children, cls="turn-tail", id=f"tail-{run_id}")


def turn_lost(run_id: str, sentence: str, context: TurnContext) -> FT:
    """Return what stands below an answer that cannot be followed any more, though its run may go on."""
    again = a(icon("retry"), "Look again", cls="button", href=context.urls.run(run_id))
    words = p(b("The connection to the agent was lost."), " ", sentence)
    return div(
        div(icon("alert"), words, div(again, cls="actions"), cls="failure"),
        cls="turn-tail",
        id=f"tail-{run_id}",
    )


def _sources(run_id: str, sources: Sequence[Source]) -> FT:
    return ol(
        [_source(f"source-{run_id}-{number}", number, source) for number, source in enumerate(sources, 1)],
        cls="sources",
        aria_label="Sources",
    )


def _source(id: str, number: int, source: Source) -> FT:
    words = [span(str(number), cls="num"), b(source.title), span(source.detail) if source.detail else None]
    if source.excerpt:
        words.append(span(source.excerpt, cls="excerpt"))
    if source.url and _WEB.match(source.url):
        return li(a(words, href=source.url, rel="noopener noreferrer nofollow", target="_blank"), id=id)
    return li(span(words, cls="source"), id=id)


def _request(url: str, request: InputRequested) -> FT:
    if request.choices:
        answers = [
            button(raw(marked(each)), cls="button", name="answer", value=each, type="submit")
            for each in request.choices
        ]
        content: Child = fieldset(legend(request.prompt), div(answers, cls="actions"))
    else:
        field_id = f"answer-{request.request_id}"
        field = input_(name="answer", id=field_id, required=True, autocomplete="off")
        press = button("Answer", cls="button", data_kind="primary", type="submit")
        content = [label(request.prompt, for_=field_id), div(field, press, cls="actions")]
    # In a field and not in the path, where a slash or two dots would mean something.
    which = input_(type="hidden", name="request", value=request.request_id)
    return post_form(url, which, content, cls="request")


def _proposal(urls: Urls, run_id: str, view: RunView, script: ScriptProposed) -> FT:
    """Return the line that leads to a script. Its element tells the queue that there is something new."""
    finished = next((each for each in view.finished if each.script_id == script.script_id), None)
    state = finished.state if finished else "queued" if script is view.awaited_script else None
    words = {"queued": "Waits for you", "done": "Done", "rejected": "Rejected", "cancelled": "Cancelled"}
    words |= {"failed": "Failed", "timed-out": "Timed out"}
    id = script_id(run_id, f"proposal:{script.script_id}")
    return chat_proposal(
        icon("script"),
        span("Run Python", [": ", b(raw(marked(script.title)))] if script.title else None, cls="cut", dir="auto"),
        span(words[state], cls="state", data_state=state) if state in words else None,
        a(
            "Review" if state == "queued" else "Open",
            span(f" the script {script.title}", cls="hidden"),
            cls="button",
            data_kind="primary" if state == "queued" else None,
            href=urls.script(run_id, id),
            data_script=id,
        ),
        data_script=id,
        data_state=state or "",
    )


def _failure(view: RunView, retry: FT) -> FT:
    return div(
        icon("alert"),
        p(b("The answer stopped."), " ", view.error or "The agent failed. What it wrote is kept."),
        div(retry, cls="actions"),
        cls="failure",
    )


def _retry(urls: Urls, run_id: str, *words: Child, **attributes: Any) -> FT:
    return post_form(urls.retry(run_id), button(words, **attributes, name="retry", type="submit"), cls="retry")


def _foot(run_id: str, view: RunView, context: TurnContext) -> FT:
    facts = []
    # No time at all is what nobody has measured.
    if view.started_at and view.ended_at and view.started_at < view.ended_at:
        facts.append(seconds(view.started_at, view.ended_at))
    if view.usage:
        facts.append(f"{view.usage.input_tokens + view.usage.output_tokens:,} tokens")
    url, run_url = context.urls.text(run_id), context.urls.run(run_id)
    looks = {"cls": "button", "data_kind": "icon"}
    copy = button(icon("copy"), **looks, type="button", name="copy", data_url=url, aria_label="Copy the answer")
    again = None
    if view.state is RunState.CANCELLED or (context.can_retry and view.state is not RunState.FAILED):
        words = "Answer again" if context.can_retry else "Ask again"
        again = _retry(context.urls, run_id, icon("retry"), **looks, aria_label=words)
    leads = inspects(run_url) if context.inspector else {"href": run_url}
    inspect = a(icon("inspect"), **looks, **leads, name="inspect", aria_label="Inspect this run")
    if view.state.live:
        return footer(inspect, cls="turn-foot")
    return footer(
        copy if view.text else None,
        again,
        inspect,
        span(", ".join(facts), cls="num") if facts else None,
        cls="turn-foot",
    )
