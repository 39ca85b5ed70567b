"""The transcript: turns, and the parts of a turn that change while it is written.

Hooks: `article.turn` with `id="turn-…"`, `data-role` and `data-state`; inside it `#steps-…`, `#body-…` and `#tail-…`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ..events import InputRequested, ScriptProposed, Source
from ..html import FT, Child, icon, raw, tag
from ..markdown import Markdown, MarkdownStream
from ..models import RunState, Transcript, Turn
from ..script_states import script_id
from ..urls import Urls
from ..view import Reasoning, RunView, Step, ToolCall, fold

a, b, p = tag("a"), tag("b"), tag("p")
article, div, span, footer, h2 = tag("article"), tag("div"), tag("span"), tag("footer"), tag("h2")
details, summary, code, pre = tag("details"), tag("summary"), tag("code"), tag("pre")
form, button, label, input_ = tag("form"), tag("button"), tag("label"), tag("input")
fieldset, legend = tag("fieldset"), tag("legend")
ol, li, time_, noscript, chat_live = tag("ol"), tag("li"), tag("time"), tag("noscript"), tag("chat-live")
chat_proposal = tag("chat-proposal")

_WEB = re.compile(r"https?://[^/]", re.IGNORECASE)
_LONGEST_ARGUMENTS = 4_000

_WORDS = {
    RunState.QUEUED: "Waiting to start",
    RunState.RUNNING: "Answering",
    RunState.STOPPING: "Stopping",
    RunState.COMPLETED: "Complete",
    RunState.CANCELLED: "Stopped",
    RunState.FAILED: "Failed",
    RunState.SUSPENDED: "Waits for you",
}


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What turns need besides themselves.

    Attributes:
        stream: How a live turn gets its news.
        poll_interval: Seconds between two polls.
        can_retry: Whether the backend can answer the same turn again.
        agent: What the other side is called.
        text_limit: The longest message, in characters.
        can_run_scripts: Whether there is a queue for the scripts that the agent proposes.
        inspector: Whether the page has the room in which a run is inspected; else the link leads to the chat's page.
    """

    urls: Urls
    markdown: Markdown
    stream: Literal["sse", "poll"] = "sse"
    poll_interval: float = 0.7
    can_retry: bool = False
    agent: str = "Agent"
    text_limit: int = 20_000
    can_run_scripts: bool = False
    inspector: bool = False


def transcript(transcript: Transcript, context: TurnContext) -> list[FT]:
    """Return the turns of a conversation, oldest first."""
    return [turn(each, context) for each in transcript.turns]


def turn(turn: Turn, context: TurnContext) -> FT:
    """Return one turn. A live one carries the element that keeps it up to date."""
    if turn.run is None:
        return article(
            h2("You, ", moment(turn.created_at), cls="hidden"),
            div(turn.text, cls="turn-body", dir="auto"),
            id=f"turn-{turn.id}",
            cls="turn",
            data_role="user",
            data_state="completed",
        )
    view = run_view(turn)
    return turn_article(
        turn.run.id,
        view,
        h2(f"{context.agent}, ", moment(turn.created_at), cls="hidden"),
        div(turn_steps(turn.run.id, view), cls="ledger", id=f"steps-{turn.run.id}"),
        div(raw("".join(turn_blocks(view, context.markdown))), cls="turn-body", id=f"body-{turn.run.id}", dir="auto"),
        turn_tail(turn.run.id, view, context),
        live(turn.run.id, view.last_seq, context) if view.state.live else None,
    )


def run_view(turn: Turn) -> RunView:
    """Return the view of an assistant turn's run."""
    return fold(turn.events)


def turn_article(run_id: str, view: RunView, *children: Child) -> FT:
    """Return the `article` of an assistant turn."""
    return article(
        *children,
        id=f"turn-{run_id}",
        cls="turn",
        data_role="assistant",
        data_state=RunState.SUSPENDED.value if view.request or view.awaited_script else view.state.value,
        aria_busy="true" if view.state.live else None,
    )


