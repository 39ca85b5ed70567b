"""Links: which addresses are allowed, and their HTML."""

from __future__ import annotations

import re
import unicodedata
from html import escape

from .characters import wide

LINK = re.compile(r"(?:https?://[^/?#\\]|mailto:)", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")

# Where a bare link begins, https://github.github.com/gfm/#autolinks-extension-, and the host. Possessive, so that no
# text makes them backtrack.
_BARE_LINK = re.compile(
    r"(?<![A-Za-z0-9])(?:https?://(?P<host>\[[0-9A-Fa-f:.]++\]|[\w-]++(?:\.[\w-]++)*+)|(?P<www>www\.[\w-]++(?:\.[\w-]++)++))"
    r"|(?<![A-Za-z0-9._+-])(?P<email>[A-Za-z0-9._+-]++@[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)++(?<![-_]))"
)
_CITATION = re.compile(r"\[[1-9][0-9]{0,2}\]")
_ASCII = re.compile(r"[!-;=-~]*+")
_CLOSING = {")": "(", "]": "[", "}": "{"}
# Joiners hold letters of one word together, and middle dots the words of one name.
_JOINS = frozenset("\u200c\u200d\u00b7\u30fb")
# Dashes between sentences. Hyphens and the en dash stand in names.
_DASHES = frozenset("\u2014\u2015\u2e3a\u2e3b\u301c\u3030\ufe31\ufe32\ufe58")


def with_links(text: str) -> str:
    """Escape text, make links of the bare URLs and email addresses in it, and mark its citations."""
    out: list[str] = []
    position = searched = 0
    while found := _BARE_LINK.search(text, searched):
        start, searched = found.span()
        end = searched if found["email"] else _end_of_url(text, start, searched)
        if not end:
            continue
        shown = text[start:end]
        scheme = "mailto:" if found["email"] else "http://" if found["www"] else ""
        out += _with_citations(text[position:start]), anchor(scheme + shown), escape(shown), "</a>"
        position = searched = end
    return "".join([*out, _with_citations(text[position:])])


def _with_citations(text: str) -> str:
    """Escape text, and mark `[1]` to `[999]` in it: anyone who knows the sources makes links of them."""
    return _CITATION.sub(r'<a class="cite">\g<0></a>', escape(text))


def _end_of_url(text: str, start: int, after_host: int) -> int:
    """Return where a bare URL ends; 0 if it is none.

    It ends before white space, `<`, and what no address holds unless it is encoded: of the characters beyond ASCII
    those that close, quote or separate. Punctuation at its end is left out, and closing brackets that have no opening
    one in it.
    """
    host = text[start:after_host].rpartition("//")[2]
    if "_" in "".join(host.split(".")[-2:]):
        return 0
    # "https://a.exampleまで": the last label is in one script.
    last_label = host[host.rfind(".") + 1 :]
    if last_label[:1].isascii() and (foreign := next(filter(wide, last_label), "")):
        return after_host - len(last_label) + last_label.index(foreign)
    end = after_host
    while end < len(text):
        end = _ASCII.match(text, end).end()  # type: ignore[union-attr]
        if end == len(text) or _ends_url(text[end]):
            break
        end += 1
    if text.startswith(("@", ":"), after_host) and "@" in re.split("[/?#]", text[after_host:end], maxsplit=1)[0]:
        return 0  # What looks like the host is a name, and the host stands after it.
    url = text[start:end]
    extra = {each: url.count(each) - url.count(opening) for each, opening in _CLOSING.items()}
    while (last := text[end - 1]) in "?!.,:;*_~'\"\\" or extra.get(last, 0) > 0 or (last > "\x7f" and _trails(last)):
        end -= 1
        if last in extra:
            extra[last] -= 1
    return end


def _ends_url(character: str) -> bool:
    if character <= "\x7f" or character in _JOINS:
        return character <= " " or character in "<\x7f"
    category = unicodedata.category(character)
    return character in _DASHES or category[0] in "ZC" or category in ("Po", "Ps", "Pe", "Pi", "Pf", "Sm", "Sc", "Sk")


def _trails(character: str) -> bool:
    return character in _JOINS or unicodedata.category(character)[0] in "PS"


def anchor(url: str, title: str = "") -> str:
    return f'<a href="{url_attribute(url)}"{title_attribute(title)} target="_blank" rel="noopener noreferrer nofollow">'


def title_attribute(title: str) -> str:
    return f' title="{escape(title)}"' if title else ""


def url_attribute(url: str) -> str:
    return escape(_UNSAFE_IN_URL.sub(lambda match: f"%{ord(match[0]):02X}", url))
