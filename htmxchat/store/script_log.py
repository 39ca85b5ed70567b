"""The store's part for scripts: the queue of every conversation, shared by all pages that show it.

Whoever calls has made sure that the conversation and the run are the user's.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from ..errors import InvalidInput
from ..events import ScriptProposed
from ..scripts.actions import ScriptAction
from ..scripts.models import Script
from ..scripts.states import MOST_SCRIPTS, settle, step, usable
from . import script_rows as rows
from .database import Database


class ScriptLog(Database):
    """Scripts and what became of them. Every change is one transaction that no other change of the queue can cross."""

    async def list_scripts(self, conversation_id: str) -> tuple[Script, ...]:
        """Return a conversation's scripts in the order in which they came."""
        scripts = await self.read(lambda db: rows.read(db, conversation_id))
        now = datetime.now(UTC)
        if any(settle(script, now) is not script for script in scripts):

            def work(db: Connection) -> list[Script]:
                rows.lock(db, conversation_id)
                return [rows.answer(db, script) for script in rows.read_settled(db, conversation_id, now)]

            scripts = await self.write(work)
        return tuple(scripts)

    async def add_proposal(self, conversation_id: str, run_id: str, proposal: ScriptProposed) -> Script:
        """Queue what an agent proposed, once."""
        return await self.write(lambda db: rows.propose(db, conversation_id, run_id, proposal))

    async def add_block(self, conversation_id: str, run_id: str, number: int, code: str, title: str) -> Script:
        """Queue a Python block of an answer, or return the script that it is already.

        Raises:
            InvalidInput: It cannot be run: too long, empty, or one too many of this answer.
        """
        usable(code)

        def work(db: Connection) -> Script:
            rows.lock(db, conversation_id)
            there = {script.origin for script in rows.read(db, conversation_id) if script.run_id == run_id}
            if f"block:{number}" not in there and len(there) >= MOST_SCRIPTS:
                raise InvalidInput(f"An answer may have {MOST_SCRIPTS} scripts in the queue.")
            return rows.add(db, conversation_id, run_id, f"block:{number}", code, title, False)

        return await self.write(work)

    async def change_script(self, conversation_id: str, run_id: str, script_id: str, action: ScriptAction) -> Script:
        """Carry out an action, and hand the result to a run of this store that waits for it.

        Raises:
            NotFound: There is no such script.
            Conflict, InvalidInput: The action does not apply.
        """

        def work(db: Connection) -> Script:
            rows.lock(db, conversation_id)
            now = datetime.now(UTC)
            queue = [rows.answer(db, each) for each in rows.read_settled(db, conversation_id, now)]
            script = rows.find(queue, run_id, script_id)
            changed = step(script, action, queue, now)
            if changed is not script:
                rows.save(db, changed)
            return rows.answer(db, changed)

        return await self.write(work)

    async def mark_delivered(self, script: Script) -> Script:
        """Remember that the run has got the result."""
        return await self.write(lambda db: rows.deliver(db, script))

    async def withdraw_scripts(self, run_id: str) -> None:
        """Cancel what a run that is over has waited for."""
        await self.write(lambda db: rows.withdraw(db, [run_id]))

    async def clear_scripts(self, conversation_id: str) -> None:
        """Put what is over out of sight."""
        await self.write(lambda db: rows.clear(db, conversation_id))
