"""A database of any earlier version comes forward with nothing lost; one of a later version is refused by name."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text

from htmxchat import LocalBackend, Request, Store, User
from htmxchat.agents.kogwistar.links import Links, own_id
from htmxchat.agents.kogwistar.progress import Progress
from htmxchat.errors import OtherSchema
from htmxchat.models import RunState
from htmxchat.scripts.models import FromAgent, FromAnswer
from htmxchat.scripts.result import ScriptResult, ScriptState, TextValue
from htmxchat.scripts.states import script_id
from htmxchat.store import migrations, tables
from htmxchat.store.tables import metadata
from htmxchat.testing import each_event
from tests.servers import Postgres

pytestmark = pytest.mark.anyio

FIRST = Path(__file__).parent / "data/schema-0001/sqlite.sql"
ANN, BEN = User("ann"), User("ben")


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A database that the first version has written: with every kind of row, as a killed process leaves it."""
    file = tmp_path / "chat.db"
    with sqlite3.connect(file) as database:
        database.executescript(FIRST.read_text())
    database.close()
    return f"sqlite:///{file}"


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[..., Store]]:
    stores: list[Store] = []

    def make(url: str | None = None, **options: Any) -> Store:
        stores.append(Store(url or f"sqlite:///{tmp_path}/new.db", **options))
        return stores[-1]

    yield make
    for store in stores:
        await store.close()


def differences(db: Connection) -> list[object]:
    """Return what a database has otherwise than the store's tables; other tables are someone else's.

    The index for the search is not in every database.
    """
    names = {table.name for table in metadata.tables.values()}

    def included(name: str | None, kind: str, _parents: object) -> bool:
        return name in names if kind == "table" else not (name or "").endswith("_trigrams")

    options = {"include_name": included, "compare_type": True}
    return list(compare_metadata(MigrationContext.configure(db, opts=options), metadata))


def columns(db: Connection) -> dict[str, dict[str, bool]]:
    found = inspect(db)
    names = [name for name in found.get_table_names() if name in metadata.tables]
    return {name: {column["name"]: column["nullable"] for column in found.get_columns(name)} for name in names}


async def assert_scripts_are_known(store: Store) -> None:
    """Scripts come from where they came from, under the ids that the log leads to, with their typed results."""
    found = {
        conversation.title: await store.scripts.list_scripts(user, conversation.id)
        for user in ("ann", "ben")
        for conversation in (await store.conversations.list_conversations(user)).items
    }
    (proposed,), (block,) = found["propose"], found["Rain & snow"]
    assert (proposed.origin, block.origin) == (FromAgent("p1"), FromAnswer(0))
    for script in (proposed, block):
        assert script.id == script_id(script.run_id, script.origin)
    assert proposed.result == ScriptResult(
        ScriptState.DONE, stdout="2\n", value=TextValue("2"), seconds=0.1, code="1 + 1"
    )


async def assert_kogwistar_moved(store: Store) -> None:
    (elsewhere,) = (await store.conversations.list_conversations("7")).items
    transcript = await store.conversations.load_transcript("7", elsewhere.id)
    assert [turn.text for turn in transcript.turns] == ["What is rain?", "Water.", "And snow?", ""]
    assert transcript.live_run is not None
    links = Links(store)
    assert await links.server_id(elsewhere.id) == "kc-1" and await links.server_id(own_id("kc-2")) == "kc-2"
    link = select(tables.links).where(tables.links.c.id == transcript.turns[1].id)
    row = await store.database.read(lambda db: db.execute(link).one())
    assert (row.server_id, row.answer_id, row.workflow_id) == ("kr-1", "kt-2", "debug.rag.v1")
    assert await links.turns(elsewhere.id, transcript.live_run.id) == {"kt-1", "kr-1", "kr-2"}
    ((run, events),) = await store.takeover.claim_runs([transcript.live_run.id], "me", ["kogwistar"], datetime.now(UTC))
    context = await store.takeover.read_context(run)
    assert (Progress.read(context.checkpoint).run, len(events), context.text) == ("kr-2", 1, "And snow?")


def test_the_last_step_is_the_schema_that_is_asked_for() -> None:
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(folder).get_heads() == [migrations.HEAD]


async def test_the_steps_come_to_the_tables_of_an_empty_database(make: Callable[..., Store], old: str) -> None:
    empty, migrated = make(), make(old)
    assert await empty.database.read(differences) == await migrated.database.read(differences) == []
    assert await empty.database.read(columns) == await migrated.database.read(columns)


