"""What the parts of the inspector share: links."""

from __future__ import annotations

from ..controls import swaps


def inspects(url: str) -> dict[str, str]:
    """Return the attributes of a link that changes what the inspector shows."""
    return {**swaps(url, "#inspector"), "hx_push_url": "true"}
