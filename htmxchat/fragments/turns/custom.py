"""Parts that are drawn by functions of the host's, and the records of those that no function draws.

Hooks: `.card[data-name]`, around what the host draws; with `data-failed` when it could not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...drawing import Order, PartContext
from ...html import FT, raw, tag
from ...models import RunState
from ...parts import CustomPart, Part, Text, ToolCall
from ...text.confusing import marked
from ...view import RunView
from .context import TurnContext
from .fences import can_grow, fence_orders
from .tools import record, turn_step

b, div, p, section = map(tag, ["b", "div", "p", "section"])


def is_drawn(part: Part, context: TurnContext) -> bool:
    """Return whether a function of the host's draws this: a custom part, or the result of a tool."""
    return context.drawings is not None and isinstance(part, CustomPart | ToolCall) and part.name in context.drawings


def orders(run_id: str, view: RunView, places: Iterable[int], context: TurnContext) -> Iterator[Order]:
    """Yield what the host is to draw of the parts at these places."""
    for place in places:
        id, part = f"part-{run_id}-{place}", view.parts[place]
        if isinstance(part, Text):
            if not can_grow(view, place):
                yield from fence_orders(id, run_id, part.text, context)
            continue
        order = _order(id, run_id, part, context)
        if order is not None:
            yield order


def custom_part(id: str, run_id: str, part: CustomPart, context: TurnContext) -> FT:
    """Return a custom part as the host draws it, or its record."""
    order = _order(id, run_id, part, context)
    return _record(id, part, context) if order is None else _card(id, order, context)


def drawn_tool(id: str, run_id: str, call: ToolCall, context: TurnContext) -> FT:
    """Return a tool call whose result the host draws: the call, and below it the result once it is there."""
    step = turn_step(f"call-{id}", call, context)
    return div(div(step, cls="ledger", data_over=True), drawn_result(id, run_id, call, context), cls="drawn", id=id)


def drawn_result(id: str, run_id: str, call: ToolCall, context: TurnContext) -> FT | None:
    """Return what the host draws of a tool's result, if it does and the tool has succeeded."""
    order = _order(id, run_id, call, context)
    return None if order is None else _card(order.context.id, order, context)


def _order(id: str, run_id: str, part: Part, context: TurnContext) -> Order | None:
    if not is_drawn(part, context):
        return None
    root, shared = context.urls.host, context.shared
    if isinstance(part, CustomPart):
        return Order(PartContext(part.name, id, run_id, part.key, root=root, shared=shared), part.data)
    assert isinstance(part, ToolCall)
    if part.state is not RunState.COMPLETED:
        return None
    about = PartContext(part.name, f"card-{id}", run_id, arguments=part.arguments, root=root, shared=shared)
    return Order(about, part.result)


def _card(id: str, order: Order, context: TurnContext) -> FT:
    assert context.drawings is not None
    drawing, failed = context.drawings.get(order), None
    content = raw(drawing.html)
    if drawing.problem:
        # What is wrong with the function is for those who look after the chat.
        why = p(drawing.problem, cls="quiet") if context.inspector else None
        content, failed = div(p(b("This part of the answer cannot be shown.")), why), True
    return section(content, cls="box card", id=id, data_name=order.context.name, data_failed=failed)


def _record(id: str, part: CustomPart, context: TurnContext) -> FT:
    return div(record(raw(marked(part.name, 200)), "Data", part.data, context), cls="ledger", id=id, data_over=True)
