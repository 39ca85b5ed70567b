"""Timeouts of the database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Timeouts in seconds.

    Attributes:
        patience: How long to wait for a connection, and for transactions when the database is closed.
        recent: How long after its last use a connection is used again without a ping.
    """

    patience: float = 10.0
    recent: float = 1.0
