"""The live side of the log: one writer, one lease and one tail for all the runs of a process.

timing     how long things take
outage     whether the database is away
run_log    one active run's log: what is stored, and what is still to be
writer     stores what all runs have to write, one transaction a frame
lease      says once a second that the process is alive, and finds those that are not
listener   hears from the database that they have, where it tells
tail       reads what other processes write: events for readers, answers for runs that wait
journal    all of these together
"""

from .journal import Journal
from .timing import Timing

__all__ = ["Journal", "Timing"]
