"""The parts of an answer, in the order in which they began.

Hooks: `#body-…` holds them; `#part-…` is one of them. Steps that follow each other stand in one `#steps-…`. In between,
each `.parts` holds so many that a browser that lays out what is new looks at few others, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...html import raw, render, tag
from ...kinds import checked
from ...parts import CustomPart, Part, ProposedScript, Question, Reasoning, SentFiles, Text, ToolCall, is_blank
from ...text.markdown import Budget, MarkdownStream
from ...view import RunView
from ..files import sent_files
from .citations import Citations, linked
from .context import TurnContext
from .custom import custom_part, drawn_tool, is_drawn
from .fences import can_grow, with_diagrams
from .proposals import proposal_part
from .question import question
from .tools import steps, turn_step

div = tag("div")

_TOGETHER = 64
"""What stands in one `.parts`, at most."""


@checked
def turn_parts(run_id: str, view: RunView, context: TurnContext, citations: Citations | None = None) -> str:
    """Return the parts of an answer as HTML; those of an active answer are as they were streamed.

    `citations` gets those of the answer.
    """
    budget, citations = Budget(), Citations(run_id) if citations is None else citations
    drawn = (
        section_html(run_id, view, section, context, budget, citations) for section in sections(view.parts, context)
    )
    return "".join(stretches(list(drawn), 0))


def stretches(drawn: Sequence[str], before: int) -> tuple[str, str]:
    """Return the HTML of what stands together, of which some may be there `before`: what is added to the last `.parts`,
    and those that follow it.
    """
    room = -before % _TOGETHER
    starts = range(room, len(drawn), _TOGETHER)
    added = [f'<div class="parts">{"".join(drawn[start : start + _TOGETHER])}</div>' for start in starts]
    return "".join(drawn[:room]), "".join(added)


def is_step(part: Part, context: TurnContext) -> bool:
    """Return whether a part stands together with the steps around it."""
    return isinstance(part, Reasoning | ToolCall) and not is_drawn(part, context)


def sections(parts: Sequence[Part], context: TurnContext, start: int = 0) -> Iterator[list[int]]:
    """Yield what stands together, as the places of the parts: steps that follow each other, and each other part alone.

    A text that is blank has no place on the page; the last one may still get one.
    """
    group: list[int] = []
    for place in range(start, len(parts)):
        part = parts[place]
        if is_step(part, context):
            group.append(place)
        elif not is_blank(part):
            if group:
                yield group
                group = []
            yield [place]
    if group:
        yield group


def section_html(
    run_id: str, view: RunView, section: Sequence[int], context: TurnContext, budget: Budget, citations: Citations
) -> str:
    """Return what stands together. `budget` is what is left for the code of the answer, and `citations` gets those of
    its text.
    """
    place = section[0]
    part = view.parts[place]
    if isinstance(part, Text):
        return linked(_text(run_id, view, place, part.text, context, budget, citations), run_id, view.sources)
    if is_step(part, context):
        return render(steps(run_id, view, section, context))
    return part_html(run_id, view, place, context)


def part_html(run_id: str, view: RunView, place: int, context: TurnContext) -> str:
    """Return a part that is no text; empty when nothing of it shows."""
    match view.parts[place]:
        case CustomPart() as part:
            return render(custom_part(part_id(run_id, place), run_id, part, context))
        case ToolCall() as call if is_drawn(call, context):
            return render(drawn_tool(part_id(run_id, place), run_id, call, context))
        case Reasoning() | ToolCall() as step:
            return render(turn_step(part_id(run_id, place), step, context))
        case ProposedScript() as part:
            box = proposal_part(run_id, part.script, view.script(part), context)
            return render(div(box, id=part_id(run_id, place))) if box else ""
        case SentFiles(files=files):
            return render(sent_files(files, context.urls, id=part_id(run_id, place)))
        case Question() as part:
            return render(question(part_id(run_id, place), run_id, part, context))
    raise AssertionError("A text is drawn as blocks.")


def text_html(run_id: str, place: int, blocks: Sequence[str]) -> str:
    """Return a text of an answer, of its blocks. One without any keeps what stands around it apart."""
    return render(div(raw("".join(blocks)), cls="prose", id=part_id(run_id, place)))


def _text(
    run_id: str, view: RunView, place: int, text: str, context: TurnContext, budget: Budget, citations: Citations
) -> str:
    """Return a text; an open one is as it was streamed."""
    if can_grow(view, place):
        stream = MarkdownStream(context.markdown, budget)
        stream.append(text)
        blocks = [citations.number(block, place) for block in (*stream.settled(), *stream.open())]
    else:
        shown = context.markdown.shown(text, budget)
        blocks = [citations.number(block.html, place) for block in shown]
        blocks = with_diagrams(part_id(run_id, place), run_id, blocks, shown, context)
    return text_html(run_id, place, blocks)


def part_id(run_id: str, place: int) -> str:
    return f"part-{run_id}-{place}"
