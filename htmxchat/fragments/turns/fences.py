"""Fenced code that a function of the host's draws: a diagram in the place of its text.

Hooks: `.card[data-name]`, whose name begins with three backticks, around the drawing and the code that it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...drawing import FENCE, Order, PartContext
from ...html import raw, render, tag
from ...parts import Text
from ...text.markdown import Fence, Shown
from ...view import RunView
from .context import TurnContext

details, section, summary = map(tag, ["details", "section", "summary"])


def can_grow(view: RunView, place: int) -> bool:
    """Return whether this is a text that more can be written to as it stands."""
    part = view.parts[place]
    return isinstance(part, Text) and not part.blank and view.state.live and place == len(view.parts) - 1


def fence_orders(id: str, run_id: str, text: str, context: TurnContext) -> Iterator[Order]:
    """Yield what the host is to draw of a text that is complete; `id` is that of its part."""
    if context.drawings is None or not context.drawings.fences_in(text):
        return
    for number, fence in enumerate(context.markdown.fences(text)):
        if (order := _order(id, run_id, number, fence, context)) is not None:
            yield order


def with_diagrams(
    id: str, run_id: str, blocks: Sequence[str], shown: Iterable[Shown], context: TurnContext
) -> list[str]:
    """Return the blocks of a complete text, with what the host draws in the place of their code.

    Where it could not, the code stays.
    """
    drawn, number = [], 0
    for block, each in zip(blocks, shown, strict=True):
        order = None
        if each.fence is not None:
            order = _order(id, run_id, number, each.fence, context)
            number += 1
        drawn.append(block if order is None else _diagram(order, block, context))
    return drawn


def _order(id: str, run_id: str, number: int, fence: Fence, context: TurnContext) -> Order | None:
    name = f"{FENCE}{fence.language.lower()}"
    if context.drawings is None or name not in context.drawings:
        return None
    where = PartContext(name, f"card-{id}-{number}", run_id, root=context.urls.host, shared=context.shared)
    return Order(where, fence.code)


def _diagram(order: Order, block: str, context: TurnContext) -> str:
    assert context.drawings is not None
    drawing = context.drawings.get(order)
    if drawing.problem or not drawing.html:
        return block
    code = details(summary("Code"), raw(block))
    return render(section(raw(drawing.html), code, cls="box card", id=order.context.id, data_name=order.context.name))
