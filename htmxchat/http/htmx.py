"""What htmx says of a request."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers


@dataclass(frozen=True, slots=True)
class Htmx:
    """The headers of htmx, read once.

    Attributes:
        asks: Whether htmx, or a script of the page, asks.
        fragment: Whether it asks for a part of a page, not a whole one. When it restores one from the history it wants
            the whole.
        source: The element that asks, `tag#id`; empty when no one says.
        target: The id of the element that the answer is for; empty when it has none.
        targeted: Whether the answer is for an element at all, or goes to a script.
        page: The address of the page that asks; others than htmx have it in `Referer`. Empty when no one says.
    """

    asks: bool = False
    fragment: bool = False
    source: str = ""
    target: str = ""
    targeted: bool = False
    page: str = ""

    @classmethod
    def of(cls, headers: Headers) -> Htmx:
        return cls(
            asks="hx-request" in headers,
            fragment=headers.get("hx-request") == "true" and headers.get("hx-request-type", "partial") == "partial",
            source=headers.get("hx-source", ""),
            target=headers.get("hx-target", "").rpartition("#")[2],
            targeted="hx-target" in headers or "hx-source" in headers,
            page=headers.get("hx-current-url") or headers.get("referer", ""),
        )

    def comes_from(self, element: str) -> bool:
        """Return whether an element with this tag asks."""
        return self.source.partition("#")[0] == element

    @property
    def page_path(self) -> tuple[str, str]:
        """The path and the query of the page that asks; both empty when it is no address."""
        try:
            parts = urlsplit(self.page)
        except ValueError:
            return "", ""
        return parts.path, parts.query
