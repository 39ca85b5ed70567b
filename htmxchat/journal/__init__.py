"""The log in use: one writer, one lease and one tail for all runs of a process.

timing     intervals and timeouts
outage     whether the database is unreachable
run_log    the log of one active run: stored events and pending events
writer     stores the pending events of all runs, one transaction per frame
lease      sends a heartbeat every second and finds processes that died
listener   receives notifications from the database (PostgreSQL)
tail       reads what other processes write: events for readers, answers for waiting runs
journal    combines all of these
"""

from .journal import Journal
from .timing import Timing

__all__ = ["Journal", "Timing"]
