"""How long things take."""

from __future__ import annotations

from dataclasses import dataclass

from ..kinds import check_fields


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds.

    Attributes:
        frame: Between two commits of a process whose runs write fast.
        poll: Between two looks at the store for what other processes wrote.
        recheck: The same while the database tells of it by itself (PostgreSQL does), in case that something was missed.
        renew: Between two signs of life of a process, and the longest that a stop from elsewhere takes.
        expire: How long a process may show no sign of life before it is watched.
        watch: How long it may show none while it is watched; then it counts as gone.
        refused: How long what the database refuses is tried again, before its run ends as failed.
        grace: How long an agent may take to clean up after a stop.
        finish: How long runs may take to finish when the server is about to stop.
        close: How long an agent may take to clean up when the backend closes.
        orphan: How long a run is left to processes with its agent before it is ended.
    """

    frame: float = 0.08
    poll: float = 0.25
    recheck: float = 2.0
    renew: float = 1.0
    expire: float = 4.0
    watch: float = 2.0
    refused: float = 1.0
    grace: float = 5.0
    finish: float = 5.0
    close: float = 0.5
    orphan: float = 60.0

    def __post_init__(self) -> None:
        check_fields(self)
