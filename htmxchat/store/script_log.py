"""The store's part for scripts: the queue of every conversation, shared by all pages that show it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from ..errors import InvalidInput
from ..scripts.actions import ScriptAction
from ..scripts.models import FromAnswer, Script
from ..scripts.states import MAX_SCRIPTS, settle, step, usable
from . import rows
from . import script_rows as queue
from .database import Database


class ScriptLog:
    """Scripts and what happened to them. Every change is one transaction that no other change of the queue can cross.

    What agents propose joins the queue with the event that says so, and what a run waits for is cancelled when it ends.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_scripts(self, user_id: str, conversation_id: str) -> tuple[Script, ...]:
        """Return a conversation's scripts in the order in which they came.

        Raises:
            NotFound: There is no such conversation of this user.
        """

        def look(db: Connection) -> list[Script]:
            return queue.read(db, rows.find(db, user_id, conversation_id).id)

        def settled(db: Connection) -> list[Script]:
            queue.lock(db, conversation_id)
            return [queue.answer(db, script) for script in queue.read_settled(db, conversation_id, now)]

        scripts = await self._database.read(look)
        now = datetime.now(UTC)
        if any(settle(script, now) is not script for script in scripts):
            scripts = await self._database.write(settled)
        return tuple(scripts)

    async def queue_block(self, user_id: str, run_id: str, number: int, code: str, title: str) -> Script:
        """Queue a Python block of an answer, or return the script that it is already.

        Raises:
            NotFound: There is no such run of this user.
            InvalidInput: It cannot be run: too long, empty, or one too many of this answer.
        """

        def work(db: Connection) -> Script:
            run = rows.find_run(db, user_id, run_id)
            usable(code)
            queue.lock(db, run.conversation_id)
            there = {script.origin for script in queue.read(db, run.conversation_id) if script.run_id == run_id}
            origin = FromAnswer(number)
            if origin not in there and len(there) >= MAX_SCRIPTS:
                raise InvalidInput(f"An answer may have {MAX_SCRIPTS} scripts in the queue.")
            return queue.add(db, run.conversation_id, run_id, origin, code, title)

        return await self._database.write(work)

    async def change_script(self, user_id: str, run_id: str, script_id: str, action: ScriptAction) -> Script:
        """Carry out an action, and leave the result for a run that waits for it.

        Raises:
            NotFound: There is no such script of this user.
            Conflict, InvalidInput: The action does not apply.
        """

        def work(db: Connection) -> Script:
            run = rows.find_run(db, user_id, run_id)
            queue.lock(db, run.conversation_id)
            now = datetime.now(UTC)
            scripts = [queue.answer(db, each) for each in queue.read_settled(db, run.conversation_id, now)]
            script = queue.find(scripts, run_id, script_id)
            changed = step(script, action, scripts, now)
            if changed is not script:
                queue.save(db, changed)
            return queue.answer(db, changed)

        return await self._database.write(work)

    async def clear_scripts(self, user_id: str, conversation_id: str) -> None:
        """Put what is over out of sight.

        Raises:
            NotFound: There is no such conversation of this user.
        """
        await self._database.write(lambda db: queue.clear(db, rows.find(db, user_id, conversation_id).id))
