"""The text formats that forms know, each with a pattern that is used in HTML and on the server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .fields import Kind


@dataclass(frozen=True, slots=True)
class Format:
    """A format of texts.

    Attributes:
        pattern: What such a text looks like, all of it; linear in Python and in a browser.
    """

    kind: Kind
    pattern: str
    rule: str


_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_MAIL = Format(
    "email",
    rf"[A-Za-z0-9.!#$%&'*+\/=?^_`\{{\|\}}~\-]{{1,64}}@{_HOST}(?:\.{_HOST}){{1,8}}",
    "Needs an address like name@example.com",
)
_URI = Format(
    "uri",
    r"[A-Za-z][A-Za-z0-9+.\-]{0,30}:\/{0,3}[^\x00-\x20\/][^\x00-\x20]*",
    "Needs an address like https://example.com",
)
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"

FORMATS: Mapping[str, Format] = {
    "email": _MAIL,
    "idn-email": Format("text", r"[^@\x00-\x20]{1,64}@[^@\x00-\x20.]{1,63}(?:\.[^@\x00-\x20.]{1,63}){1,8}", _MAIL.rule),
    "uri": _URI,
    "url": _URI,
    "iri": _URI,
    "http-url": _URI,
    "date": Format("date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "Needs a date, such as 2027-01-31"),
    "time": Format("time", r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?", "Needs a time, such as 14:30"),
    "date-time": Format(
        "moment",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?",
        "Needs a date and a time",
    ),
    "uuid": Format(
        "text",
        r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
        "Needs a UUID, such as 123e4567-e89b-12d3-a456-426614174000",
    ),
    "ipv4": Format("text", rf"{_BYTE}(?:\.{_BYTE}){{3}}", "Needs an address like 192.0.2.1"),
}
MOMENTS = ("date", "time", "moment")
"""What a browser has a calendar or a clock for."""


def has_format(text: str, name: str) -> bool:
    """Return whether a text is of a format; one that is not known here is not looked at."""
    known = FORMATS.get(name)
    return known is None or re.fullmatch(known.pattern, text) is not None
