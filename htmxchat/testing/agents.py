"""Conformance tests for agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest

from ..agent import Agent, CanResume, Responder
from ..backends.local import LocalBackend
from ..events import JSON, InputRequested, RunEvent
from ..models import Run, RunState, User
from ..store import Store
from ..text.cleaning import clean_text
from ..view import RunView, fold
from .reading import each_event

Model: TypeAlias = Callable[[Sequence[str]], AsyncGenerator[str, None]]
"""A test's model: an async generator function. Its argument is the texts that the model receives from all roles, oldest
first; it yields what the model writes."""

HOSTILE = "<script>alert(1)</script> \u202eabc\u202c \x00\x1b[31m \ud800 \u2028 [x](javascript:1) " + "`" * 300


class AgentConformance:
    """Subclass it in a test module, with a name that begins with Test, and override `make_agent`.

    Every test makes its own agent. The tests use anyio's pytest plugin, on asyncio.

    Attributes:
        uses_model: Whether the agent calls the model passed to it. If not, fewer tests run.
        goes_on: Whether a run in the middle of an answer can be resumed in another process, if the agent has `resume`.
        question_answer: The answer to the question of `make_asking_agent`.
        patience: The timeout of each step, in seconds.
    """

    uses_model = True
    goes_on = True
    question_answer: JSON = "Yes"
    patience = 30.0

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def make_agent(self, model: Model) -> Agent | Responder:
        """Return an agent that answers with what the model writes."""
        raise NotImplementedError

    async def make_asking_agent(self) -> Agent | Responder | None:
        """Return an agent that first asks the user a question, then answers; `None` skips the tests that need one.

        It is called once for each process, so external storage of the agent must be shared.
        """
        return None

    async def test_a_run_ends_with_an_answer(self) -> None:
        async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
            yield "Hello."

        async with self._backend(await self.make_agent(model)) as backend:
            view = await self._answered(backend, await self._start(backend, "Hi"))
        assert view.state is RunState.COMPLETED and view.text

    async def test_text_arrives_while_the_model_writes(self) -> None:
        going = asyncio.Event()

        async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
            yield "One, "
            await going.wait()
            yield "two."

        async with self._backend(await self._with(model)) as backend:
            run = await self._start(backend, "Count")
            await self._until(backend, run, lambda view: view.text.strip() == "One,")
            going.set()
            assert (await self._answered(backend, run)).text == "One, two."

    async def test_the_next_turn_knows_the_conversation(self) -> None:
        given: list[Sequence[str]] = []
        async with self._backend(await self._with(_recording(given))) as backend:
            first = await self._start(backend, "Ask-1")
            await self._answered(backend, first)
            await self._answered(backend, await self._start(backend, "Ask-2", after=first))
        _are_in(given[-1], "Ask-1", "Said-1", "Ask-2")

    async def test_a_model_is_not_given_what_was_replaced(self) -> None:
        given: list[Sequence[str]] = []
        async with self._backend(await self._with(_recording(given))) as backend:
            first = await self._start(backend, "Ask-1")
            await self._answered(backend, first)
            second = await self._start(backend, "Ask-2", after=first)
            await self._answered(backend, second)
            again = await backend.retry_run(_ANN, second.id)
            await self._answered(backend, again)
            _are_in(given[-1], "Ask-1", "Said-1", "Ask-2", but="Said-2")
            edited = await backend.edit_turn(_ANN, first.conversation_id, second.turn_id, "Ask-3")
            await self._answered(backend, edited)
            _are_in(given[-1], "Ask-1", "Said-1", "Ask-3", but="Ask-2")
            anew = await backend.edit_turn(_ANN, first.conversation_id, first.turn_id, "Ask-4")
            await self._answered(backend, anew)
            _are_in(given[-1], "Ask-4", but="Ask-1")

    async def test_a_stop_reaches_the_model_and_the_next_turn_knows_how_far_it_got(self) -> None:
        stopped = asyncio.Event()
        given: list[Sequence[str]] = []

        async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
            given.append(seen)
            yield f"Said-{len(given)} "
            if len(given) == 1:
                try:
                    await asyncio.Event().wait()
                finally:
                    stopped.set()

        async with self._backend(await self._with(model)) as backend:
            run = await self._start(backend, "Ask-1")
            await self._until(backend, run, lambda view: "Said-1" in view.text)
            await backend.stop_run(_ANN, run.id)
            assert (await self._answered(backend, run)).state is RunState.CANCELLED
            with anyio.fail_after(self.patience):
                await stopped.wait()
            await self._answered(backend, await self._start(backend, "Ask-2", after=run))
        _are_in(given[-1], "Ask-1", "Said-1", "Ask-2")

    async def test_a_model_that_fails_fails_the_run_in_one_sentence_and_keeps_the_text(self) -> None:
        async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
            yield "So far. "
            raise RuntimeError("the key is sk-secret")

        async with self._backend(await self._with(model)) as backend:
            view = await self._answered(backend, await self._start(backend, "Hi"))
        assert view.state is RunState.FAILED and view.text.strip() == "So far."
        assert view.error and "sk-secret" not in view.error and "Traceback" not in view.error

    async def test_hostile_text_is_text(self) -> None:
        async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
            for character in HOSTILE:
                yield character

        async with self._backend(await self._with(model)) as backend:
            view = await self._answered(backend, await self._start(backend, HOSTILE))
        assert view.state is RunState.COMPLETED
        assert view.text.strip() == clean_text(HOSTILE).strip()

    async def test_runs_at_once_do_not_mix(self) -> None:
        async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
            for _ in range(5):
                yield f"{seen[-1]} "
                await asyncio.sleep(0)

        async with self._backend(await self._with(model)) as backend:
            runs = [await self._start(backend, f"Ask-{number}") for number in range(5)]
            views = [await self._answered(backend, run) for run in runs]
        assert [view.text.split() for view in views] == [[f"Ask-{number}"] * 5 for number in range(5)]

    async def test_a_run_goes_on_in_another_process(self, tmp_path: Path) -> None:
        processes: list[int] = []

        def model_of(process: int) -> Model:
            async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
                processes.append(process)
                yield "One, "
                if process == 1:
                    await asyncio.Event().wait()
                yield "two."

            return model

        url = f"sqlite:///{tmp_path}/chat.db"
        first = await self._with(model_of(1))
        if not (isinstance(first, CanResume) and self.goes_on):
            pytest.skip("the agent's answers cannot be resumed in another process")
        async with self._backend(first, url) as backend:
            run = await self._start(backend, "Count")
            await self._until(backend, run, lambda view: view.text.strip() == "One,")
        async with self._backend(await self._with(model_of(2)), url) as backend:
            view = await self._answered(backend, run)
        assert view.state is RunState.COMPLETED and view.text == "One, two." and processes == [1, 2]

    async def test_a_question_is_answered_in_another_process(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/chat.db"
        first = await self.make_asking_agent()
        if first is None or not isinstance(first, CanResume):
            pytest.skip("make_asking_agent returns no agent with resume")
        async with self._backend(first, url) as backend:
            run = await self._start(backend, "Ask me")
            asked = (await self._until(backend, run, lambda view: view.request is not None)).request
        assert asked is not None
        async with self._backend(await self.make_asking_agent(), url) as backend:
            await backend.answer_request(_ANN, run.id, asked.request_id, self.question_answer)
            events = await self._events(backend, run)
        assert fold(events).state is RunState.COMPLETED and fold(events).text
        assert sum(isinstance(event.body, InputRequested) for event in events) == 1

    async def _with(self, model: Model) -> Agent | Responder:
        if not self.uses_model:
            pytest.skip("the agent uses no model")
        return await self.make_agent(model)

    @asynccontextmanager
    async def _backend(self, agent: Agent | Responder | None, url: str | None = None) -> AsyncIterator[LocalBackend]:
        assert agent is not None
        backend = LocalBackend(agent, Store(url))
        await backend.open()
        try:
            yield backend
        finally:
            await backend.close()

    async def _start(self, backend: LocalBackend, text: str, after: Run | None = None) -> Run:
        return await backend.start_run(_ANN, None if after is None else after.conversation_id, text)

    async def _events(self, backend: LocalBackend, run: Run) -> list[RunEvent]:
        with anyio.fail_after(self.patience):
            return [event async for event in each_event(backend, _ANN, run.id)]

    async def _answered(self, backend: LocalBackend, run: Run) -> RunView:
        return fold(await self._events(backend, run))

    async def _until(self, backend: LocalBackend, run: Run, met: Callable[[RunView], bool]) -> RunView:
        seen: list[RunEvent] = []
        with anyio.fail_after(self.patience):
            async with aclosing(each_event(backend, _ANN, run.id)) as events:
                async for event in events:
                    seen.append(event)
                    if met(fold(seen)):
                        return fold(seen)
        pytest.fail(f"the run ended before: {fold(seen)}")


_ANN = User("ann")


def _recording(given: list[Sequence[str]]) -> Model:
    async def model(seen: Sequence[str]) -> AsyncGenerator[str, None]:
        given.append(seen)
        yield f"Said-{len(given)}"

    return model


def _are_in(seen: Sequence[str], *texts: str, but: str = "") -> None:
    """Assert that a model received some texts in this order, and not another."""
    joined = "\n".join(seen)
    places = [joined.find(text) for text in texts]
    assert -1 not in places and places == sorted(places), f"the model did not receive {texts} in this order: {seen}"
    assert not but or but not in joined, f"the model received {but}: {seen}"
