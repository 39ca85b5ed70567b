"""Tells formulas from prices in dollars."""

from __future__ import annotations

import re

from .characters import stood_in, stood_in_on_lines, wide

# On lines of its own, from \[ to \] or $$ to $$, or to a line that may be the end of what it stands in. In a list the
# lines that follow are indented.
_DISPLAY = re.compile(
    r"^(?P<indent>[ >]*+)(?P<marker>(?:[-+*]|[0-9]{1,9}[.)]) {1,4})?"
    r"(?:\\\[(?P<square>[^\]\n]*+)|\$\$(?P<dollars>[^$\n]*+))\n",
    re.MULTILINE,
)
_DISPLAY_LINE = re.compile(r" *+(?!```|~~~|<[^ ]|[>\n])[^\n]++\n?")
_INLINE = re.compile(
    # The target of a link, and of a definition. There a backslash keeps its meaning.
    r"\]\((?:<[^<>\n]*+>|(?:\\.|[^\s\\()]|\((?:\\.|[^\s\\()])*+\))*+)|^ {0,3}\[[^\]\n]*+\]:[ \t]*+\S*+"
    r"|(?P<round>\\\((?:[^\\\n`]|\\[^()\n`])*+\\\))|(?P<square>\\\[(?:[^\\\n`]|\\[^\[\]\n`])*+\\\])"
    # As in Pandoc there is no space inside and no digit after it. Before it stands nothing that makes the dollar a
    # currency's name, and after it nothing that would be the name of a variable.
    r"|(?<![$\\])(?:(?P<dollars>\$\$(?:[^$\\\n`]|\\[^\n`])++\$\$(?!\$))"
    r"|(?<![A-Za-z0-9?&])(?P<dollar>\$(?![\s$])(?:[^$\\\n`]|\\[^\n`])++(?<!\s)\$(?=[^A-Za-z0-9${]|\Z|(?:th|st|nd|rd|s)\b)))"
    r"|(?P<lone>\\\((?=\S)|\\\[(?=[ \t]*+$)|^[ \t>]*+\\\](?=[ \t]*+[.,;]?[ \t]*+$)|(?<=[^\s\d])\\\))|\\.",
    re.MULTILINE,
)
_FORMULA = re.compile(r"(?<!\\)(?:\\[A-Za-z]|[\^=<>+])|(?<![A-Za-z\\])[A-Za-z]_")

# What a formula between dollars begins with. The end of brackets, as in "Price ($), Tax ($)", is none of it.
_BEGINNING = re.compile(r"[\w\\{(\[|+<=>^.∀-⋿−-]")
_NAMES = re.compile(r"\\(?:text|mathrm|operatorname|mbox)[a-z]{0,2}\*?\{[^{}]*+\}|\\[A-Za-z]++")
_WORDS = re.compile(r"[A-Za-z]{2} [A-Za-z]{2}")
_AFTER_AMOUNT = re.compile(r"[ (][A-Za-z]{2}| \|")
_COMMAND = re.compile(r"\\[A-Za-z]|[\^_]")


def shield_formulas(text: str) -> str:
    """Return text with stand-ins for the punctuation of what may be formulas."""
    out: list[str] = []
    position = 0
    while found := _DISPLAY.search(text, position):
        rest = found["square"] if found["dollars"] is None else found["dollars"]
        if rest.strip() and not _FORMULA.search(rest):
            end = found.end()
            out.append(_INLINE.sub(_shielded, text[position:end]))
        else:
            closing = "$$" if found["square"] is None else "\\]"
            start = found.end("marker") if found["marker"] else found.end("indent")
            end = _end_of_display(text, found.end(), found["indent"] + " " * len(found["marker"] or ""), closing)
            out.append(_INLINE.sub(_shielded, text[position:start]))
            out.append(stood_in_on_lines(text[start:end]))
        position = end
    out.append(_INLINE.sub(_shielded, text[position:]))
    return "".join(out)


def _end_of_display(text: str, position: int, indent: str, closing: str) -> int:
    while text.startswith(indent, position) and (line := _DISPLAY_LINE.match(text, position + len(indent))):
        found = text.find(closing, position, line.end())
        if found >= 0:
            return found + len(closing)
        position = line.end()
    return position


def _shielded(found: re.Match[str]) -> str:
    written = found[0]
    match found.lastgroup:
        case "lone":
            return written.replace("\\", stood_in("\\"))
        case "round":
            may_be = _said(written) and _is_formula(written[2:-2])
        case "square":
            may_be = _said(written) and bool(_FORMULA.search(written[2:-2]))
        case "dollars":
            content = written[2:-2]
            may_be = _said(content) and (bool(_FORMULA.search(content)) or "\\" in content or _is_priceless(content))
        case "dollar":
            may_be = _is_priceless(written[1:-1])
        case _:
            return written
    return stood_in(written) if may_be and "](" not in written else written


def _said(content: str) -> bool:
    return any(map(str.isalnum, content))


def _is_formula(content: str) -> bool:
    """Return whether it is no sentence."""
    return bool(_COMMAND.search(content) or "=" in content or not _WORDS.search(content))


def _is_priceless(content: str) -> bool:
    """Return whether it is a formula between dollars, and not what stands between two prices."""
    if not _BEGINNING.match(content) or content[-1:].isspace() or "**" in content:
        return False
    if content[0].isdecimal() and _AFTER_AMOUNT.search(content) and not _COMMAND.search(content):
        return False
    return _is_formula(content) and (content.isascii() or not any(map(wide, _NAMES.sub("", content))))
