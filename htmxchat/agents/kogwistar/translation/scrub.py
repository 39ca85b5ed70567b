"""Removes internal details of the server from JSON values. Pure functions.

For values that a page shows unchanged: results of tools, events, states. Only tracebacks, paths of the server's files
and secrets are removed. Of a traceback, the frames are removed and the error at its end stays. For sentences about
failures, `problems.plain` is stricter.
"""

from __future__ import annotations

import re
from typing import Any

from ....text.redaction import redact_text

_ROOTS = "app|data|etc|home|mnt|opt|private|root|run|secrets|srv|tmp|usr|Users|var|work|workspace"
_HEAD = r"Traceback \(most recent call last\)[^\n]*"
# Its frames are indented; the error follows them. Those of exception groups begin with a bar.
TRACEBACK = re.compile(
    rf"(?:(?<=\| )|\+ Exception Group ){_HEAD}(?:\n *\| {{2}}[^\n]*)*\n *\| |{_HEAD}(?:\n(?:[ \t]+|File \")[^\n]*)*\s*"
)
FRAME = re.compile(r"File \"[^\"\n]*\"(?:, line \d+)?(?:, in [^\n]*)?(?:\n[ \t]+[^\n]*)?")
_PLACE = re.compile(rf"<server-path>|(?<![\w/:.])/(?:{_ROOTS})(?:/[\w.@~+-]+)+/?|\b[A-Za-z]:(?:\\+[\w.@~+ -]+){{2,}}")


def scrub(value: Any) -> Any:
    """Return a JSON value without tracebacks, paths of the server and probable secrets in any of its texts."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if isinstance(value, dict):
        return {key: scrub(item) for key, item in value.items()}
    return value


def scrub_text(text: str) -> str:
    """Return text in which `…` replaces each of these."""
    return _PLACE.sub("…", FRAME.sub("…", TRACEBACK.sub("… ", redact_text(text))))
