"""Intervals and timeouts of the journal."""

from __future__ import annotations

from dataclasses import dataclass

from ..kinds import check_fields


@dataclass(frozen=True, slots=True)
class Timing:
    """Intervals and timeouts in seconds.

    Attributes:
        frame: The shortest time between two commits of a process.
        poll: Between two polls of the store for what other processes wrote.
        recheck: The same while notifications arrive (PostgreSQL), in case one is lost.
        renew: Between two heartbeats of a process, and the longest time until a stop from another process is seen.
        expire: The age of a process's last heartbeat at which it is watched.
        watch: How long a watched process may send no heartbeat before it counts as dead.
        refused: How long rejected writes are retried before their run ends as failed.
        grace: The time an agent gets to clean up after a stop.
        finish: The time that runs get to finish when the server shuts down.
        close: The time an agent gets to clean up when the backend closes.
        orphan: How long a released run waits for a process with its agent before any process ends it.
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
