"""Whether an address is that of a kogwistar server, for a program that begins."""

from __future__ import annotations

_PATIENCE = 3.0  # seconds


def doubt(url: str) -> str | None:
    """Return what seems to be wrong with a server's address, or `None`. It blocks for a few seconds at most."""
    import httpx  # here, so that the package can be imported without it

    try:
        status = httpx.get(f"{url}/api/auth/me", timeout=_PATIENCE).status_code
    except httpx.HTTPError:
        return f"The kogwistar server at {url} cannot be reached now. People can sign in as soon as it is there."
    # To nobody it says 401, and what is ill may get well.
    if status != 401 and status < 500:
        return f"What answers at {url} does not look like a kogwistar server ({status} for /api/auth/me). Check --url."
    return None
