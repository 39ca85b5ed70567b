"""Takes everything out of HTML that could do more than be read: controls, scripts, and addresses of the chat."""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape
from html.parser import HTMLParser

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
# With all that is in them.
_LEFT_OUT = frozenset(
    "applet audio base button dialog embed fieldset form iframe input link meta noscript object option portal script"
    " select style template textarea video".split()
)
_ADDRESSES = frozenset({"href", "src", "xlink:href"})
_NEVER = frozenset(
    "action autofocus background contenteditable data download http-equiv ping popover popovertarget poster srcdoc"
    " srcset style target".split()
)
_ACTIVE = ("on", "hx-", "data-hx-", "sse-", "ws-", "form")
_OUTSIDE = re.compile(r"(https?:/?/?[^/]|mailto:)", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/[a-z+.-]+;base64,[A-Za-z0-9+/=]*")
_REL = "noopener noreferrer nofollow"


def read_only(html: str, addresses: Collection[str] = ()) -> str:
    """Return HTML that the chat has made, as it is for a reader: without controls, and without whatever runs or loads.

    Args:
        addresses: What of the chat's own it may lead to or show, beside places in itself and other sites.
    """
    filter = _Filter(addresses)
    filter.feed(html)
    filter.close()
    return "".join(filter.kept)


class _Filter(HTMLParser):
    def __init__(self, addresses: Collection[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self._addresses = addresses
        self._inside: list[str] = []  # what is left out, the innermost last

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LEFT_OUT or self._inside:
            if tag not in _VOID:
                self._inside.append(tag)
        elif "-" not in tag:
            self._keep(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Only in SVG and MathML is anything empty that closes itself.
        if not (tag in _LEFT_OUT or self._inside or "-" in tag):
            self._keep(tag, attrs, end="/>")

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag in self._inside:
                del self._inside[len(self._inside) - 1 - self._inside[::-1].index(tag) :]
        elif "-" not in tag and tag not in _LEFT_OUT and tag not in _VOID:
            self.kept.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._text(data)

    def handle_entityref(self, name: str) -> None:
        self._text(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._text(f"&#{name};")

    def _text(self, text: str) -> None:
        if not self._inside:
            self.kept.append(text.replace("<", "&lt;"))

    def _keep(self, tag: str, attrs: list[tuple[str, str | None]], end: str = ">") -> None:
        said, outside, source = "", False, ""
        for name, value in attrs:
            if name in _NEVER or name.startswith(_ACTIVE) or name == "rel":
                continue
            if name in _ADDRESSES:
                if not self._leads(tag, name, value or ""):
                    continue
                outside = outside or _OUTSIDE.match(value or "") is not None
                source = value or ""
            said += f" {name}" if value is None else f' {name}="{escape(value)}"'
        if tag == "img" and not source:
            alt = next((value for name, value in attrs if name == "alt" and value), "")
            self.kept.append(escape(alt))
            return
        self.kept.append(f"<{tag}{said}" + (f' rel="{_REL}"' if tag == "a" and outside else "") + end)

    def _leads(self, tag: str, name: str, value: str) -> bool:
        if value in self._addresses:
            return True
        if name == "src":
            return tag == "img" and _PICTURE.fullmatch(value) is not None
        return value.startswith("#") or (tag == "a" and _OUTSIDE.match(value) is not None)
