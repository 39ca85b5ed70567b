"""What is old goes, and a person's data can be handed out and removed: by the store, and on the command line."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from htmxchat import InputRequested, LocalBackend, Request, Store, User
from htmxchat.cli import main
from htmxchat.errors import NotFound
from htmxchat.events import JSON
from htmxchat.testing import each_event

ANN, BEN = User("ann"), User("ben")
FIRST = Path(__file__).parent / "data/schema-0001/sqlite.sql"


async def respond(request: Request) -> AsyncIterator[Any]:
    if request.text == "ask":
        yield InputRequested("which", "Which?")
    yield f"Echo: {request.text}"


class Asking:
    """Its question needs no process."""

    async def answer(self, request: Request) -> AsyncGenerator[Any, Any]:
        yield InputRequested("which", "Which?")

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Any, Any]:
        yield f"You chose {request.answers['which']}."


@pytest.fixture
async def backend(store: Store) -> AsyncIterator[LocalBackend]:
    backend = LocalBackend(respond, store)
    yield backend
    await backend.close()


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(None if request.param == "memory" else f"sqlite:///{tmp_path}/chat.db")
    yield store
    await store.close()


async def ask(backend: LocalBackend, user: User, text: str) -> str:
    run = await backend.start_run(user, None, text)
    async with asyncio.timeout(20), aclosing(each_event(backend, user, run.id)) as events:
        async for event in events:
            if isinstance(event.body, InputRequested):
                break
    return run.conversation_id


async def titles(backend: LocalBackend, user: User) -> list[str]:
    return [item.title for item in (await backend.list_conversations(user)).items]


@pytest.mark.anyio
class TestPrune:
    async def test_what_is_old_goes_and_what_is_new_stays(self, backend: LocalBackend, store: Store) -> None:
        await ask(backend, ANN, "old")
        assert await store.prune(timedelta(days=1)) == 0
        assert await store.prune(timedelta(0)) == 1
        assert await titles(backend, ANN) == []

    async def test_a_live_run_keeps_its_conversation(self, backend: LocalBackend, store: Store) -> None:
        await ask(backend, ANN, "ask")
        assert await store.prune(timedelta(0)) == 0
        assert await titles(backend, ANN) == ["ask"]

    async def test_a_question_that_no_process_holds_keeps_nothing(self, store: Store) -> None:
        backend = LocalBackend(Asking(), store)
        await ask(backend, ANN, "ask")
        assert await store.prune(timedelta(0)) == 0
        await backend.drain()
        assert await store.prune(timedelta(days=1)) == 0
        assert await store.prune(timedelta(0)) == 1
        await backend.close()

    async def test_there_may_be_many(self, store: Store) -> None:
        for number in range(450):
            await store.runs.start_run("ann", None, f"{number}", owner="x")
        assert await store.delete_user("ann") == 450

    async def test_a_negative_time_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="older_than must not be negative"):
            await store.prune(timedelta(days=-1))


@pytest.mark.anyio
class TestAUser:
    async def test_all_of_one_user_can_be_handed_out(self, backend: LocalBackend, store: Store) -> None:
        first = await ask(backend, ANN, "first")
        await backend.delete_conversation(ANN, await ask(backend, ANN, "second"))
        await ask(backend, BEN, "third")
        found = [each async for each in store.export_user("ann")]
        assert [each["title"] for each in found] == ["first", "second"]
        assert found[0]["id"] == first and found[0]["deleted_at"] is None and found[1]["deleted_at"]
        turn: Any = found[0]["turns"][0]  # type: ignore[index]
        (run,) = turn["runs"]
        assert (turn["text"], run["state"], run["memory"]) == ("first", "completed", None)
        assert (turn["follows"], found[0]["head"]) == (None, run["id"])
        assert run["events"][1]["data"] == {"text": "Echo: first"}
        json.dumps(found)

    async def test_all_of_one_user_can_be_removed(self, backend: LocalBackend, store: Store) -> None:
        gone = await ask(backend, ANN, "first")
        await backend.delete_conversation(ANN, await ask(backend, ANN, "second"))
        await ask(backend, BEN, "third")
        assert await store.delete_user("ann") == 2
        assert [each async for each in store.export_user("ann")] == []
        with pytest.raises(NotFound):
            await backend.get_conversation(ANN, gone)
        assert await titles(backend, BEN) == ["third"]

    async def test_the_agent_of_a_removed_user_is_stopped(self, store: Store) -> None:
        stopped = asyncio.Event()

        async def wait(request: Request) -> AsyncIterator[Any]:
            try:
                yield InputRequested("which", "Which?")
            finally:
                stopped.set()

        backend = LocalBackend(wait, store)
        await ask(backend, ANN, "ask")
        await store.delete_user("ann")
        async with asyncio.timeout(20):
            await stopped.wait()
        await backend.close()


class TestCommandLine:
    @pytest.fixture
    def old(self, tmp_path: Path) -> str:
        with sqlite3.connect(tmp_path / "chat.db") as database:
            database.executescript(FIRST.read_text())
        database.close()
        return f"sqlite:///{tmp_path}/chat.db"

    def test_an_old_database_is_refused_until_it_is_upgraded(
        self, old: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["db", "prune", old, "--older-than", "1"]) == 1
        assert "db upgrade" in capsys.readouterr().err
        assert main(["db", "upgrade", old]) == 0
        assert main(["db", "export-user", old, "ann"]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert [json.loads(line)["title"] for line in printed[1:]] == ["Rain & snow", "forever", "to be deleted"]
        assert main(["db", "delete-user", old, "ann"]) == 0
        assert main(["db", "prune", old, "--older-than", "0"]) == 0
        assert capsys.readouterr().out == "3 conversations deleted, and all sign-ins.\n2 conversations deleted.\n"

    @pytest.mark.parametrize("arguments", [["prune", "nonsense", "--older-than", "1"], ["upgrade", "postgresql://x/y"]])
    def test_a_wrong_address_is_said_in_a_sentence(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["db", *arguments]) == 1
        assert capsys.readouterr().err.startswith("Error: ")
