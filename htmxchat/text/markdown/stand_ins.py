"""Replaces what CommonMark would lose by placeholders before the parser reads a text.

A run of asterisks between punctuation and a letter, as in `**注意：**正文`, is taken for one that can only open, or
only close: scripts that put no space between words need both. What is punctuation in a formula means something else in
Markdown. And footnotes must not depend on what comes later.

So `prepare` puts a mark beside such a run, and stand-ins in place of punctuation. All of them are noncharacters,
which text cannot hold, so `restore` takes them back wherever they end up, in code and links too. Neither changes
where a block begins or ends, and each is decided by what stands before it and on its line: so text that streams is
prepared as it will be when it is whole. Linear.
"""

from __future__ import annotations

import re
import unicodedata

from .characters import MARK, wide
from .mathematics import shield_formulas
from .small import shield_small

_DELIMITERS = ("$", "\\(", "\\)", "\\[", "\\]")

_RUN = re.compile(r"^[ \t>]++[*~]*+|\\.|(?P<run>[*~]++)", re.MULTILINE)
_RUN_PARTS = re.compile(r"\*++|~~(?!~)")


def prepare(text: str) -> str:
    """Return what the parser is to read; the same object if that is `text`."""
    written = text
    if any(delimiter in text for delimiter in _DELIMITERS):
        text = shield_formulas(text)
    text = shield_small(text)
    if not text.isascii() and ("*" in text or "~~" in text):
        text = _RUN.sub(_with_marks, text)
    return written if text == written else text


def _with_marks(found: re.Match[str]) -> str:
    """Return a run of delimiters with marks that let it open and close, if it stands between words without spaces."""
    run = found["run"]
    if not run or _RUN_PARTS.sub("", run):
        return found[0]
    text, start, end = found.string, found.start(), found.end()
    before, after = text[start - 1 : start], text[end : end + 1]
    if not before or not after or before in "|_\n" or after in "|_\n" or not (wide(before) or wide(after)):
        return run
    marked = MARK.join(_RUN_PARTS.findall(run))
    one = run == "*"  # may mean "times"
    was, is_ = unicodedata.category(before), unicodedata.category(after)
    if was[0] in "PS" and is_[0] not in "PSZC" and was not in ("Ps", "Pi") and (wide(after) or not one):
        return MARK + marked
    # What ends a sentence or a quotation does not begin one.
    ends = is_ in ("Pe", "Pf") or (is_ == "Po" and wide(after))
    if is_[0] in "PS" and was[0] not in "PSZC" and not ends and (wide(before) or not one):
        return marked + MARK
    return run
