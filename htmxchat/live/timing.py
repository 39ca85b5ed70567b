"""Intervals and timeouts between runs and the pages that show them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Intervals and timeouts, in seconds.

    Attributes:
        frame: Between two messages of a stream, at least.
        pause: Silence of a run, after which text that was held back is shown.
        backlog: How long the log of a run may be silent while a page that comes late is brought up to date.
        patience: How long a backend that fails is tried again before its run is given up.
        retry: Between a failure of the backend and the next try; twice as long after each failure.
        longest_retry: The longest that it gets.
        well: How long a try takes that has got through.
        apart: Between two failures that have nothing to do with each other.
        poll: How long a poll waits for the first change.
        copy: Between two copies of a page that a stream continues with: the reader may have left unnoticed.
    """

    frame: float = 0.04
    pause: float = 0.25
    backlog: float = 0.5
    patience: float = 30.0
    retry: float = 0.25
    longest_retry: float = 2.0
    well: float = 1.0
    apart: float = 30.0
    poll: float = 2.0
    copy: float = 2.0
