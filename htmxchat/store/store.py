"""The durable log: conversations, turns, runs and events, in SQLite or any database with an asyncio driver.

The log is the truth; notification is only a wake-up. Everything that someone asks for by id takes the user's id, and
raises `NotFound` for what belongs to someone else exactly as for what never existed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, Literal, cast

from .. import checks
from ..events import JSON
from . import upkeep
from .conversations import Conversations
from .database import Database
from .file_stores import FileStore
from .files import KeptFiles
from .keys import Keys
from .listening import Listening
from .run_logs import RunLogs
from .runs import Runs
from .script_log import ScriptLog
from .sessions import Sessions
from .takeover import Takeover

_YEARS = 10 * 365 * 86_400


class Store:
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
        files: Where the bytes of files are: `FolderFiles("files")`, or anything with the methods of `FileStore`.
            Default: in the database. `False`: this process does not know. It keeps none, and leaves what nothing has
            any more to processes that know.

    Attributes:
        database: Transactions. All else is made of them.
        conversations: Found, read, renamed, deleted and brought back by their users.
        runs: As their users see them.
        logs: What the processes write that carry out runs.
        takeover: How runs change hands.
        listening: Hears what other processes write.
        scripts: The queue of every conversation.
        files: What users send and agents give back.
        sessions: Sign-ins.
        keys: What signs the browsers' cookies.

    Raises:
        ValueError: The URL cannot be used.
        BackendUnavailable: By every method, when the database cannot be reached: trying again helps once it can.
        OtherSchema: By every method, when the database has an older schema and `migrate` is off, or has a newer one.
        BackendError: By every method, when the database refuses. The log says why.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        keep_deleted: float = 600.0,
        migrate: bool = True,
        connections: int = 10,
        files: FileStore | Literal[False] | None = None,
    ) -> None:
        checks.whole("connections", connections, least=1)
        keep = timedelta(seconds=checks.seconds("keep_deleted", keep_deleted, zero=True, most=_YEARS))
        self.database = Database(url, migrate=checks.flag("migrate", migrate), connections=connections)
        self.files = KeptFiles(self.database, _file_store(files))
        self.conversations = Conversations(self.database, keep, self.files.sweep)
        self.runs = Runs(self.database, self.conversations)
        self.logs = RunLogs(self.database)
        self.takeover = Takeover(self.database)
        self.listening = Listening(self.database)
        self.scripts = ScriptLog(self.database)
        self.sessions = Sessions(self.database)
        self.keys = Keys(self.database)

    async def open(self) -> None:
        """Make the tables if need be. Optional: it also happens at first use."""
        await self.database.open()

    async def check(self) -> None:
        """Return when the database can be reached and has the tables of this version."""
        await self.database.check()

    async def close(self) -> None:
        """Wait for transactions in progress and free all connections. A database in memory is lost.

        One that a database does not answer is given up after ten seconds.
        """
        await self.database.close()

    async def prune(self, older_than: timedelta) -> int:
        """Remove conversations in which nothing has happened for a time, with everything in them.

        One in which a process answers stays. A question that no one has answered for all that time goes with its
        conversation, unless its process still holds it. Sign-ins stay: they end by themselves.

        Args:
            older_than: Since the last turn began or ended.

        Returns:
            How many were removed.

        Raises:
            ValueError: The time is negative.
        """
        removed = await upkeep.prune(self.database, older_than)
        await self.files.sweep(now=True)
        return removed

    async def delete_user(self, user_id: str) -> int:
        """Remove all that is kept of a user: conversations, also deleted ones, files and sign-ins.

        An active run loses its log, so its agent is stopped, within a second or so.

        Returns:
            How many conversations were removed.
        """
        removed = await upkeep.delete_user(self.database, user_id)
        await self.files.remove_user(user_id)
        return removed

    def export_user(self, user_id: str) -> AsyncGenerator[dict[str, JSON], None]:
        """Yield each of a user's conversations as JSON, oldest first, also deleted ones that are still kept.

        Each has its turns (`follows` names the run that each comes after), for each turn what came with it (`files`,
        whose contents `store.files.open` gives) and all attempts to answer it with their events and what the agent
        remembered, and its scripts; `head` is the run that ends what is shown. Times
        are ISO 8601.
        """
        return upkeep.export_user(self.database, user_id)


def _file_store(files: Any) -> FileStore | Literal[False] | None:
    if files is None or files is False:
        return files
    missing = [name for name in ("put", "open", "delete") if not callable(getattr(files, name, None))]
    if missing or isinstance(files, type):
        lacks = f"{checks.kind(files)}, which lacks {', '.join(missing)}" if missing else checks.kind(files)
        raise TypeError(f'files is a FileStore, FolderFiles("files"), not {lacks}.')
    return cast(FileStore, files)
