"""Parts that the host draws, drawn before a page needs them: functions of the host's may be slow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..drawing import Drawings, Order
from ..events import Custom, ToolStarted
from ..fragments.turns.context import TurnContext
from ..fragments.turns.custom import orders
from ..fragments.turns.transcript import run_view
from ..models import Turn
from .call import Call


async def drawn(call: Call, turns: Iterable[Turn]) -> TurnContext:
    """Return what these turns are rendered with: the host has drawn its parts of them."""
    drawings, context = call.chat.drawings, call.turn_context
    if drawings is None:
        return context
    wanted: list[Order] = []
    for turn in turns:
        if _concerns(drawings, turn):
            view = run_view(turn)
            wanted += orders(turn.id, view, range(len(view.parts)), context)
    return replace(context, drawings=await drawings.draw(wanted))


def _concerns(drawings: Drawings, turn: Turn) -> bool:
    return drawings.fences_in(turn.text) or any(
        isinstance(body := event.body, Custom | ToolStarted) and body.name in drawings for event in turn.events
    )
