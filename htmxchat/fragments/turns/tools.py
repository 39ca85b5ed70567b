"""The steps of an answer: what the agent thought and called, each to be unfolded.

Hooks: `.ledger`, with `data-over` once none can follow; inside it `.fold`, the line that many fold to, and `.step`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...events import JSON
from ...html import FT, Child, icon, raw, tag
from ...inspection.meanings import gist
from ...models import RunState
from ...parts import Reasoning, Step, ToolCall, is_blank
from ...state_words import STEPS
from ...text.cleaning import shallow
from ...text.confusing import marked
from ...text.phrases import count, cut
from ...text.redaction import redact, redact_text
from ...view import RunView
from ..times import lasted
from .context import TurnContext

code, dd, details, div, dl, dt, p, pre = map(tag, ["code", "dd", "details", "div", "dl", "dt", "p", "pre"])
span, summary = tag("span"), tag("summary")

_MAX_LENGTH = 4_000
_LINE = 300

FEW = 4
"""So many steps stand in the open; more are folded once something follows them."""


def steps(run_id: str, view: RunView, places: Sequence[int], context: TurnContext) -> FT:
    """Return steps that follow each other."""
    first, over = places[0], is_over(view, places[-1])
    found = [_step(view, place) for place in places]
    rows = [turn_step(f"part-{run_id}-{place}", step, context) for place, step in zip(places, found, strict=True)]
    fold = steps_fold(run_id, first, steps_gist(StepsTotal().plus(*found), over=over)) if len(places) > FEW else None
    return steps_group(run_id, first, fold, rows, over=over)


def steps_group(run_id: str, first: int, *children: Child, over: bool) -> FT:
    """Return the element around steps; `over` says that none will follow."""
    return div(*children, cls="ledger", id=f"steps-{run_id}-{first}", data_over=over)


def steps_fold(run_id: str, first: int, gist: Child) -> FT:
    """Return the line that many steps fold to: what folds are its siblings, so that none is sent again."""
    return details(summary(gist), cls="fold", id=f"fold-{run_id}-{first}")


@dataclass(frozen=True, slots=True)
class StepsTotal:
    """What many steps are together, added up as they come.

    Attributes:
        began: When the first one did.
        ended: When the latest did; one that has not yet, began.
    """

    steps: int = 0
    calls: int = 0
    failed: int = 0
    began: datetime | None = None
    ended: datetime | None = None

    def plus(self, *steps: Step) -> StepsTotal:
        """Return the total with steps that follow."""
        if not steps:
            return self
        calls = [step for step in steps if isinstance(step, ToolCall)]
        ends = [_latest(step) for step in steps]
        return StepsTotal(
            self.steps + len(steps),
            self.calls + len(calls),
            self.failed + sum(map(_failed, calls)),
            self.began or steps[0].started_at,
            max(ends if self.ended is None else [self.ended, *ends]),
        )

    def changed(self, before: Step, after: Step, *, first: bool) -> StepsTotal:
        """Return the total after one of its steps has changed; `first` says that it is the first."""
        assert self.ended is not None
        return replace(
            self,
            failed=self.failed + _failed(after) - _failed(before),
            began=after.started_at if first else self.began,
            ended=max(self.ended, _latest(after)),
        )


def _latest(step: Step) -> datetime:
    return step.started_at if step.ended_at is None else max(step.started_at, step.ended_at)


def _failed(step: Step) -> bool:
    return step.state is RunState.FAILED if isinstance(step, ToolCall) else False


def steps_gist(total: StepsTotal, *, over: bool) -> list[Child]:
    """Return what many steps are, in a few words; as long as more can follow, at a cost that does not grow."""
    if not over:
        return [_chevron(), span(f"{total.steps} steps so far")]
    assert total.began is not None and total.ended is not None
    took = lasted(total.began, total.ended)
    words = f"Used {count(total.calls, 'tool')}" if total.calls else f"Thought {count(total.steps, 'time')}"
    return [
        _chevron(),
        span(f"{words} in {took}" if took else words),
        span(f"{total.failed} failed", cls="state", data_state="failed") if total.failed else None,
    ]


def _step(view: RunView, place: int) -> Step:
    step = view.parts[place]
    assert isinstance(step, Step)
    return step


def is_over(view: RunView, last: int) -> bool:
    """Return whether no step can follow the one at the place `last` directly any more."""
    after = (view.parts[place] for place in range(last + 1, len(view.parts)))
    return not view.state.live or not all(map(is_blank, after))


def turn_step(id: str, step: Step, context: TurnContext) -> FT:
    """Return a stretch of reasoning or a tool call, to be unfolded.

    If runs cannot be inspected, a call is only one line, with the words of the agent.
    """
    if isinstance(step, Reasoning):
        return details(thought_summary(step), p(step.text, cls="detail", dir="auto"), cls="step", id=id)
    open_to_all = context.inspector is not None
    took = lasted(step.started_at, step.ended_at) if step.ended_at else ""
    asked, found = step.summary, step.found
    if open_to_all:
        problem = step.result if step.state is RunState.FAILED else None
        asked, found = asked or gist(shallow(step.arguments)), found or gist(shallow(problem))
    line = [
        code(raw(marked(step.name, _LINE))),
        span(raw(marked(asked, _LINE)), cls="cut", dir="auto"),
        span(raw(marked(found or STEPS[step.state], _LINE)), cls="state", dir="auto"),
        span(took, cls="num quiet") if took else None,
    ]
    facts = {"cls": "step", "id": id, "data_state": step.state.value, "data_parallel": step.parallel}
    if not open_to_all:
        return p(line, **facts)
    return details(summary(_chevron(), line), dl(_io(step), cls="io"), **facts)


def thought_summary(step: Reasoning) -> FT:
    """Return the line of a stretch of reasoning."""
    took = "" if step.ended_at is None else lasted(step.started_at, step.ended_at)
    head = "Thinking" if step.ended_at is None else f"Thought for {took}" if took else "Thought"
    return summary(_chevron(), head)


def record(name: Child, label: str, value: JSON, context: TurnContext) -> FT:
    """Return a named value of a run, folded; only its name if runs cannot be inspected."""
    if context.inspector is None:
        return p(code(name), cls="step")
    line = [code(name), span(raw(marked(gist(shallow(value)))), cls="cut", dir="auto")]
    return details(summary(_chevron(), line), dl(dt(label), dd(_value(value)), cls="io"), cls="step")


def _chevron() -> FT:
    return icon("chevron", "icon chevron")


def _io(call: ToolCall) -> list[Child]:
    said: list[Child] = [dt("Arguments"), dd(_value(call.arguments))]
    if call.ended_at and call.state is not RunState.CANCELLED:
        said += [dt("Error" if call.state is RunState.FAILED else "Result"), dd(_value(call.result))]
    return said


def _value(value: JSON) -> FT:
    if value is None:
        return p("None", cls="quiet")
    text = redact_text(cut(value, _MAX_LENGTH)) if isinstance(value, str) else _json(value)
    return pre(raw(marked(text)), tabindex="0")


def _json(value: JSON) -> str:
    value = redact(shallow(value))
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > _MAX_LENGTH:
        return cut(text, _MAX_LENGTH)
    # Indented only when it is short: nested deep, white space is a hundred times what it holds.
    return json.dumps(value, ensure_ascii=False, indent=2)[: 10 * _MAX_LENGTH]
