"""What the parser reads in place of what was written, where CommonMark would lose something of it.

Two things are lost. A run of asterisks between punctuation and a letter, as in `**注意：**正文`, is taken for one that
can only open, or only close: scripts that put no space between words need both. And a backslash before a bracket goes,
although `\\(a^2\\)` is how models write mathematics.

So `prepare` puts a mark beside such a run, and stand-ins in place of the punctuation of mathematics. All of them are
noncharacters, which text cannot hold, so `restore` takes them back wherever they end up, in code and links too. Neither
changes where a block begins or ends, and each is decided by what stands before it and on its line: so text that
streams is prepared as it will be when it is whole. Linear.
"""

from __future__ import annotations

import re
import unicodedata
from string import punctuation

RESERVED = "\ufdd0-\ufdef\uffff"
"""The characters that text must not hold, as a part of a regular expression's class."""

_MARK = "\uffff"
_STAND_IN = {ord(character): 0xFDD0 + index for index, character in enumerate(punctuation)}
_WRITTEN = {stand_in: character for character, stand_in in _STAND_IN.items()} | {ord(_MARK): None}
# A backtick may end code that began before, and angle brackets may end HTML.
_STAND_IN_INLINE = {key: value for key, value in _STAND_IN.items() if key != ord("`")}
_STAND_IN_DISPLAY = {key: value for key, value in _STAND_IN_INLINE.items() if chr(key) not in "<>"}

# Mathematics on lines of its own, from \[ to \] or $$ to $$, or to a line that may be the end of what it stands in.
_DISPLAY = re.compile(r"^(?P<indent> *+)(?:\\\[(?P<square>[^\]\n]*+)|\$\$(?P<dollars>[^$\n]*+))\n", re.MULTILINE)
_DISPLAY_LINE = re.compile(r" *+(?!```|~~~|[<>\n])[^\n]++\n?")
_INLINE = re.compile(
    # The target of a link, and of a definition. There a backslash keeps its meaning.
    r"\]\((?:<[^<>\n]*+>|(?:\\.|[^\s\\()]|\((?:\\.|[^\s\\()])*+\))*+)|^ {0,3}\[[^\]\n]*+\]:[ \t]*+\S*+"
    r"|(?P<round>\\\((?:[^\\\n`]|\\[^()\n`])*+\\\))|(?P<square>\\\[(?:[^\\\n`]|\\[^\[\]\n`])*+\\\])"
    r"|(?P<dollars>\$\$(?:[^$\\\n`]|\\[^\n`])++\$\$)"
    r"|(?P<lone>\\\((?=\S)|\\\[(?=[ \t]*+$)|^[ \t>]*+\\\](?=[ \t]*+[.,;]?[ \t]*+$)|(?<=[^\s\d])\\\))|\\.",
    re.MULTILINE,
)
_FORMULA = re.compile(r"(?<!\\)(?:\\[A-Za-z]|[\^=<>+])|(?<![A-Za-z\\])[A-Za-z]_")

_RUN = re.compile(r"^[ \t>]++[*~]*+|\\.|(?P<run>[*~]++)", re.MULTILINE)
_RUN_PARTS = re.compile(r"\*++|~~(?!~)")


def prepare(text: str) -> str:
    """Return what the parser is to read; the same object if that is `text`."""
    if any(bracket in text for bracket in ("\\(", "\\)", "\\[", "\\]", "$$")):
        text = _with_mathematics(text)
    if text.isascii() or not ("*" in text or "~~" in text):
        return text
    return _RUN.sub(_with_marks, text)


def restore(text: str) -> str:
    """Return what was written where the parser read `text`."""
    return text if text.isascii() else text.translate(_WRITTEN)


def _with_mathematics(text: str) -> str:
    out: list[str] = []
    position = 0
    while found := _DISPLAY.search(text, position):
        rest = found["square"] if found["dollars"] is None else found["dollars"]
        if rest.strip() and not _FORMULA.search(rest):
            end = found.end()
            out.append(_INLINE.sub(_as_written, text[position:end]))
        else:
            closing = "$$" if found["square"] is None else "\\]"
            end = _end_of_display(text, found.end(), found["indent"], closing)
            out.append(_INLINE.sub(_as_written, text[position : found.start()]))
            out.append(text[found.start() : end].translate(_STAND_IN_DISPLAY))
        position = end
    out.append(_INLINE.sub(_as_written, text[position:]))
    return "".join(out)


def _end_of_display(text: str, position: int, indent: str, closing: str) -> int:
    while text.startswith(indent, position) and (line := _DISPLAY_LINE.match(text, position)):
        found = text.find(closing, position, line.end())
        if found >= 0:
            return found + len(closing)
        position = line.end()
    return position


def _as_written(found: re.Match[str]) -> str:
    whole = found[0]
    content = whole[2:-2]
    if found["lone"]:
        return whole.translate({ord("\\"): _STAND_IN[ord("\\")]})
    said = any(map(str.isalnum, content)) and "](" not in content
    formula = found["round"] or _FORMULA.search(content) or (found["dollars"] and "\\" in content)
    if said and formula and (found["round"] or found["square"] or found["dollars"]):
        return whole.translate(_STAND_IN_INLINE)
    return whole


def _with_marks(found: re.Match[str]) -> str:
    """Return a run of delimiters with marks that let it open and close, if it stands between words without spaces."""
    run = found["run"]
    if not run or _RUN_PARTS.sub("", run):
        return found[0]
    text, start, end = found.string, found.start(), found.end()
    before, after = text[start - 1 : start], text[end : end + 1]
    if not before or not after or before in "|_\n" or after in "|_\n" or not (wide(before) or wide(after)):
        return run
    marked = _MARK.join(_RUN_PARTS.findall(run))
    one = run == "*"  # may mean "times"
    was, is_ = unicodedata.category(before), unicodedata.category(after)
    if was[0] in "PS" and is_[0] not in "PSZC" and was not in ("Ps", "Pi") and (wide(after) or not one):
        return _MARK + marked
    # What ends a sentence or a quotation does not begin one.
    ends = is_ in ("Pe", "Pf") or (is_ == "Po" and wide(after))
    if is_[0] in "PS" and was[0] not in "PSZC" and not ends and (wide(before) or not one):
        return marked + _MARK
    return run


def wide(character: str) -> bool:
    """Return whether it is Chinese, Japanese or Korean, as far as the width of its cell says so. Emoji are not."""
    return unicodedata.east_asian_width(character) in "WFH" and unicodedata.category(character) not in ("So", "Sk")
