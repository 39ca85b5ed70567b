"""Separates reasoning in the text, between `<think>` and `</think>`; removes repeated text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_OPEN, _CLOSE = "<think>", "</think>"


class Thinking:
    """Separates reasoning from text. Only a tag at the very beginning of a reply begins reasoning."""

    def __init__(self) -> None:
        self._state = "begin"
        self._held = ""

    def feed(self, text: str) -> Sequence[tuple[bool, str]]:
        """Return what is separated so far: whether it is reasoning, and its text."""
        if self._state == "text":
            return [(False, text)] if text else []
        self._held += text
        found: list[tuple[bool, str]] = []
        if self._state == "begin":
            begin = self._held.lstrip()
            if _OPEN.startswith(begin[: len(_OPEN)]) and len(begin) < len(_OPEN):
                return []
            if not begin.startswith(_OPEN):
                return [(False, self._rest("text"))]
            self._held, self._state = begin[len(_OPEN) :], "open"
        if self._state == "open" and (begin := self._held.lstrip("\n")):
            self._held, self._state = begin, "thought"
        if self._state == "thought":
            found += self._thought()
        if self._state == "after" and (text := self._held.lstrip("\n")):
            self._held = text
            found.append((False, self._rest("text")))
        return found

    def end(self) -> Sequence[tuple[bool, str]]:
        """Return the buffered rest."""
        if not self._held or self._state in ("open", "after"):
            return []
        is_thought = self._state == "thought"
        return [(is_thought, self._rest("text"))]

    def _thought(self) -> Sequence[tuple[bool, str]]:
        before, tag, after = self._held.partition(_CLOSE)
        if tag:
            self._held, self._state = after, "after"
            before = before.rstrip("\n")
        else:
            kept = next((n for n in range(len(_CLOSE) - 1, 0, -1) if before.endswith(_CLOSE[:n])), 0)
            sure = before[: len(before) - kept].rstrip("\n")
            before, self._held = sure, before[len(sure) :]
        return [(True, before)] if before else []

    def _rest(self, state: str) -> str:
        rest, self._held, self._state = self._held, "", state
        return rest


def without_opening(text: str) -> tuple[str, str]:
    """Return the reasoning and the text of a reply with only the closing tag: some chat templates add the opening tag.

    A tag in backticks is ordinary text.
    """
    before, tag, after = text.partition(_CLOSE)
    if not tag or _OPEN in text or before.endswith("`") or after.startswith("`"):
        return "", text
    return before.rstrip("\n"), after.lstrip("\n")


def without_repetition(pieces: Sequence[str]) -> str:
    """Return the text of a reply. If each piece repeats all text before it, that is the last piece."""
    each = [piece for piece in pieces if piece]
    repeats = len(each) > 2 and len(each[-1]) > len(each[0])
    if repeats and all(later.startswith(earlier) for earlier, later in pairwise(each)):
        return each[-1]
    return "".join(each)
