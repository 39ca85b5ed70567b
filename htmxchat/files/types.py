"""Decides a file's type from its content. Signatures are puremagic's; text is recognized by its characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .names import ending

HEAD = 4096
"""How many bytes from the beginning of a file say what it is."""

UNKNOWN = "application/octet-stream"

_SURE = 0.3  # three bytes in the right place; two happen by chance
_MARKUP = ("text/html", "image/svg+xml", "application/xml")
# All of them begin as any text does, so only the name tells one from the other.
_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        ".csv": "text/csv",
        ".tsv": "text/tab-separated-values",
        ".md": "text/markdown",
        ".markdown": "text/markdown",
        ".json": "application/json",
        ".jsonl": "application/x-ndjson",
        ".ndjson": "application/x-ndjson",
        ".py": "text/x-python",
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".css": "text/css",
        ".yaml": "text/yaml",
        ".yml": "text/yaml",
        ".toml": "text/x-toml",
        ".ics": "text/calendar",
        ".html": "text/html",
        ".htm": "text/html",
        ".xhtml": "text/html",
        ".xml": "application/xml",
        ".svg": "image/svg+xml",
    }
)
_USUAL: Mapping[str, str] = MappingProxyType(
    {
        "image/x-ms-bmp": "image/bmp",
        "audio/wave": "audio/wav",
        "audio/x-wav": "audio/wav",
        "application/x-gzip": "application/gzip",
        "application/x-zip-compressed": "application/zip",
        "text/xml": "application/xml",
    }
)
# Browsers look for these in what they take for markup, at the beginning and after white space and comments.
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|script|iframe|title|style|table|meta|link|div|a\s|p>|h1)", re.I)
_SVG = re.compile(rb"<([a-z0-9_-]{1,40}:)?svg[\s>/]", re.I)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,90}")


def media_type(head: bytes, name: str) -> str:
    """Return what a file is that begins so.

    A name never makes it anything else; where files of several types begin alike (text, or an archive that is a
    document), it says which of them this is.

    Args:
        head: Its first bytes: `HEAD` of them, or all that there are.
    """
    head = head[:HEAD]
    if is_text(head):
        return _text_type(head, name)
    return _binary_type(head, name)


def is_text(head: bytes) -> bool:
    """Return whether bytes are the beginning of a text in UTF-8."""
    if _CONTROLS.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # Cut inside a character.
        return error.reason == "unexpected end of data" and len(head) - error.start < 4 and len(head) >= HEAD
    return True


def _text_type(head: bytes, name: str) -> str:
    # What can run anywhere is called what it is, whatever its name.
    if _SVG.search(head):
        return "image/svg+xml"
    if _HTML.search(head):
        return "text/html"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:5].lower() == b"<?xml":
        return "application/xml"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    named = _TEXTS.get(ending(name), "text/plain")
    return "text/plain" if named in _MARKUP else named


def _binary_type(head: bytes, name: str) -> str:
    import puremagic

    if not head:
        return UNKNOWN
    try:
        matches: list[Any] = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    known = [match for match in matches if _TYPE.fullmatch(match.mime_type)]
    if not known or known[0].confidence < _SURE:
        return UNKNOWN
    alike = [match for match in known if match.byte_match == known[0].byte_match]
    named = next((match for match in alike if match.extension == ending(name)), known[0])
    found = str(_USUAL.get(named.mime_type, named.mime_type))
    # It is no text, so it is not that either: what is not known to be harmless has no name.
    return UNKNOWN if found.startswith("text/") or found in _MARKUP else found
