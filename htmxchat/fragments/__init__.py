"""HTML from domain values: pure functions that a host can use in its own pages too.

Each takes what it shows and `Urls` for its links, and returns a FastHTML component. None takes a request.
"""

from .composer import Hold, composer, composer_actions, hold
from .conversation import conversation, rename_form, title_heading
from .history.menus import Actions
from .history.room import history
from .history.rows import history_items, history_list
from .icons import sprite
from .login import leaving_page, sign_in_link, sign_in_page, sign_out_form, sign_out_link
from .shell import (
    Frame,
    Side,
    message_page,
    notice,
    page,
    resources,
    side_closer,
    side_opener,
    side_room,
    status_line,
)
from .turns.context import TurnContext
from .turns.transcript import log, transcript, turn

__all__ = [
    "Actions",
    "Frame",
    "Hold",
    "Side",
    "TurnContext",
    "composer",
    "composer_actions",
    "conversation",
    "history",
    "history_items",
    "history_list",
    "hold",
    "leaving_page",
    "log",
    "message_page",
    "notice",
    "page",
    "rename_form",
    "resources",
    "side_closer",
    "side_opener",
    "side_room",
    "sign_in_link",
    "sign_in_page",
    "sign_out_form",
    "sign_out_link",
    "sprite",
    "status_line",
    "title_heading",
    "transcript",
    "turn",
]