async def test_nothing_of_the_first_version_is_lost(make: Callable[..., Store], old: str) -> None:
    def rows(db: Connection) -> dict[str, int]:
        names = [name for name in inspect(db).get_table_names() if re.match("htmxchat_(?!trigrams)", name)]
        return {name: db.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}

    found = await make(old).database.read(rows)
    assert {name: count for name, count in found.items() if count} == {
        "htmxchat_answers": 1, "htmxchat_conversations": 8, "htmxchat_events": 41, "htmxchat_pending_sign_ins": 1,
        "htmxchat_runs": 10, "htmxchat_scripts": 3, "htmxchat_sessions": 1, "htmxchat_turns": 9, "htmxchat_schema": 1,
        "htmxchat_links": 6, "htmxchat_searched": 24,
    }  # fmt: skip


async def test_a_postgresql_of_the_first_version_comes_forward_with_nothing_lost(
    own_postgres: Postgres, make: Callable[..., Store]
) -> None:
    address = own_postgres.url.replace("+asyncpg", "")
    connection = await asyncpg.connect(address)
    await connection.execute((FIRST.parent / "postgresql.sql").read_text())
    await connection.close()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):  # processes that start at once
            tasks.start_soon(make(own_postgres.url).open)
    store = make(own_postgres.url)
    assert await store.database.read(differences) == []
    exported = [each for user in ("ann", "ben") async for each in store.export_user(user)]
    assert len(exported) == 6
    assert len([event for each in exported for turn in _list(each, "turns") for event in _events(turn)]) == 37
    await assert_kogwistar_moved(store)
    await assert_scripts_are_known(store)


def _list(exported: Mapping[str, Any], name: str) -> list[Any]:
    found: list[Any] = exported[name]
    return found


def _events(turn: Any) -> list[Any]:
    return [event for run in turn["runs"] for event in run["events"]]


async def test_conversations_of_the_first_version_go_on(make: Callable[..., Store], old: str) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        yield f"{len(request.history)} turns before"

    backend = LocalBackend(respond, make(old))
    stopped, rain = (await backend.list_conversations(ANN)).items
    assert (stopped.state, rain.title) == (RunState.CANCELLED, "Rain & snow")
    transcript = await backend.load_transcript(ANN, rain.id)
    assert [turn.text for turn in transcript.turns] == [
        "Tell me of rain", "**Echo**: Tell me of rain — naïve 雨 [1]", "fail", "half",
    ]  # fmt: skip
    run = await backend.start_run(ANN, rain.id, "Go on")
    events = [event async for event in each_event(backend, ANN, run.id)]
    assert "4 turns before" in str(events)
    found = (await backend.search_conversations(ANN, "naïve 雨")).items
    assert [each.id for each in found] == [rain.id]
    titles = {each.title: each for each in (await backend.list_conversations(BEN)).items}
    (script,) = await backend.list_scripts(BEN, titles["propose"].id)
    assert script.state is ScriptState.DONE and script.result is not None and script.result.stdout == "2\n"
    assert (await backend.get_run(BEN, (await backend.list_runs(BEN, titles["wait"].id))[0].run.id)) is not None


async def test_conversations_of_a_kogwistar_server_move_into_the_same_tables(
    make: Callable[..., Store], old: str
) -> None:
    await assert_kogwistar_moved(make(old))


async def test_scripts_of_the_first_version_are_known(make: Callable[..., Store], old: str) -> None:
    await assert_scripts_are_known(make(old))


async def test_two_processes_may_bring_it_forward_at_once(make: Callable[..., Store], old: str) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(make(old).open)


async def test_an_older_schema_is_refused_by_name_when_it_may_not_be_changed(
    make: Callable[..., Store], old: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OtherSchema, match=r"an older schema \(0001; .*db upgrade"):
        await make(old, migrate=False).conversations.list_conversations("ann")
    assert "an older schema" in caplog.text
    await make(old).open()
    assert len((await make(old, migrate=False).conversations.list_conversations("ann")).items) == 2


async def test_an_empty_database_gets_its_tables_in_any_case(make: Callable[..., Store]) -> None:
    assert (await make(migrate=False).conversations.list_conversations("ann")).items == ()


async def test_a_newer_schema_is_refused_by_name(make: Callable[..., Store]) -> None:
    await make().database.write(lambda db: db.execute(text("UPDATE htmxchat_schema SET version_num = '9999'")))
    for migrate in (True, False):
        with pytest.raises(OtherSchema, match=r"a newer schema \(9999; .*later"):
            await make(migrate=migrate).conversations.list_conversations("ann")


async def test_a_step_that_fails_changes_nothing(
    make: Callable[..., Store], old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = make(old)
    with sqlite3.connect(old.partition("///")[2]) as database:
        database.execute("CREATE TABLE htmxchat_keys (wrong TEXT)")
    database.close()
    with pytest.raises(Exception, match="reported an error"):
        await blocked.open()
    with sqlite3.connect(old.partition("///")[2]) as database:
        assert not database.execute("SELECT name FROM sqlite_master WHERE name = 'htmxchat_schema'").fetchall()
        database.execute("DROP TABLE htmxchat_keys")
    database.close()
    assert len((await blocked.conversations.list_conversations("ann")).items) == 2
