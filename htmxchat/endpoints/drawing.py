"""Parts that the host draws, drawn before a page needs them: functions of the host's may be slow."""

from __future__ import annotations

from collections.abc import Iterable

from ..drawing import Drawings, Order
from ..events import Custom, ToolStarted
from ..fragments.turns.custom import orders
from ..fragments.turns.transcript import run_view
from ..models import Turn
from .call import Call


async def draw_ahead(call: Call, turns: Iterable[Turn]) -> None:
    """Have the host's parts of these turns drawn."""
    drawings, context = call.chat.drawings, call.turn_context
    if drawings is None:
        return
    wanted: list[Order] = []
    for turn in turns:
        if _concerns(drawings, turn):
            view = run_view(turn)
            wanted += orders(turn.id, view, range(len(view.parts)), context)
    await drawings.draw_ahead(wanted)


def _concerns(drawings: Drawings, turn: Turn) -> bool:
    return any(isinstance(body := event.body, Custom | ToolStarted) and body.name in drawings for event in turn.events)
