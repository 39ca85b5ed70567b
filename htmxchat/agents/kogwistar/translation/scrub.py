"""Takes out of what the server says what belongs to its own insides. Pure functions over JSON values.

For values that a page shows as they are: results of tools, events, states. Their text is a user's business, so only
tracebacks, places in the server's files, and secrets go. Of a traceback, the lines that led to the error go; the error
at its end stays. `problems.plain` is stricter, for sentences about failures.
"""

from __future__ import annotations

import re
from typing import Any

from ....text.redaction import redact_text

_ROOTS = "app|data|etc|home|mnt|opt|private|root|run|secrets|srv|tmp|usr|Users|var|work|workspace"
_HEAD = r"Traceback \(most recent call last\)[^\n]*"
# Its frames are indented; what follows them is the error itself. Those of exception groups stand behind bars.
TRACEBACK = re.compile(
    rf"(?:(?<=\| )|\+ Exception Group ){_HEAD}(?:\n *\| {{2}}[^\n]*)*\n *\| |{_HEAD}(?:\n(?:[ \t]+|File \")[^\n]*)*\s*"
)
FRAME = re.compile(r"File \"[^\"\n]*\"(?:, line \d+)?(?:, in [^\n]*)?(?:\n[ \t]+[^\n]*)?")
_PLACE = re.compile(rf"<server-path>|(?<![\w/:.])/(?:{_ROOTS})(?:/[\w.@~+-]+)+/?|\b[A-Za-z]:(?:\\+[\w.@~+ -]+){{2,}}")


def scrub(value: Any) -> Any:
    """Return a JSON value without tracebacks, the server's paths, and what looks like a secret, in any of its texts."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if isinstance(value, dict):
        return {key: scrub(item) for key, item in value.items()}
    return value


def scrub_text(text: str) -> str:
    """Return text in which `…` stands for each of these."""
    return _PLACE.sub("…", FRAME.sub("…", TRACEBACK.sub("… ", redact_text(text))))
