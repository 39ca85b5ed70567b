"""The widths that the reader has set: of the list of conversations, and of the rooms at the side.

A cookie of the page's script keeps them on the device, so that a page is drawn with them at once.
"""

from __future__ import annotations

COOKIE = "htmxchat_widths"
# In rem; `css/rooms.css` and `js/widths.js` have the same.
_KNOWN = frozenset([*(f"h{width}" for width in range(12, 29)), *(f"s{width}" for width in range(20, 49)), "folded"])


def widths_of(sent: str | None) -> str | None:
    """Return the value of `data-widths`; `None` if the reader has not set any."""
    return " ".join(each for each in (sent or "").split(".")[:3] if each in _KNOWN) or None
