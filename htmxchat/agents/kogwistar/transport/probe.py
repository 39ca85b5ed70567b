"""Whether an address is that of a kogwistar server with a chat."""

from __future__ import annotations

import httpx

from ....text.cleaning import read_json
from ..translation.problems import CANNOT_CHAT
from ..translation.replies import mapping


def doubt(url: str) -> str | None:
    """Return what may be wrong with a server's address, or `None`. Blocks for a few seconds at most."""
    try:
        status = httpx.get(f"{url}/api/auth/me", timeout=3).status_code
        health = httpx.get(f"{url}/health", timeout=3).content
    except httpx.HTTPError:
        return f"The kogwistar server at {url} cannot be reached now. People can sign in as soon as it is there."
    # 401 without a token is right, and a 5xx may be temporary.
    if status != 401 and status < 500:
        return f"What answers at {url} does not look like a kogwistar server ({status} for /api/auth/me). Check --url."
    return f"{CANNOT_CHAT} Check --url." if cannot_chat(health) else None


def cannot_chat(health: bytes) -> bool:
    """Return whether what a server answers to `/health` is that of a native one, which has no conversations."""
    try:
        native = mapping(mapping(read_json(health)).get("implementation"))
    except ValueError:
        return False
    return native.get("mode") == "rust" and native.get("server_cutover_ready") is not True
