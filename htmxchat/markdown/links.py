"""Links: what may be one, and how it is written."""

from __future__ import annotations

import re
from html import escape

LINK = re.compile(r"(?:https?://[^/?#\\]|mailto:)", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")

# Bare links, https://github.github.com/gfm/#autolinks-extension-. Possessive, so that no text makes them backtrack.
_DOMAIN = r"[\w-]++(?:\.[\w-]++)++"
_BARE_LINK = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?:https?://|(?P<www>www\.))(?P<host>{_DOMAIN})[^\s<]*+)"
    rf"|(?<![A-Za-z0-9._+-])(?P<email>[A-Za-z0-9._+-]++@{_DOMAIN}(?<![-_]))"
)


def with_links(text: str) -> str:
    """Escape text and make links of the bare URLs and email addresses in it."""
    out: list[str] = []
    position = 0
    for match in _BARE_LINK.finditer(text):
        if "_" in "".join((match["host"] or "").split(".")[-2:]):
            continue
        end = match.end() if match["email"] else _end_of_url(text, *match.span())
        shown = text[match.start() : end]
        scheme = "mailto:" if match["email"] else "http://" if match["www"] else ""
        out += escape(text[position : match.start()]), anchor(scheme + shown), escape(shown), "</a>"
        position = end
    return "".join([*out, escape(text[position:])])


def _end_of_url(text: str, start: int, end: int) -> int:
    """Leave out punctuation after a bare URL, and closing parentheses that have no opening one in it."""
    extra = text.count(")", start, end) - text.count("(", start, end)
    while text[end - 1] in "?!.,:*_~'\"" or (text[end - 1] == ")" and extra > 0):
        end -= 1
        extra -= text[end] == ")"
    return end


def anchor(url: str, title: str = "") -> str:
    return f'<a href="{url_attribute(url)}"{title_attribute(title)} target="_blank" rel="noopener noreferrer nofollow">'


def title_attribute(title: str) -> str:
    return f' title="{escape(title)}"' if title else ""


def url_attribute(url: str) -> str:
    return escape(_UNSAFE_IN_URL.sub(lambda match: f"%{ord(match[0]):02X}", url))
