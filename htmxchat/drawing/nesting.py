"""Checks that the host's HTML stays inside the element into which it is put. Standard library only."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_FOREIGN = frozenset(("svg", "math"))
_REFUSED = frozenset(("link", "meta", "base", "title", "html", "head", "body", "frameset", "plaintext"))
# The element around it was closed.
_STRAY = "has </div> that closes nothing"


def misfit(html: str) -> str:
    """Return the fault of HTML that is to be put inside an element, "has …"; empty if there is none.

    It closes what it opens and nothing else, and has nothing that the policy of the pages would leave out.
    """
    if "<" not in html:
        return ""
    reader = _Reader()
    reader.feed(f"<div>{html}</div>")
    if reader.problem:
        return reader.problem
    if reader.rawdata:
        return "has a tag or a comment that does not end"
    return f"has <{reader.open[-1]}> that is not closed" if reader.open else ""


class _Reader(HTMLParser):
    """Reads tags, as far as nothing is wrong with them.

    Attributes:
        open: The elements that are open; the first is the one around the HTML.
        problem: The first thing that is wrong.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problem = ""
        self._over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Outside of drawings, browsers do not see the slash.
        if tag in _FOREIGN or not _FOREIGN.isdisjoint(self.open):
            self._check(tag, attrs)
        else:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self._over:
            self._refuse(_STRAY)
        elif self.open[-1] == tag:
            self.open.pop()
            self._over = not self.open
        elif tag in self.open:
            self._refuse(f"has <{self.open[-1]}> that is not closed")
        else:
            self._refuse(f"has </{tag}> that closes nothing")

    def handle_data(self, data: str) -> None:
        if self._over:
            self._refuse(_STRAY)

    def handle_comment(self, data: str) -> None:
        # For a browser these are whole.
        if data.startswith((">", "->")):
            self._refuse("has a comment that begins with >")

    def _check(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._over:
            self._refuse(_STRAY)
        if tag in _REFUSED and _FOREIGN.isdisjoint(self.open):
            self._refuse(f"has a {tag} element, which has no place in an answer")
        if tag.startswith("hx-"):
            self._refuse(f"has a {tag} element, which would change other places of the page")
        if tag in ("script", "style"):
            self._refuse(f"has a {tag} element, which the pages' policy does not allow")
        for name, _ in attrs:
            if name.removeprefix("data-").startswith("hx-swap-oob"):
                self._refuse(f"has the attribute {name}, which would change other places of the page")
            if name == "style" or name.startswith(("on", "hx-on")):
                self._refuse(f"has the attribute {name}, which the pages' policy does not allow")

    def _refuse(self, problem: str) -> None:
        self.problem = self.problem or problem
