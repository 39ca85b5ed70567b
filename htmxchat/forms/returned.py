"""The contents of a form that was rejected, so that it is drawn again with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Returned:
    """A form that was sent and is to be corrected.

    Attributes:
        posted: What was sent, by the names of the fields.
        problems: What is right instead, by the names of the fields.
    """

    run_id: str
    request_id: str
    posted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
