"""The conformance kit holds for the backends in the box, and catches one that breaks its promises."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from htmxchat.agent import Request
from htmxchat.backend import Backend
from htmxchat.backends.local import LocalBackend
from htmxchat.backends.stub import StubBackend
from htmxchat.errors import BackendUnavailable
from htmxchat.events import JSON, EventBody, InputRequested, Outcome, RunEnded, RunEvent, ScriptProposed, TextDelta
from htmxchat.models import User
from htmxchat.store import Store
from htmxchat.testing import BackendConformance, Break, Delay, Gate, ScriptedBackend, Stall, Step, each_event

ANN = User("ann")


async def _respond(request: Request) -> AsyncIterator[str | EventBody]:
    if request.text == "ask":
        yield f"You said {(yield InputRequested('sure', 'Sure?', ('yes', 'no')))}."
    if request.text == "form":
        schema = {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}, "required": ["size"]}
        yield f"You said {(yield InputRequested('size', 'How large?', schema=schema, decline='Not now'))}."
    if request.text == "propose":
        yield ScriptProposed("sum", "1 + 1", awaited=True)
    yield "Hello "
    yield request.user.id
    if request.text == "wait":
        await anyio.sleep_forever()


class _Prompts(BackendConformance):
    long_prompt = "wait"
    asking_prompt = "ask"
    form_prompt = "form"
    form_answer: JSON = {"size": 3}  # noqa: RUF012
    proposing_prompt = "propose"


class TestLocalBackendInMemory(_Prompts):
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def make_backend(self) -> Backend:
        return LocalBackend(_respond)


class TestLocalBackendInFile(_Prompts):
    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "chat.db"

    async def make_backend(self) -> Backend:
        return LocalBackend({"one": _respond, "two": _respond}, Store(f"sqlite:///{self.path}"))


class TestStubBackend(BackendConformance):
    long_prompt = "Watch the queue for me, and tell me each step."
    asking_prompt = "Restart the notifier workers."
    answer = "Not at all"

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def make_backend(self) -> Backend:
        return StubBackend(pace=0.002)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
class TestScriptedBackend(_Prompts):
    async def make_backend(self) -> Backend:
        scripts: dict[str, list[Step]] = {
            "wait": ["One moment", Stall()],
            "ask": [InputRequested("sure", "Sure?"), "Well."],
            "form": [InputRequested("size", "How large?", schema={"type": "object"}, decline="Not now"), "Well."],
        }
        return ScriptedBackend(["Hello ", Delay(0.01), "there."], by_text=scripts, first_seq=40, seq_step=7)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


async def _read(backend: Backend, run_id: str, after: int | None = None) -> list[RunEvent]:
    with anyio.fail_after(5):
        return [event async for event in each_event(backend, ANN, run_id, after=after)]


@pytest.mark.anyio
async def test_a_script_can_break_the_stream_and_go_on() -> None:
    error = BackendUnavailable()
    backend = ScriptedBackend(["a", Break(error, times=1), "b", Break(times=1), "c"])
    run = await backend.start_run(ANN, None, "Hello")
    seen: list[RunEvent] = []
    with pytest.raises(BackendUnavailable):
        async for event in each_event(backend, ANN, run.id):
            seen.append(event)
    assert [event.seq for event in seen] == [1, 2]
    seen += await _read(backend, run.id, after=2)
    assert [event.seq for event in seen] == [1, 2, 3]
    seen += await _read(backend, run.id, after=3)
    assert seen == await _read(backend, run.id)
    assert backend.readers == 0


@pytest.mark.anyio
async def test_a_script_can_end_every_stream_without_run_ended() -> None:
    backend = ScriptedBackend(["a", Break(), Stall()])
    run = await backend.start_run(ANN, None, "Hello")
    for _ in range(3):
        assert [event.seq for event in await _read(backend, run.id)] == [1, 2]
    assert (await backend.get_run(ANN, run.id)).state.live


@pytest.mark.anyio
async def test_a_script_waits_at_a_gate() -> None:
    backend = ScriptedBackend(["a", Gate("go"), "b", RunEnded(Outcome.FAILED, "No.")])
    run = await backend.start_run(ANN, None, "Hello")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, backend, run.id)
        await anyio.wait_all_tasks_blocked()
        assert backend.readers == 1
        backend.open_gate("go")
    assert [event.body for event in await _read(backend, run.id)][2:] == [
        TextDelta("b"),
        RunEnded(Outcome.FAILED, "No."),
    ]


class _Doubling(ScriptedBackend):
    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        async for batch in super().run_events(user, run_id, after=after):
            yield [event for event in batch for _ in range(2)]


@pytest.mark.anyio
async def test_the_kit_catches_a_backend_that_doubles_events() -> None:
    class Doubling(BackendConformance):
        async def make_backend(self) -> Backend:
            return _Doubling()

    with pytest.raises(AssertionError):
        await Doubling().test_seq_rises_and_the_only_run_ended_is_last()


class _Idle(ScriptedBackend):
    """Says again and again that there is nothing."""

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        async with aclosing(super().run_events(user, run_id, after=after)) as batches:
            async for batch in batches:
                yield batch
                yield []


@pytest.mark.anyio
async def test_the_kit_catches_a_backend_that_yields_empty_batches() -> None:
    class Idle(BackendConformance):
        async def make_backend(self) -> Backend:
            return _Idle()

    with pytest.raises(AssertionError, match="a batch is not empty"):
        await Idle().test_events_come_in_batches_none_of_them_empty()
