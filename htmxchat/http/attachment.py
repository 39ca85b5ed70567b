"""The header that has a browser save a response as a file."""

from __future__ import annotations

import re
from urllib.parse import quote


def attachment(name: str) -> str:
    """Return the value of `Content-Disposition` for a file of this name."""
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
