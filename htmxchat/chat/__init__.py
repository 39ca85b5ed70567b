"""What one mounted chat is made of: its settings, and its backend as one user asks it."""

from .chat import Chat

__all__ = ["Chat"]
