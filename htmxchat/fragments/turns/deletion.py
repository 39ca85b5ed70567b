"""What deletes a message with all that follows it, and what brings it back.

Hooks: `form.delete` with `button[name=delete]`; `#undo-turn`, where `button[name=undo]` stands for a while.
"""

from __future__ import annotations

from ...html import FT, icon, tag
from ...models import Turn
from ...urls import Urls
from ..controls import icon_only, post_form
from .context import TurnContext

button, input_, p = map(tag, ["button", "input", "p"])


def delete_form(turn: Turn, context: TurnContext) -> FT | None:
    """Return what deletes a message; `None` where none can be deleted."""
    if not (context.branching and context.can_delete):
        return None
    press = button(
        icon("trash"), cls="button", name="delete", type="submit", **icon_only("Delete this message and what follows")
    )
    return post_form(context.urls.delete_turn(context.branching, turn.id), press, cls="delete")


def undo_deletion(urls: Urls, conversation_id: str, turn_id: str, head: str = "") -> FT:
    """Return what restores a message; `head` is the last turn that was shown then."""
    return post_form(
        urls.restore_turn(conversation_id, turn_id),
        input_(type="hidden", name="head", value=head) if head else None,
        p("Deleted, with what followed."),
        button("Undo", cls="button", name="undo", type="submit", autofocus=True),
        cls="undo",
    )
