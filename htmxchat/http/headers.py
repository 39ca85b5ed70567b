"""The security headers of every response."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_EXACT_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")
_HOST = re.compile(
    r"(https?://)?"  # without a scheme: the page's scheme, or https
    r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
    r"(:(\d{1,5}|\*))?"
    r"(/[A-Za-z0-9._~/%-]*)?"
)
_ORIGIN = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")
_EMPTY = (204, 304)
_NO_PAGE = ("text/css", "text/javascript")
_KEYWORDS = frozenset({"'self'", "'none'"})


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """What the chat's pages may load, and which sites may embed them.

    Attributes:
        image_hosts: Hosts besides the chat's own from which pages may load images: `images.example.org`, with the port
            if there is one. An answer can name any URL, and loading it sends the URL's content to that host: list only
            hosts that you would trust with the conversation.
        connect_origins: Origins besides the chat's own from which pages may fetch, `https://pyodide.example.org`: the
            files that scripts need. An agent's text cannot trigger such a request.
        frame_ancestors: Sites that may embed the chat: `'self'` (with its quotes), a host, `*.example.org`,
            `https://example.org:8443`; none if empty.

    Raises:
        ValueError: An entry is not a host. So no entry can add a directive.
    """

    image_hosts: tuple[str, ...] = ()
    connect_origins: tuple[str, ...] = ()
    frame_ancestors: tuple[str, ...] = ("'self'",)

    def __post_init__(self) -> None:
        # A single string would be iterated by letter, and letters are valid host names.
        for name in ("image_hosts", "connect_origins", "frame_ancestors"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be a tuple of hosts, not one string")
        ancestors = [host for host in self.frame_ancestors if host not in _KEYWORDS]
        _check("image_hosts", _EXACT_HOST, self.image_hosts, 'host, "images.example"')
        _check("connect_origins", _ORIGIN, self.connect_origins, 'origin, "https://pyodide.example"')
        _check("frame_ancestors", _HOST, ancestors, 'source, "\'self\'" or "https://portal.example"')

    def header(self) -> str:
        """Return the value of `Content-Security-Policy`."""
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                " ".join(("img-src 'self' data:", *self.image_hosts)),
                "font-src 'self'",
                " ".join(("connect-src 'self'", *self.connect_origins)),
                "frame-src 'self'",  # the sandbox that runs scripts
                "form-action 'self'",
                "base-uri 'none'",
                " ".join(("frame-ancestors", *(self.frame_ancestors or ("'none'",)))),
            )
        )


class SecurityHeaders:
    """ASGI middleware that adds the headers below to every response that does not set them itself.

    - `X-Content-Type-Options: nosniff`.
    - `Cache-Control: no-store`: pages contain private conversations.

    And to all that a browser can show as a page, so not to a response without content, a style sheet or a script:

    - `Content-Security-Policy`: see `ContentPolicy`.
    - `Referrer-Policy: same-origin`: a link in an answer does not reveal the conversation's URL to another site.
    - `Cross-Origin-Opener-Policy: same-origin`: a site that opened the chat in a window gets no reference to it.
      Browsers apply it to top-level windows only, so a chat in a host's iframe is not affected.
    - `Permissions-Policy`: no camera, location, microphone, payment or USB.
    """

    def __init__(self, app: ASGIApp, policy: ContentPolicy | None = None) -> None:
        self._app = app
        self._headers = (("x-content-type-options", "nosniff"), ("cache-control", "no-store"))
        self._of_pages = (
            ("content-security-policy", (policy or ContentPolicy()).header()),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                shown = message["status"] not in _EMPTY and not headers.get("content-type", "").startswith(_NO_PAGE)
                for name, value in self._headers + (self._of_pages if shown else ()):
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _check(name: str, pattern: re.Pattern[str], hosts: Iterable[str], example: str) -> None:
    for host in hosts:
        if not pattern.fullmatch(host):
            raise ValueError(f"each of {name} must be a {example}, not {host!r}.")
