"""The steps of an answer: what the agent did around its words, to be unfolded.

Hooks: `#step-…`.
"""

from __future__ import annotations

import json
from datetime import datetime

from ..cleaning import shallow
from ..confusing import marked
from ..html import FT, raw, tag
from ..inspection.meanings import gist
from ..view import Reasoning, RunView, Step, ToolCall
from ..words import STEPS

details, summary, code, p, pre, span = map(tag, ["details", "summary", "code", "p", "pre", "span"])

_LONGEST_ARGUMENTS = 4_000


def turn_steps(run_id: str, view: RunView, *, arguments: bool = True) -> list[FT]:
    """Return what the agent did around its words."""
    return [turn_step(run_id, index, step, arguments=arguments) for index, step in enumerate(view.steps)]


def turn_step(run_id: str, index: int, step: Step, *, arguments: bool = True) -> FT:
    """Return a stretch of reasoning or a tool call, to be unfolded.

    Without `arguments`, a call is its line alone, with no words but those that the agent gave it.
    """
    id = f"step-{run_id}-{index}"
    chevron = tag("svg")(tag("use")(href="#i-chevron"), cls="icon chevron", aria_hidden="true")
    if isinstance(step, Reasoning):
        head = "Thinking" if step.ended_at is None else f"Thought for {seconds(step.started_at, step.ended_at)}"
        return details(summary(chevron, head), p(step.text, cls="detail", dir="auto"), id=id)
    took = seconds(step.started_at, step.ended_at) if step.ended_at and step.started_at < step.ended_at else None
    asked, found = step.summary, step.found
    if arguments:
        asked, found = asked or gist(shallow(step.arguments)), found or gist(shallow(step.problem))
    line = [
        code(raw(marked(step.name))),
        span(raw(marked(asked)), cls="cut", dir="auto"),
        span(found or STEPS[step.state], cls="state", dir="auto"),
        span(took, cls="num quiet") if took else None,
    ]
    if not arguments:
        return p(line, cls="step", id=id, data_state=step.state.value)
    return details(
        summary(chevron, line),
        pre(raw(marked(_json(step))), cls="detail", tabindex="0"),
        id=id,
        data_state=step.state.value,
    )


def _json(call: ToolCall) -> str:
    if call.arguments is None:
        return "No arguments"
    arguments = shallow(call.arguments)
    text = json.dumps(arguments, ensure_ascii=False)
    if len(text) > _LONGEST_ARGUMENTS:
        return f"{text[:_LONGEST_ARGUMENTS]}…"
    # Indented only when it is short: nested deep, white space is a hundred times what it holds.
    return json.dumps(arguments, ensure_ascii=False, indent=2)[: 10 * _LONGEST_ARGUMENTS]


def seconds(start: datetime, end: datetime) -> str:
    """Return how long something took, in words."""
    took = max(0.0, (end - start).total_seconds())
    if took < 60:
        return f"{took:.1f} s" if took >= 1 else f"{took:.2f} s"
    minutes, rest = divmod(round(took), 60)
    return f"{minutes} min {rest} s"
