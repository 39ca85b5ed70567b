"""One mounted chat: its settings, and its backend bound to a user."""

from .chat import Chat

__all__ = ["Chat"]
