"""Tests of questions with a JSON Schema, which pages show as forms."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest

from ...backend import Backend
from ...errors import NotFound
from ...events import JSON, InputAnswered, InputRequested, RunEnded, RunEvent
from ...forms.form import misfit
from ...models import Run
from ...view import fold
from ..reading import each_event
from .kit import Kit, assert_whole


class FormPromises(Kit):
    """What a backend does whose agent asks with a JSON Schema. Pages check the answer before they give it."""

    async def _asked(self, backend: Backend) -> tuple[Run, InputRequested]:
        if self.form_prompt is None:
            pytest.skip("no form_prompt was given")
        run = await backend.start_run(self.user, None, self.form_prompt)
        async with aclosing(each_event(backend, self.user, run.id)) as events:
            with anyio.fail_after(self.patience):
                async for event in events:
                    if isinstance(event.body, InputRequested):
                        return run, event.body
        raise AssertionError("form_prompt has the agent ask with a schema")

    async def _given(self, backend: Backend, run: Run, request: InputRequested, answer: JSON) -> list[RunEvent]:
        await backend.answer_request(self.user, run.id, request.request_id, answer)
        log = await self._all(backend, run)
        assert_whole(log)
        bodies = [event.body for event in log if isinstance(event.body, InputAnswered)]
        assert [(body.request_id, body.answer) for body in bodies] == [(request.request_id, answer)]
        return log

    async def test_a_form_is_in_the_transcript_as_it_was_asked_until_it_is_answered(self) -> None:
        async with self._backend() as backend:
            run, request = await self._asked(backend)
            assert request.schema is not None
            (*_, turn) = (await backend.load_transcript(self.user, run.conversation_id)).turns
            assert turn.run is not None and turn.run.state.live
            assert fold(turn.events).request == request, "with its schema, so that a reload shows the same form"
            assert not misfit(self.form_answer, request.schema), "form_answer fits the schema"
            for user, request_id in (self.other_user, request.request_id), (self.user, self.unknown_id):
                with pytest.raises(NotFound):
                    await backend.answer_request(user, run.id, request_id, self.form_answer)
            await self._given(backend, run, request, self.form_answer)
            with pytest.raises(NotFound):
                await backend.answer_request(self.user, run.id, request.request_id, self.form_answer)

    async def test_a_form_that_offers_to_decline_can_be_declined(self) -> None:
        async with self._backend() as backend:
            run, request = await self._asked(backend)
            if not request.decline:
                pytest.skip("the form cannot be declined")
            log = await self._given(backend, run, request, None)
            assert isinstance(log[-1].body, RunEnded), "the agent gets None, and continues"

    async def test_a_form_is_not_open_any_more_when_its_run_was_stopped(self) -> None:
        async with self._backend() as backend:
            run, request = await self._asked(backend)
            await backend.stop_run(self.user, run.id)
            assert fold(await self._all(backend, run)).request is None
            with pytest.raises(NotFound):
                await backend.answer_request(self.user, run.id, request.request_id, self.form_answer)
