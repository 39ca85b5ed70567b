"""How long things take with a database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds.

    Attributes:
        patience: How long a connection is waited for, and transactions when the database is closed.
        recent: Since its last use, for how long a connection is used without asking whether it is still there.
    """

    patience: float = 10.0
    recent: float = 1.0
