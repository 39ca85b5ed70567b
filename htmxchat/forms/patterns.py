"""Converts a schema's patterns to patterns that a browser can run safely. Pure.

A browser's engine backtracks, so some patterns never end. A browser gets only patterns with few possible matches,
whatever is typed. The server's engine does not backtrack; it checks all patterns.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_WAYS = 10_000_000
"""So many steps a browser may need at most."""
_MOST = 200
_FEW = 1_000
_CLASSES = frozenset("dDsSwW")
_CONTROLS = frozenset("fnrtv")
# What HTML's patterns, which have the flag v, want to be written with a backslash: everywhere, and in a class.
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_SET_SYNTAX = frozenset("()[]{}/-\\|")
_DOUBLE = frozenset("&!#$%*+,.:;<=>?@^`~")


class _Refused(Exception):
    """A pattern has something that is not in the part of the language that is known here."""


@dataclass(slots=True)
class _Seen:
    """What a part of a pattern is made of.

    Attributes:
        ways: How many ways lead through it at most, for a text of a given length.
        fixed: Whether one way leads through it.
    """

    html: str
    ways: int
    fixed: bool


def html_pattern(pattern: str, longest: int) -> str | None:
    """Return a pattern as the attribute of a field that may have `longest` characters; `None` if a browser is not to
    run it.

    A schema's pattern may be found anywhere in the text, HTML's has to be all of it.
    """
    if len(pattern) > _MOST:
        return None
    try:
        reader = _Reader(pattern, longest)
        seen = reader.alternatives()
        if reader.at < len(pattern):
            raise _Refused
    except _Refused:
        return None
    starts, ends = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith("\\$")
    anchored = "|" not in pattern
    before = "" if starts and anchored else "[\\s\\S]*"
    after = "" if ends and anchored else "[\\s\\S]*"
    ways = seen.ways * (longest if before else 1) * (longest if after else 1)
    return f"{before}(?:{seen.html}){after}" if ways <= MAX_WAYS else None


def all_of(patterns: list[str]) -> str | None:
    """Return one pattern that demands all of these, each of all of the text."""
    if not patterns:
        return None
    return "".join(f"(?=(?:{each})$)" for each in patterns[:-1]) + patterns[-1]


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str, longest: int) -> None:
        self._pattern = pattern
        self._longest = max(2, longest)
        self.at = 0

    def _peek(self, ahead: int = 0) -> str:
        return self._pattern[self.at + ahead : self.at + ahead + 1]

    def _take(self) -> str:
        character = self._peek()
        if not character:
            raise _Refused
        self.at += 1
        return character

    def alternatives(self) -> _Seen:
        whole = self._sequence()
        while self._peek() == "|":
            self.at += 1
            other = self._sequence()
            whole = _Seen(f"{whole.html}|{other.html}", whole.ways + other.ways, fixed=False)
        return whole

    def _sequence(self) -> _Seen:
        whole = _Seen("", 1, fixed=True)
        while (character := self._peek()) and character not in "|)":
            part = self._repeated(self._atom())
            ways = min(whole.ways * part.ways, MAX_WAYS + 1)
            whole = _Seen(whole.html + part.html, ways, whole.fixed and part.fixed)
        return whole

    def _atom(self) -> _Seen:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return _Seen(self._set(), 1, fixed=True)
        if character == "\\":
            return _Seen(self._escape(), 1, fixed=True)
        if character in "*+?{}]":
            raise _Refused
        return _Seen("\\/" if character == "/" else character, 1, fixed=True)

    def _group(self) -> _Seen:
        if self._peek() == "?":
            # Only those that are not numbered: what looks ahead or behind, or has a name, is not for every engine.
            if self._peek(1) != ":":
                raise _Refused
            self.at += 2
        inner = self.alternatives()
        if self._take() != ")":
            raise _Refused
        return _Seen(f"(?:{inner.html})", inner.ways, inner.fixed)

    def _repeated(self, part: _Seen) -> _Seen:
        """Take in how often a part may come."""
        least, most, html = self._times()
        if not html:
            return part
        if self._peek() == "?":
            html += self._take()
        if self._peek() in ("*", "+", "{"):
            raise _Refused
        if part.html in ("^", "$"):
            raise _Refused
        most = self._longest if most is None else most
        if not part.fixed and most > 1:
            raise _Refused
        choices = most - least + 1
        return _Seen(part.html + html, part.ways * max(1, choices), part.fixed and choices == 1)

    def _times(self) -> tuple[int, int | None, str]:
        match self._peek():
            case "*":
                return 0, None, self._take()
            case "+":
                return 1, None, self._take()
            case "?":
                return 0, 1, self._take()
            case "{":
                end = self._pattern.find("}", self.at)
                said = self._pattern[self.at + 1 : end] if end > 0 else ""
                first, comma, last = said.partition(",")
                if not (_is_count(first) and (not last or _is_count(last))):
                    raise _Refused
                self.at = end + 1
                least = int(first)
                most = int(last) if last else (None if comma else least)
                if most is not None and most < least:
                    raise _Refused
                return least, most, "{" + said + "}"
        return 1, 1, ""

    def _escape(self) -> str:
        character = self._take()
        if character in _CLASSES or character in _CONTROLS:
            return "\\" + character
        if character.isalnum():
            raise _Refused
        return "\\" + character if character in _SYNTAX else character

    def _set(self) -> str:
        """Read a class, [a-z]."""
        html = "["
        if self._peek() == "^":
            html += self._take()
        if self._peek() == "]":
            raise _Refused
        while self._peek() != "]":
            html += self._member()
            if self._peek() == "-" and self._peek(1) not in ("]", ""):
                self.at += 1
                html += "-" + self._member()
        self.at += 1
        return html + "]"

    def _member(self) -> str:
        character = self._take()
        if character == "\\":
            character = self._take()
            if character in _CLASSES or character in _CONTROLS:
                return "\\" + character
            if character.isalnum():
                raise _Refused
        if character == "[":
            raise _Refused
        return "\\" + character if character in _SET_SYNTAX or character in _DOUBLE else character


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:6]) <= _FEW
