"""The durable log: conversations, turns, runs and events, in SQLite or any database with an asyncio driver.

The log is the truth; notification is only a wake-up. Everything that somebody asks for by id takes the user's id, and
raises `NotFound` for what belongs to somebody else exactly as for what never existed.
"""

from __future__ import annotations

from .keys import Keys
from .listening import Listening
from .run_logs import RunLogs
from .runs import Runs
from .script_log import ScriptLog
from .sessions import Sessions
from .takeover import Takeover
from .upkeep import Upkeep


class Store(Runs, RunLogs, Takeover, Listening, ScriptLog, Sessions, Keys, Upkeep):
    """The chat's memory. asyncio only.

    `Store()` lives in memory and dies with the object, `Store("sqlite:///chat.db")` is a file that several
    processes of one machine can share, a `postgresql+asyncpg` URL serves many machines, whose clocks must agree to
    within a second or so. Tables are created at first use.

    A deleted conversation is hidden at once and can be restored for `keep_deleted` seconds; after that, one of the
    next calls removes it with everything in it.

    Args:
        url: An SQLAlchemy URL, with an async driver unless it is SQLite, or `None` for a store in memory.
        keep_deleted: For how many seconds a deletion can be undone.
        migrate: Whether a database that an older version made is brought to the present schema at first use. Without
            it, such a database is refused until `python -m htmxchat db upgrade URL` has run.
        connections: How many connections to the database requests may use at a time. Others wait for one, for up to ten
            seconds. A process has up to three more for its own work, and one to PostgreSQL that listens.

    Raises:
        ValueError: The URL cannot be used.
        BackendUnavailable: By every method, when the database cannot be reached: trying again helps once it can.
        OtherSchema: By every method, when the database has an older schema and `migrate` is off, or has a newer one.
        BackendError: By every method, when the database refuses. The log says why.
    """
