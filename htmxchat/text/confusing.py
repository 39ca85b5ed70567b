"""Finds characters that make text look like other text. Pure functions.

Users must see what they approve. So invisible characters, direction overrides and look-alike letters are found by their
Unicode properties and marked.
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
# First words of character names that are not a script's name.
_SCRIPTS = {"IDEOGRAPHIC": "CJK", "MODIFIER": "", "COMBINING": "", "HANGZHOU": "CJK", "EXTENDED": "ARABIC", "VEDIC": ""}
_PYTHON = frozenset(keyword.kwlist) | frozenset(dir(builtins))
_ASCII_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
_WORD = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]++")
_HTML_PART = re.compile(r"<[^<>]*+>|&[^&;]*+;|.", re.DOTALL)
_BLANK = re.compile(r"\b(?:BLANK|FILLER|NULL|INVISIBLE)\b")
# Characters that ordinary text uses: joiners, direction marks, and emoji variation selectors.
_PROSE = frozenset("\u200c\u200d\u200e\u200f\u061c\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A character that may mislead.

    Attributes:
        place: Its index.
        why: Its description.
        hidden: Whether it is invisible; else it looks like another character.
    """

    place: int
    character: str
    why: str
    hidden: bool = True


def doubts(text: str, *, code: bool = False) -> list[Doubt]:
    """Return the characters of `text` that may mislead, in order.

    Args:
        code: Whether the text is Python. Then names in several alphabets, names that Python normalizes, and look-alike
            names are found too; in prose, characters that ordinary text uses are not.
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
    """Return a text's HTML with the characters of `found` marked. Copying it gives the original text.

    Args:
        code: Whether to isolate right-to-left words, so that they do not reorder the code next to them. In prose they
            are not isolated, because they determine the element's direction.
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
        most: The most characters; the rest is cut, because marks make a text up to a hundred times longer.
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
    shown = "&#13;" if part == "\r" else part  # a browser would convert it to a line feed
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
        # A combining mark that is not on a letter is hard to see.
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
    """Yield the doubts in names with non-ASCII characters."""
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
    """Return the script of a letter, mark or digit, from the first word of its name; empty for common characters."""
    if character.isascii() and not character.isalpha():
        return ""
    if unicodedata.category(character)[0] not in "LMN":
        return ""
    script = re.split("[ -]", unicodedata.name(character, ""), maxsplit=1)[0]
    return _SCRIPTS.get(script, script)
