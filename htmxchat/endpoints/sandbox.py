"""The document of the sandbox's frame."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from ..chat import Chat

FRAME = "js/sandbox/frame.js"


async def show(request: Request) -> Response:
    """The document that runs Python: the same for everyone, and with nothing of anyone in it."""
    chat: Chat = request.app.state.chat
    source = chat.assets.content(FRAME)
    # Written out, because its digest lets it run whatever host, scheme or path a proxy shows to the browser.
    digest = base64.b64encode(hashlib.sha256(source).digest()).decode()
    body = b"<!doctype html><meta charset=utf-8><title>Sandbox</title><script>" + source + b"</script>"
    return Response(
        body,
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": policy(digest, chat.settings.origins.frame_ancestors),
            # Gives the frame a process and shared memory of its own, so that a script can be interrupted.
            "Document-Isolation-Policy": "isolate-and-require-corp",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "public, no-cache",
        },
    )


def policy(digest: str, ancestors: Iterable[str]) -> str:
    """Return the frame's Content-Security-Policy: one script, the workers it makes, and no request at all.

    Args:
        digest: SHA-256 of the script, in Base64.
        ancestors: Who may show the chat's pages in a frame, apart from the chat itself: they are ancestors of this one.
    """
    others = [source for source in ancestors if source not in ("'self'", "'none'")]
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{digest}' blob: 'wasm-unsafe-eval'",
            "worker-src blob:",
            "connect-src 'none'",
            "form-action 'none'",
            "base-uri 'none'",
            " ".join(("frame-ancestors 'self'", *others)),
            "sandbox allow-scripts",
        )
    )