def turn_blocks(view: RunView, markdown: Markdown) -> list[str]:
    """Return the answer as HTML, one element a block; the blocks of a live answer are those that were streamed."""
    if not view.state.live:
        return markdown.blocks(view.text)
    stream = MarkdownStream(markdown)
    stream.append(view.text)
    return [*stream.settled(), *stream.open()]


def turn_steps(run_id: str, view: RunView) -> list[FT]:
    """Return what the agent did around its words."""
    return [turn_step(run_id, index, step) for index, step in enumerate(view.steps)]


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
            stage = _WORDS[RunState.QUEUED]
        if stage:
            children.append(p(span(stage, cls="state", data_state=view.state.value), cls="stage"))
    if view.state is RunState.FAILED:
        children.append(_failure(view, _retry(urls, run_id, "Try again") if context.can_retry else None))
    if view.state is RunState.CANCELLED:
        children.append(p(span("Stopped", cls="state"), cls="stopped"))
    children.append(_foot(run_id, view, context))
    return div(children, cls="turn-tail", id=f"tail-{run_id}")


def live(run_id: str, after: int | None, context: TurnContext, **rows: object) -> FT:
    """Return the element that keeps a live turn up to date, by a stream or by polling.

    Args:
        rows: Fields of the address that ask for the inspector's rows too.
    """
    urls = context.urls
    if context.stream == "sse":
        url = urls.stream(run_id, after, **rows)
        how = {"hx-sse:connect": url, "hx-sse:close": "end", "hx-trigger": "load, chat:connect"}
    else:
        url = urls.poll(run_id, after, **rows)
        how = {"hx-get": url, "hx-trigger": f"every {round(context.poll_interval * 1000)}ms"}
    return chat_live(
        p("Connection lost. Trying to reach the agent again…", cls="connection", hidden=True),
        noscript(p(a("Reload the page", href=""), " to see more of the answer.")),
        id=f"live-{run_id}",
        data_run=run_id,
        data_poll=urls.poll(run_id),
        data_interval=str(round(context.poll_interval * 1000)),
        attrs={**how, "hx-swap": "none"},
    )


def turn_lost(run_id: str, sentence: str, context: TurnContext) -> FT:
    """Return what stands below an answer that cannot be followed any more, though its run may go on."""
    again = a(icon("retry"), "Look again", cls="button", href=context.urls.run(run_id))
    words = p(b("The connection to the agent was lost."), " ", sentence)
    return div(
        div(icon("alert"), words, div(again, cls="actions"), cls="failure"),
        cls="turn-tail",
        id=f"tail-{run_id}",
    )


def status_text(view: RunView) -> str:
    """Return the sentence for the page's one live region."""
    if view.request is not None:
        return "The agent asks you something."
    if view.awaited_script is not None:
        return "The agent wants to run Python and waits for you."
    return {
        RunState.COMPLETED: "The answer is complete.",
        RunState.CANCELLED: "The answer was stopped.",
        RunState.FAILED: "The answer failed.",
        RunState.SUSPENDED: "The agent waits for you.",
        RunState.STOPPING: "Stopping the answer.",
    }.get(view.state, "The agent is answering.")


def moment(at: datetime) -> FT:
    """Return a time; the page's script rewrites its text in the reader's zone and language."""
    at = at.astimezone(UTC)
    return time_(f"{at:%H:%M} UTC", datetime=at.isoformat(timespec="seconds"))


def turn_step(run_id: str, index: int, step: Step) -> FT:
    """Return a stretch of reasoning or a tool call, to be unfolded."""
    id = f"step-{run_id}-{index}"
    chevron = tag("svg")(tag("use")(href="#i-chevron"), cls="icon chevron", aria_hidden="true")
    if isinstance(step, Reasoning):
        head = "Thinking" if step.ended_at is None else f"Thought for {_seconds(step.started_at, step.ended_at)}"
        return details(summary(chevron, head), p(step.text, cls="detail"), id=id)
    took = None if step.ended_at is None else _seconds(step.started_at, step.ended_at)
    words = {RunState.RUNNING: "Running", RunState.FAILED: "Failed", RunState.CANCELLED: "Stopped"}
    return details(
        summary(
            chevron,
            code(step.name),
            span(step.summary, cls="cut"),
            span(step.found or words.get(step.state, "Done"), cls="state"),
            span(took, cls="num quiet") if took else None,
        ),
        pre(_json(step), cls="detail", tabindex="0"),
        id=id,
        data_state=step.state.value,
    )


