"""Cleans the names of files that browsers and agents send."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 200
_MAX_ENDING = 20
_NAMELESS = "file"
# What cannot be seen, or turns what stands around it: controls, formats such as bidi overrides, halves of pairs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_name(name: str) -> str:
    """Return the name of a file as it is kept and shown: one line, at most 200 characters, without a path."""
    last = re.split(r"[/\\]", name[-10 * MAX_NAME :])[-1]
    seen = "".join(character for character in last if unicodedata.category(character) not in _UNSEEN)
    line = unicodedata.normalize("NFC", " ".join(seen.split())).rstrip(". ")
    if not line.strip(". "):
        return _NAMELESS
    if len(line) <= MAX_NAME:
        return line
    stem, dot, ending = line.rpartition(".")
    if not dot or len(ending) > _MAX_ENDING:
        return line[:MAX_NAME].rstrip()
    return f"{stem[: MAX_NAME - len(ending) - 2].rstrip()}….{ending}"


def ending(name: str) -> str:
    """Return how a name ends: ".csv"; empty when it has no such end."""
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot and stem and len(last) <= _MAX_ENDING and last.isalnum() else ""
