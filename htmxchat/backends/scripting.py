"""The queue of scripts for any backend that has a store."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..errors import ChatError, NotFound
from ..events import JSON, ScriptProposed
from ..models import Conversation, Run, User
from ..scripts.actions import ScriptAction
from ..scripts.models import Script
from ..scripts.results import encode_result
from ..store import Store

log = logging.getLogger("htmxchat")


class ScriptKeeping:
    """`htmxchat.backend.KeepsScripts` over a store. Ownership is checked by the backend's own methods.

    Attributes:
        _store: Where the queue is kept.
    """

    _store: Store

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        raise NotImplementedError

    async def get_run(self, user: User, run_id: str) -> Run:
        raise NotImplementedError

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        raise NotImplementedError

    async def _unqueued(self, user: User, conversation_id: str) -> Sequence[tuple[str, ScriptProposed]]:
        """Return what may not be in the queue yet, with the runs' ids. A store that has the runs needs none of this."""
        return ()

    async def _told(self, script: Script) -> None:
        """Something became of a script."""

    async def list_scripts(self, user: User, conversation_id: str) -> tuple[Script, ...]:
        """Return the queue, less what runs that are over waited for. What a run was not told yet, it is told now."""
        await self.get_conversation(user, conversation_id)
        for run_id, proposal in await self._unqueued(user, conversation_id):
            await self._store.add_proposal(conversation_id, run_id, proposal)
        scripts = await self._store.list_scripts(conversation_id)
        waiting = {script.run_id for script in scripts if script.awaited and not script.state.over}
        over = [run_id for run_id in waiting if not (await self.get_run(user, run_id)).state.live]
        for run_id in over:
            await self._store.withdraw_scripts(run_id)
        if over:
            scripts = await self._store.list_scripts(conversation_id)
        return tuple([await self._deliver(user, script) for script in scripts])

    async def queue_block(self, user: User, run_id: str, number: int, code: str, title: str = "") -> Script:
        run = await self.get_run(user, run_id)
        return await self._store.add_block(run.conversation_id, run.id, number, code, title)

    async def change_script(self, user: User, run_id: str, script_id: str, action: ScriptAction) -> Script:
        run = await self.get_run(user, run_id)
        script = await self._store.change_script(run.conversation_id, run.id, script_id, action)
        if script.state.over:
            await self._told(script)
        return await self._deliver(user, script)

    async def clear_scripts(self, user: User, conversation_id: str) -> None:
        await self.get_conversation(user, conversation_id)
        await self._store.clear_scripts(conversation_id)

    async def _deliver(self, user: User, script: Script) -> Script:
        """Hand the result to the run, if it waits for it and the store could not do that itself."""
        if not (script.awaited and script.state.over and script.result is not None):
            return script
        request_id = script.origin.removeprefix("proposal:")
        try:
            await self.answer_request(user, script.run_id, request_id, encode_result(script.result))
        except NotFound:
            pass  # it does not wait any more
        except ChatError as error:
            log.warning("The result of script %s is kept until its run can be told: %s", script.id, error)
            return script
        return await self._store.mark_delivered(script)
