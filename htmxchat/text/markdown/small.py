"""Superscripts, subscripts and the marks of footnotes, where the text can mean nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .characters import NOTE, SUB, SUP, stood_in

_MARKS = ("[^", "^", "~", "\n:")
# The footnotes of the parser depend on a definition that comes later, and its subscripts must not stand in a word. So
# it sees none but the beginnings of definitions, and definitions of words only with a space after the colon.
_WRITTEN = re.compile(
    r"\]\([^\s()]*+\)|^[ >]{0,12}\[\^[0-9]{1,3}\]:|^(?P<colon>:)(?=[^\s-])"
    r"|\[\^(?:(?P<note>[0-9]{1,3})\](?!\())?|(?<=[A-Za-z0-9)])(?:~(?P<sub>[A-Za-z0-9+−-]{1,6})~(?!~)"
    r"|\^(?P<sup>[A-Za-z0-9+−-]{1,6})\^(?![A-Za-z0-9^]))",
    re.MULTILINE,
)
_CLOSING = stood_in("]")
_READ = re.compile(f"{NOTE}\\^([0-9]+){_CLOSING}|{SUB}([^{SUB}]+){SUB}|{SUP}([^{SUP}]+){SUP}")


class Small(NamedTuple):
    """What stands above or below the line.

    Attributes:
        written: With its marks.
        text: Without them.
        tag: `sub`, `sup`, or `note` for the number of a footnote.
    """

    written: str
    text: str
    tag: str

    def html(self, *, in_link: bool) -> str:
        """Return it as HTML. The footnote need not be there yet."""
        if self.tag == "note" and in_link:
            return f"<sup>{self.text}</sup>"
        if self.tag == "note":
            return f'<sup><a class="note" href="#note-{self.text}">{self.text}</a></sup>'
        return f"<{self.tag}>{self.text}</{self.tag}>"


def shield_small(text: str) -> str:
    """Return text with stand-ins for the marks of what stands above or below the line."""
    if not any(mark in text for mark in _MARKS) and not text.startswith(":"):
        return text
    return _WRITTEN.sub(_shielded, text)


def small(text: str) -> Iterator[tuple[int, int, Small]]:
    """Yield where what stands above or below the line begins and ends, and what it is."""
    for found in _READ.finditer(text):
        number, below, above = found.groups()
        if number:
            yield *found.span(), Small(f"[^{number}]", number, "note")
        else:
            mark, tag, content = ("~", "sub", below) if below else ("^", "sup", above)
            yield *found.span(), Small(f"{mark}{content}{mark}", content, tag)


def _shielded(found: re.Match[str]) -> str:
    written = found[0]
    if found["colon"]:
        return stood_in(written)
    if found["note"]:
        return f"{NOTE}{written[1:-1]}{_CLOSING}"
    if found["sub"]:
        return f"{SUB}{written[1:-1]}{SUB}"
    if found["sup"]:
        return f"{SUP}{written[1:-1]}{SUP}"
    return stood_in(written) if written == "[^" else written
