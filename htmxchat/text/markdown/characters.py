"""Placeholder characters for the parser, and characters that are two columns wide."""

from __future__ import annotations

import unicodedata
from string import punctuation

RESERVED = "\ufdd0-\ufdef\uffff\U0001fffe-\U0001ffff\U0002fffe"
"""The characters that text must not hold, as a part of a regular expression's class."""

MARK = "\uffff"
"""Stands beside emphasis, for nothing."""

# In place of the marks of a subscript, of a superscript, and of the bracket that opens the mark of a footnote.
SUB, SUP, NOTE = "\U0001fffe", "\U0001ffff", "\U0002fffe"

_STAND_IN = {ord(character): 0xFDD0 + index for index, character in enumerate(punctuation)}
_WRITTEN = {stand_in: character for character, stand_in in _STAND_IN.items()} | {
    **{ord(MARK): "", ord(SUB): "~", ord(SUP): "^", ord(NOTE): "["}
}
# A backtick may end code that began before, and angle brackets may end HTML.
_IN_LINE = {key: value for key, value in _STAND_IN.items() if chr(key) != "`"}
_ON_LINES = {key: value for key, value in _IN_LINE.items() if chr(key) not in "<>"}


def stood_in(text: str) -> str:
    """Return `text` with a stand-in for each of its punctuation characters that cannot end code."""
    return text.translate(_IN_LINE)


def stood_in_on_lines(text: str) -> str:
    """Return `text` with stand-ins for the punctuation that can end neither code nor HTML."""
    return text.translate(_ON_LINES)


def restore(text: str) -> str:
    """Return what was written where the parser read `text`."""
    return text if text.isascii() else text.translate(_WRITTEN)


def wide(character: str) -> bool:
    """Return whether it is Chinese, Japanese or Korean, as far as the width of its cell says so. Emoji are not."""
    return unicodedata.east_asian_width(character) in "WFH" and unicodedata.category(character) not in ("So", "Sk")
