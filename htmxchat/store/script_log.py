"""Scripts in the store: each conversation has a queue, shared by all pages that show it."""

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
    """Scripts and their states. Every change is one transaction that locks the queue.

    A script that an agent proposes is queued in the transaction of its event. When a run ends, the script that it waits
    for is cancelled.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_scripts(self, user_id: str, conversation_id: str) -> tuple[Script, ...]:
        """Return a conversation's scripts in queue order, those of other branches too.

        Raises:
            NotFound: This user has no such conversation.
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
        """Queue a Python block of an answer, or return its script if it is queued already.

        Raises:
            NotFound: This user has no such run.
            InvalidInput: The code is empty or too long, or the answer has too many scripts.
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
        """Apply an action, and store the result for a run that waits for it.

        Raises:
            NotFound: This user has no such script.
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
        """Hide finished scripts of the branch that is shown.

        Raises:
            NotFound: This user has no such conversation.
        """
        await self._database.write(lambda db: queue.clear(db, rows.find(db, user_id, conversation_id).id))
