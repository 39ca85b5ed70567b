"""Converts terminal output to HTML: colours become classes, other sequences are removed. Pure functions."""

from __future__ import annotations

import re
from html import escape

# Colours and weights; then other control sequences, which are removed.
_SEQUENCE = re.compile(
    r"\x1b\[([0-9;]{0,40})m|\x1b\[[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|\x1b[@-_]?"
)
_COLOURS = {**{str(30 + n): n for n in range(8)}, **{str(90 + n): n for n in range(8)}}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]")


def ansi_html(text: str) -> str:
    """Return `text` as safe HTML in which colours are spans of the classes `ansi-1` (red) to `ansi-6`, and `ansi-b`."""
    out: list[str] = []
    classes: list[str] = []
    position = 0
    shown = _overwritten(text)
    for found in _SEQUENCE.finditer(shown):
        out.append(_span(shown[position : found.start()], classes))
        position = found.end()
        if found[1] is not None:
            classes = _after(classes, found[1])
    return "".join([*out, _span(shown[position:], classes)])


def plain(text: str) -> str:
    """Return `text` without control sequences."""
    return _CONTROL.sub("", _SEQUENCE.sub("", _overwritten(text)))


def _overwritten(text: str) -> str:
    """Return what a terminal shows after lines were overwritten, as progress bars do."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _after(classes: list[str], codes: str) -> list[str]:
    """Return the classes after a sequence. 256 colours and backgrounds are ignored."""
    numbers = codes.split(";")
    if numbers[0] in ("38", "48"):
        return classes
    for code in numbers:
        if code in ("", "0"):
            classes = []
        elif code == "1":
            classes = [*(each for each in classes if each != "ansi-b"), "ansi-b"]
        elif code in ("22", "39"):
            classes = [each for each in classes if (each == "ansi-b") != (code == "22")]
        elif code in _COLOURS:
            classes = [*(each for each in classes if each == "ansi-b"), f"ansi-{_COLOURS[code]}"]
    return classes


def _span(text: str, classes: list[str]) -> str:
    shown = escape(_CONTROL.sub("", text), quote=False)
    return f'<span class="{" ".join(classes)}">{shown}</span>' if classes and shown else shown
