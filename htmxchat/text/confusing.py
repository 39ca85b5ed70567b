"""Characters that make text look like what it is not. Pure functions.

What a person approves has to be what they see. So whatever cannot be seen, turns the direction of text around, or
passes for another letter is found here, by the properties that Unicode gives it, and shown by what it is.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from .phrases import cut

# Default_Ignorable_Code_Point, which Python's unicodedata does not have: `scripts/ignorable` prints it.
# DerivedCoreProperties-15.0.0
_IGNORABLE = (
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
# Writing systems that one word may mix, https://www.unicode.org/reports/tr39/#Restriction_Level_Detection.
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Letters that look like those of ASCII in most typefaces.
_LOOKALIKES = str.maketrans(
    "аЬсԁеһіјӏорԛѕԝхуѵАВСЕНІЈКМОРЅТХУԌԜ" + "αοονρικυγχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "օոսցզհ" + "ɑɡıȷ",
    "abcdehijlopqswxyvABCEHIJKMOPSTXYGW" + "aoovpikuyxABEZHIKMNOPTYX" + "onugqh" + "agij",
)
# What names of characters begin with that is no writing system, or is another's.
_SCRIPTS = {"IDEOGRAPHIC": "CJK", "MODIFIER": "", "COMBINING": "", "HANGZHOU": "CJK", "EXTENDED": "ARABIC", "VEDIC": ""}
_PYTHON = frozenset(keyword.kwlist) | frozenset(dir(builtins))
_ASCII_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
_WORD = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]++")
_HTML_PART = re.compile(r"<[^<>]*+>|&[^&;]*+;|.", re.DOTALL)
_BLANK = re.compile(r"\b(?:BLANK|FILLER|NULL|INVISIBLE)\b")
# What other languages write with: joiners, marks of direction, and the wish for a picture.
_PROSE = frozenset("\u200c\u200d\u200e\u200f\u061c\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A character that may mislead.

    Attributes:
        place: Its index.
        why: What it is, in words.
        hidden: Whether it cannot be seen; else it looks like another.
    """

    place: int
    character: str
    why: str
    hidden: bool = True


def doubts(text: str, *, code: bool = False) -> list[Doubt]:
    """Return the characters of `text` that may mislead, in order.

    Args:
        code: It is Python. Names in more than one alphabet, names that Python reads as others, and names that look like
            others are found too. In prose, what some languages write with is not.
    """
    if text.isascii() and (text.isprintable() or not any(map(_hidden, text, " " + text))):
        return []
    found = {
        place: Doubt(place, character, f"{_named(character)}, which cannot be seen")
        for place, (character, before) in enumerate(zip(text, " " + text[:-1], strict=True))
        if _hidden(character, before) and (code or not _is_prose(character))
    }
    if code:
        for doubt in _names(text):
            found.setdefault(doubt.place, doubt)
    return [found[place] for place in sorted(found)]


def mark(html: str, found: list[Doubt], *, code: bool = False) -> str:
    """Return the HTML of a text in which the characters of `found` are marked. What is copied stays the same.

    Args:
        code: Words that run from right to left are kept from turning around what stands beside them. In prose they are
            left as they are: its element finds its direction by them, and they keep their order.
    """
    if html.isascii() and not found:
        return html
    marks = {doubt.place: doubt for doubt in found}
    out: list[str] = []
    place = 0
    turned = False
    for part in _HTML_PART.findall(html):
        is_turned = code and len(part) == 1 and place not in marks and unicodedata.bidirectional(part) in ("R", "AL")
        if turned != is_turned:
            out.append("<bdi>" if is_turned else "</bdi>")
            turned = is_turned
        if part[0] == "<":
            out.append(part)
            continue
        out.append(_marked(marks[place], part) if place in marks else part)
        place += 1
    return "".join([*out, "</bdi>" if turned else ""])


def marked(text: str, most: int | None = None) -> str:
    """Return prose as HTML in which characters that may mislead are marked.

    Args:
        most: To how many characters it is cut: marks make a text a hundred times as long.
    """
    if most is not None:
        text = cut(text, most)
    return mark(escape(text), doubts(text))


def places(text: str, found: list[Doubt]) -> Iterator[tuple[int, int, Doubt]]:
    """Yield line and column of each doubt, counted from 1."""
    line, start, seen = 1, 0, 0
    for doubt in found:
        ends = text.count("\n", seen, doubt.place)
        if ends:
            line, start = line + ends, text.rindex("\n", seen, doubt.place) + 1
        seen = doubt.place
        yield line, doubt.place - start + 1, doubt


def _marked(doubt: Doubt, part: str) -> str:
    words = escape(doubt.why)
    number = f' data-code="U+{ord(doubt.character):04X}"' if doubt.hidden else ""
    shown = "&#13;" if part == "\r" else part  # a browser would make a line feed of it
    return f'<span class="odd" role="img" aria-label="{words}" title="{words}"{number}>{shown}</span>'


def _hidden(character: str, before: str) -> bool:
    if character.isascii():
        return not character.isprintable() and character not in "\n\t"
    category = unicodedata.category(character)
    if category[0] in "CZ" or _is_ignorable(character):
        return not (character == "\ufe0f" and unicodedata.category(before) == "So")
    if _BLANK.search(unicodedata.name(character, "")):
        return True
    if category[0] == "M":
        # A mark that stands on no letter hides in what it stands on.
        return category == "Me" or unicodedata.category(before)[0] not in "LM"
    return False


def _is_ignorable(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _IGNORABLE)


def _is_prose(character: str) -> bool:
    return character in _PROSE or unicodedata.category(character) in ("Zs", "Mn", "Me")


def _named(character: str) -> str:
    name = unicodedata.name(character, "").capitalize()
    return f"U+{ord(character):04X} {name}".strip() if name else f"the control character U+{ord(character):04X}"


def _names(text: str) -> Iterator[Doubt]:
    """Yield what is doubtful in names that are not all ASCII."""
    known = _PYTHON.union(_ASCII_WORD.findall(text))
    for run in _WORD.finditer(text):
        if run[0].isascii():
            continue
        start = run.start()
        for end in range(run.start(), run.end() + 1):
            if end == run.end() or not f"a{text[end]}".isidentifier():
                yield from _name(text[start:end], start, known)
                start = end + 1


def _name(word: str, start: int, known: frozenset[str]) -> Iterator[Doubt]:
    if word.isascii():
        return
    read = unicodedata.normalize("NFKC", word)
    alike = read.translate(_LOOKALIKES)
    scripts = {script for character in word if (script := _script(character))}
    mixed = len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER)
    for place, character in enumerate(word, start):
        if character.isascii():
            continue
        if read != word:
            yield Doubt(place, character, f"{_named(character)}: Python reads this name as {read}", hidden=False)
        elif alike != word and alike in known:
            yield Doubt(place, character, f"{_named(character)}: this is not {alike}", hidden=False)
        elif mixed:
            yield Doubt(
                place, character, f"{_named(character)}, in a word with letters of another alphabet", hidden=False
            )


def _script(character: str) -> str:
    """Return the writing system of a letter, a mark or a digit, by the first word of its name.

    It is empty for what all have in common.
    """
    if character.isascii() and not character.isalpha():
        return ""
    if unicodedata.category(character)[0] not in "LMN":
        return ""
    script = re.split("[ -]", unicodedata.name(character, ""), maxsplit=1)[0]
    return _SCRIPTS.get(script, script)