def _json(call: ToolCall) -> str:
    if call.arguments is None:
        return "No arguments"
    text = json.dumps(call.arguments, ensure_ascii=False)
    if len(text) > _LONGEST_ARGUMENTS:
        return f"{text[:_LONGEST_ARGUMENTS]}…"
    # Indented only when it is short: nested deep, white space is a hundred times what it holds.
    return json.dumps(call.arguments, ensure_ascii=False, indent=2)[: 10 * _LONGEST_ARGUMENTS]


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
        answers = [button(each, cls="button", name="answer", value=each, type="submit") for each in request.choices]
        content: Child = fieldset(legend(request.prompt), div(answers, cls="actions"))
    else:
        field_id = f"answer-{request.request_id}"
        field = input_(name="answer", id=field_id, required=True, autocomplete="off")
        press = button("Answer", cls="button", data_kind="primary", type="submit")
        content = [label(request.prompt, for_=field_id), div(field, press, cls="actions")]
    # In a field and not in the path, where a slash or two dots would mean something.
    which = input_(type="hidden", name="request", value=request.request_id)
    return form(which, content, cls="request", method="post", action=url, hx_post=url, hx_swap="none")


def _proposal(urls: Urls, run_id: str, view: RunView, script: ScriptProposed) -> FT:
    """Return the line that leads to a script. Its element tells the queue that there is something new."""
    finished = next((each for each in view.finished if each.script_id == script.script_id), None)
    state = finished.state if finished else "queued" if script is view.awaited_script else None
    words = {"queued": "Waits for you", "done": "Done", "rejected": "Rejected", "cancelled": "Cancelled"}
    words |= {"failed": "Failed", "timed-out": "Timed out"}
    id = script_id(run_id, f"proposal:{script.script_id}")
    return chat_proposal(
        icon("script"),
        span("Run Python", [": ", b(script.title)] if script.title else None, cls="cut", dir="auto"),
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


def _failure(view: RunView, retry: Child) -> FT:
    return div(
        icon("alert"),
        p(b("The answer stopped."), " ", view.error or "The agent failed. What it wrote is kept."),
        div(retry, cls="actions") if retry else None,
        cls="failure",
    )


def _retry(urls: Urls, run_id: str, words: str) -> FT:
    url = urls.retry(run_id)
    press = button(icon("retry"), words, cls="button", name="retry", type="submit")
    return form(press, cls="retry", method="post", action=url, hx_post=url, hx_swap="none")


def _foot(run_id: str, view: RunView, context: TurnContext) -> FT:
    facts = []
    if view.started_at and view.ended_at:
        facts.append(_seconds(view.started_at, view.ended_at))
    if view.usage:
        facts.append(f"{view.usage.input_tokens + view.usage.output_tokens:,} tokens")
    url, run_url = context.urls.text(run_id), context.urls.run(run_id)
    looks = {"cls": "button", "data_kind": "icon"}
    copy = button(icon("copy"), **looks, type="button", name="copy", data_url=url, aria_label="Copy the answer")
    again = None
    if context.can_retry and view.state is not RunState.FAILED:
        url = context.urls.retry(run_id)
        press = button(icon("retry"), **looks, type="submit", name="retry", aria_label="Answer again")
        again = form(press, cls="retry", method="post", action=url, hx_post=url, hx_swap="none")
    swaps = {"hx_get": run_url, "hx_target": "#inspector", "hx_swap": "outerHTML", "hx_push_url": "true"}
    inspect = a(
        icon("inspect"), **looks, name="inspect", href=run_url, aria_label="Inspect this run",
        **(swaps if context.inspector else {}),
    )  # fmt: skip
    if view.state.live:
        return footer(inspect, cls="turn-foot")
    return footer(
        copy if view.text else None,
        again,
        inspect,
        span(", ".join(facts), cls="num") if facts else None,
        cls="turn-foot",
    )


def _seconds(start: datetime, end: datetime) -> str:
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
