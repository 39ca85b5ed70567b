"""Tests of scripts."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

import anyio
import pytest

from ...backend import (
    KeepsScripts,
    TellsChanges,
)
from ...errors import Conflict, NotFound
from ...events import ScriptFinished, ScriptProposed
from ...scripts.actions import Approve, Claim, Finish, Reject, ScriptAction
from ...scripts.models import Script
from ...scripts.result import ScriptResult, ScriptState
from ...scripts.states import digest, queue_number
from ..reading import each_event
from .kit import Kit

_DONE = ScriptResult(ScriptState.DONE, stdout="1\n", seconds=0.1)


class ScriptPromises(Kit):
    """The queue: only approved text runs, and in one page only."""

    async def test_only_the_approved_text_of_a_script_runs_and_in_one_place(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsScripts):
                pytest.skip("the backend is not KeepsScripts")
            run = await self._answered(backend)
            script = await backend.queue_block(self.user, run.id, 0, "print(1)")
            assert await backend.queue_block(self.user, run.id, 0, "print(1)") == script
            shown = digest("print(1)")

            async def do(action: ScriptAction) -> Script:
                return await backend.change_script(self.user, run.id, script.id, action)

            for early in (Claim("page", shown), Approve(digest("print(2)")), Finish("page", _DONE)):
                with pytest.raises(Conflict):
                    await do(early)
            assert (await do(Approve(shown))).state is ScriptState.APPROVED
            with pytest.raises(Conflict):
                await do(Claim("page", digest("print(2)")))
            assert (await do(Claim("page", shown))).state is ScriptState.RUNNING
            for other in (Claim("other", shown), Finish("other", _DONE)):
                with pytest.raises(Conflict):
                    await do(other)
            await do(Finish("page", _DONE))
            (kept,) = await backend.list_scripts(self.user, run.conversation_id)
            assert kept.result == replace(_DONE, code="print(1)")

    async def test_whatever_happens_to_a_queue_raises_its_number(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsScripts) or not isinstance(backend, TellsChanges):
                pytest.skip("the backend is not KeepsScripts and TellsChanges")
            run = await self._answered(backend)

            async def number() -> int:
                told = (await backend.overview(self.user, run.conversation_id)).queue
                assert told == queue_number(await backend.list_scripts(self.user, run.conversation_id))
                return told

            numbers = [await number()]
            script = await backend.queue_block(self.user, run.id, 0, "print(1)")
            shown = digest("print(1)")
            for action in None, Approve(shown), Claim("page", shown), Finish("page", _DONE):
                if action is not None:
                    await backend.change_script(self.user, run.id, script.id, action)
                numbers.append(await number())
            await backend.clear_scripts(self.user, run.conversation_id)
            numbers.append(await number())
            assert numbers == sorted(set(numbers))

    async def test_scripts_of_others_are_not_found(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsScripts):
                pytest.skip("the backend is not KeepsScripts")
            run = await self._answered(backend)
            script = await backend.queue_block(self.user, run.id, 0, "print(1)")
            for user, run_id, script_id in (
                (self.other_user, run.id, script.id),
                (self.user, run.id, self.unknown_id),
                (self.user, self.unknown_id, script.id),
            ):
                with pytest.raises(NotFound):
                    await backend.change_script(user, run_id, script_id, Reject())
            with pytest.raises(NotFound):
                await backend.list_scripts(self.other_user, run.conversation_id)
            with pytest.raises(NotFound):
                await backend.queue_block(self.other_user, run.id, 0, "print(1)")

    async def test_a_proposal_joins_the_queue_and_the_run_goes_on_without_it(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsScripts) or self.proposing_prompt is None:
                pytest.skip("no proposing_prompt was given, or the backend is not KeepsScripts")
            run = await backend.start_run(self.user, None, self.proposing_prompt)
            with anyio.fail_after(self.patience):
                async with aclosing(each_event(backend, self.user, run.id)) as events:
                    async for event in events:
                        if isinstance(event.body, ScriptProposed):
                            assert event.body.awaited
                            break
                (script,) = await backend.list_scripts(self.user, run.conversation_id)
                assert script.awaited
                await backend.change_script(self.user, run.id, script.id, Reject())
            bodies = [event.body for event in await self._all(backend, run)]
            (finished,) = [body for body in bodies if isinstance(body, ScriptFinished)]
            assert finished.state is ScriptState.REJECTED
