"""Converts Markdown to safe HTML, whole or streamed.

The text is CommonMark with GitHub's tables, task lists, strikethrough and bare links, parsed by pyromark. This package
writes every tag of the result from the parser's events and escapes everything else. So the text cannot produce a tag,
attribute or URL scheme that this package does not write, and every tag is closed. `docs/explanation/markdown.md` lists
what is allowed and why.
"""

from .document import Fence, Markdown, Shown
from .renderer import Budget
from .stream import MarkdownStream

__all__ = ["Budget", "Fence", "Markdown", "MarkdownStream", "Shown"]
