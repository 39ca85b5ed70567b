"""The demo's form and its approval: a notice to customers."""

from __future__ import annotations

from typing import Any

from ..asking import Approval
from ..events import InputRequested

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "The notice is written from this.",
    "properties": {
        "subject": {"type": "string", "minLength": 5, "maxLength": 80, "default": "Some mails arrived late today"},
        "reply_to": {"type": "string", "format": "email"},
        "mails": {"type": "integer", "title": "Mails affected", "minimum": 1, "maximum": 100_000, "default": 1_904},
        "send_on": {"type": "string", "format": "date"},
        "who": {
            "title": "Who gets it",
            "oneOf": [
                {"const": "late", "title": "Customers with a late mail"},
                {"const": "all", "title": "All customers"},
            ],
            "default": "late",
        },
        "status_page": {"type": "boolean", "title": "Post it on the status page", "default": True},
        "ways": {"type": "array", "title": "How", "items": {"enum": ["mail", "text message", "banner"]}, "minItems": 1},
        "text": {"type": "string", "title": "What to say", "maxLength": 2_000},
        "contact": {
            "type": "object",
            "title": "Who can be called",
            "properties": {"name": {"type": "string"}, "phone": {"type": "string", "pattern": "^[0-9 +]{5,20}$"}},
            "required": ["name"],
        },
    },
    "required": ["subject", "reply_to", "who", "ways"],
}
ASKED = InputRequested("notice", "What shall customers be told about the late mails?", schema=SCHEMA, decline="Decline")
_ARGUMENTS = {
    "type": "object",
    "properties": {
        "to": {"enum": ["late", "all"]},
        "batch": {"type": "integer", "minimum": 1, "maximum": 500},
        "subject": {"type": "string", "minLength": 5, "maxLength": 80},
    },
    "required": ["to", "batch", "subject"],
}


def leave(notice: dict[str, Any]) -> InputRequested:
    """Return the question whether a notice may be sent."""
    arguments = {"to": notice.get("who"), "batch": 100, "subject": notice.get("subject")}
    return InputRequested("send", "Send the notice now?", approval=Approval("send_notice", arguments, _ARGUMENTS))
