"""Redacts secrets in what an agent sent, before it is shown. Pure functions over JSON values.

Two rules: a value whose key names a secret, and text that looks like a secret anywhere. The second cannot recognize
every secret, so agents should use keys that name them.
"""

from __future__ import annotations

import re

from ..events import JSON
from .cleaning import MAX_DEPTH, TOO_DEEP

HIDDEN = "[hidden]"

_KEY = re.compile(
    r"(^|[^a-z])(authorization|passw(or)?d|passphrase|secrets?|api[_-]?keys?|(access|auth|bearer|refresh|id|session|csrf)"
    r"[_-]?tokens?|tokens?|private[_-]?keys?|(set[_-]?)?cookies?|credentials?|client[_-]?secret)($|[^a-z])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Linear: each alternative reads each character a bounded number of times, because the text is untrusted.
_VALUES = re.compile(
    r"(?P<keep>\b(?:bearer|basic)\s++)[A-Za-z0-9._~+/=-]{8,}"  # Authorization
    # JWT, with a prefix in the same word. Only a word followed by two more parts is searched.
    r"|(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]++\.[A-Za-z0-9_-]{6,}+\.)(?:[A-Za-z0-9_]*+-)*?"
    r"eyJ[A-Za-z0-9_-]{6,}+\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+"
    r"|\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?P<at>://)[^\s/:@]+:[^\s/@]+(?=@)",  # a password in a URL
    re.IGNORECASE | re.DOTALL,
)
# A number under "tokens" is a token count.
_COUNTS = (int, float, bool, type(None))


def redact(value: JSON, depth: int = MAX_DEPTH + 2) -> JSON:
    """Return `value` with secrets replaced by `[hidden]`. Values nested more than `depth` deep are left out.

    The default is a little more than the limit for stored values, because values here are nested in an event.
    """
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict | list) and not depth:
        return TOO_DEEP
    if isinstance(value, list):
        return [redact(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {
            key: HIDDEN if names_secret(key) and not isinstance(item, _COUNTS) else redact(item, depth - 1)
            for key, item in value.items()
        }
    return value


def redact_text(text: str) -> str:
    """Return text with everything that looks like a secret replaced."""

    return _VALUES.sub(_hide, text) if len(text) > 8 else text


def names_secret(key: str) -> bool:
    """Return whether this key names a secret."""
    return _KEY.search(_CAMEL.sub("_", key)) is not None


def _hide(found: re.Match[str]) -> str:
    return (found["keep"] or found["at"] or "") + HIDDEN
