"""The request headers of htmx."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers


@dataclass(frozen=True, slots=True)
class Htmx:
    """The headers of htmx, parsed.

    Attributes:
        asks: Whether htmx, or a script of the page, sent the request.
        fragment: Whether it wants a fragment, not a whole page. To restore a page from the history, htmx requests a
            whole page.
        source: The element that sent the request, `tag#id`; empty if unknown.
        target: The id of the element that the response is for; empty if it has none.
        targeted: Whether the response is for an element, not for a script.
        page: The URL of the page that sent the request, from htmx or from `Referer`; empty if unknown.
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
        """Return whether an element with this tag sent the request."""
        return self.source.partition("#")[0] == element

    @property
    def page_path(self) -> tuple[str, str]:
        """The path and query of the page that sent the request; both empty if its URL is invalid."""
        try:
            parts = urlsplit(self.page)
        except ValueError:
            return "", ""
        return parts.path, parts.query
