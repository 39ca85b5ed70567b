"""The page around turns that are only read. It runs nothing; as a file it also loads nothing.

Hooks: `main.reading`, with the turns in `.turns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ...html import Child, render, tag
from ..icons import sprite

header, h1, p, link, meta = map(tag, ["header", "h1", "p", "link", "meta"])

# Whatever an agent wrote, a browser shows it and does nothing else with it.
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"


def file_head(title: str, facts: Sequence[str], styles: str) -> str:
    """Return the beginning of a file with turns, to which `TAIL` is the end.

    Args:
        facts: What is to be said of it, a line each.
        styles: The style sheet, which is in the file.
    """
    policy = f'<meta http-equiv="Content-Security-Policy" content="{escape(FILE_POLICY)}">'
    # Nothing in our own style sheet ends the element.
    return _head(title, facts, f"{policy}<style>{styles}</style>")


def page_head(title: str, facts: Sequence[str], stylesheets: Sequence[str]) -> str:
    """Return the beginning of a page with turns that no search engine is to keep; `TAIL` is its end."""
    robots = meta(name="robots", content="noindex, nofollow, noarchive, nosnippet")
    referrer = meta(name="referrer", content="no-referrer")
    sheets = [link(rel="stylesheet", href=each) for each in stylesheets]
    return _head(title, facts, render(robots, referrer, sheets))


TAIL = "</div></main></body></html>\n"


def _head(title: str, facts: Sequence[str], inside: str) -> str:
    said: Child = [p(fact, cls="meta", dir="auto") for fact in facts]
    return (
        '<!doctype html><html lang="en" data-chat="reading"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title>{inside}</head>'
        f'<body class="htmxchat">{render(sprite())}<main class="reading column">'
        f'{render(header(h1(title, dir="auto"), said))}<div class="turns">'
    )
