"""The durable log: conversations, turns, runs and events, in SQLite or any database with an asyncio driver.

The log is the source of truth; a notification is only a wake-up. Every method that takes an id on a user's behalf also
takes the user's id, and raises `NotFound` for another user's row exactly as for one that does not exist.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, Literal, cast

from .. import checks
from ..events import JSON
from . import upkeep
from .archives import Archives
from .conversations import Conversations
from .database import Database
from .feedback import KeptFeedback
from .file_stores import FileStore
from .files import KeptFiles
from .keys import Keys
from .listening import Listening
from .run_logs import RunLogs
from .runs import Runs
from .script_log import ScriptLog
from .sessions import Sessions
from .shares import Shares
from .takeover import Takeover
from .turns import Turns

_YEARS = 10 * 365 * 86_400


class Store:
    """The chat's database. asyncio only.

    `Store()` is in memory and is lost with the object. `Store("sqlite:///chat.db")` is a file that several processes of
    one machine can share. A `postgresql+asyncpg` URL serves several machines; keep their clocks within one second of
    each other. Tables are created at first use.

    A deleted conversation is hidden at once and can be restored for `keep_deleted` seconds; after that, one of the
    next calls deletes it for good.

    Args:
        url: An SQLAlchemy URL, with an async driver unless it is SQLite, or `None` for a store in memory.
        keep_deleted: For how many seconds a deletion can be undone.
        migrate: Whether a database of an older version is migrated at first use. If not, such a database is refused
            until `python -m htmxchat db upgrade URL` has run.
        connections: How many database connections requests may use at a time; others wait up to ten seconds for one. A
            process opens up to three more for its own work, and one to PostgreSQL for notifications.
        files: Where the bytes of files are stored: `FolderFiles("files")`, or any object with the methods of
            `FileStore`. By default in the database. `False`: this process does not know where; it stores no files, and
            leaves contents that nothing refers to for processes that know.

    Attributes:
        database: Transactions; everything else uses them.
        conversations: List, search, read, rename, delete and restore conversations.
        runs: Runs, for their users.
        turns: Delete and restore turns.
        archives: Read whole conversations, and store those that were held elsewhere.
        shares: Which conversations anyone with a key may read.
        logs: Logs of runs, for the processes that execute them.
        takeover: Releases and claims runs.
        listening: Receives notifications of what other processes write.
        scripts: The queue of every conversation.
        files: Files of users and agents.
        feedback: What users think of answers.
        sessions: Sign-ins.
        keys: The key that signs cookies.

    Raises:
        ValueError: The URL cannot be used.
        BackendUnavailable: By every method, if the database cannot be reached; a retry may succeed later.
        OtherSchema: By every method, if the database has an older schema and `migrate` is off, or has a newer one.
        BackendError: By every method, if the database reports an error. The server's log has the details.
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
        self.turns = Turns(self.database, self.conversations, keep)
        self.archives = Archives(self.database)
        self.shares = Shares(self.database, self.files)
        self.logs = RunLogs(self.database)
        self.takeover = Takeover(self.database)
        self.listening = Listening(self.database)
        self.scripts = ScriptLog(self.database)
        self.feedback = KeptFeedback(self.database)
        self.sessions = Sessions(self.database)
        self.keys = Keys(self.database)

    async def open(self) -> None:
        """Create or migrate the tables if necessary. Optional: this also happens at first use."""
        await self.database.open()

    async def check(self) -> None:
        """Return if the database is reachable and has this version's tables; raise otherwise."""
        await self.database.check()

    async def close(self) -> None:
        """Wait up to ten seconds for transactions, then close all connections. A database in memory is lost."""
        await self.database.close()

    async def prune(self, older_than: timedelta) -> int:
        """Delete conversations in which nothing has happened for a time.

        One with a run that a process executes is kept. One with a released run that waits for an answer is deleted.
        Sign-ins are kept: they expire.

        Args:
            older_than: The time since the last turn began or ended.

        Returns:
            The number of conversations deleted.

        Raises:
            ValueError: The time is negative.
        """
        removed = await upkeep.prune(self.database, older_than)
        await self.files.sweep(now=True)
        return removed

    async def delete_user(self, user_id: str) -> int:
        """Delete all data of a user: conversations, including deleted ones, files and sign-ins.

        An active run loses its log, so its agent is stopped, within about a second.

        Returns:
            The number of conversations deleted.
        """
        removed = await upkeep.delete_user(self.database, user_id)
        await self.files.remove_user(user_id)
        return removed

    def export_user(self, user_id: str) -> AsyncGenerator[dict[str, JSON], None]:
        """Yield each of a user's conversations as JSON, oldest first, including deleted ones that are not purged yet.

        Each has its turns (`follows` is the id of the run before the turn), the files of each turn (`store.files.open`
        gives their contents), all runs of each turn with their events, the agent's memory and the user's feedback, and
        its scripts. `head` is the last run of the shown path. Times are ISO 8601.
        """
        return upkeep.export_user(self.database, user_id)


def _file_store(files: Any) -> FileStore | Literal[False] | None:
    if files is None or files is False:
        return files
    missing = [name for name in ("put", "open", "delete") if not callable(getattr(files, name, None))]
    if missing or isinstance(files, type):
        lacks = f"{checks.kind(files)}, which lacks {', '.join(missing)}" if missing else checks.kind(files)
        raise TypeError(f'files must be a FileStore, FolderFiles("files"), not {lacks}.')
    return cast(FileStore, files)
