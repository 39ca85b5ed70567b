"""Markdown to safe HTML, whole or while it streams.

The text is CommonMark with GitHub's tables, task lists, strikethrough and bare links, parsed by pyromark. Every tag
of the result is written here, from the parser's events, and everything else is escaped; so the text cannot choose a
tag, an attribute or a URL scheme that this package does not name, and what is opened is always closed.
`docs/explanation/markdown.md` says what is let through and why.
"""

from .document import Markdown
from .renderer import Budget
from .stream import MarkdownStream

__all__ = ["Budget", "Markdown", "MarkdownStream"]
