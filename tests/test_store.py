"""The store: what is written is found again, by its owner only, in memory, in a file and in PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import gc
import json
import random
import sqlite3
import threading
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateTable

from htmxchat.agent import Checkpoint, Remember
from htmxchat.compaction import compact
from htmxchat.errors import BackendError, BackendUnavailable, Busy, Conflict, InvalidInput, NotFound
from htmxchat.events import (
    InputAnswered,
    InputRequested,
    Outcome,
    RunEnded,
    RunEvent,
    RunStarted,
    TextDelta,
    TitleSuggested,
    Unknown,
)
from htmxchat.models import Conversation, Run, RunState
from htmxchat.store import Batch, Notes, Started, Store, searching
from htmxchat.store.database import uncancelled
from htmxchat.store.rows import now
from htmxchat.store.run_logs import RunLogs
from htmxchat.store.tables import metadata
from htmxchat.store.takeover import SILENT
from htmxchat.store.timeouts import Timing
from htmxchat.store.turns import purge_turns
from htmxchat.view import fold
from tests.servers import Postgres

pytestmark = pytest.mark.anyio


@pytest.fixture
def ann() -> str:
    return f"ann-{uuid.uuid4().hex}"


@pytest.fixture(params=["memory", "file", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres").url
        return url
    return f"sqlite:///{tmp_path}/chat.db" if request.param == "file" else None


@pytest.fixture
async def store(url: str | None) -> AsyncIterator[Store]:
    store = Store(url)
    yield store
    await store.close()


async def write(
    store: Store,
    run_id: str,
    *events: RunEvent,
    log: Sequence[RunEvent] | None = None,
    owner: str = "me",
    again: bool = False,
) -> bool:
    """Write to a run's log; `log` ends it. Returns whether it was the owner's."""
    return not await store.logs.append([Batch(run_id, events, log)], owner, again=again)


async def silent(store: Store, me: str, since: datetime) -> Mapping[str, datetime | None]:
    return (await store.takeover.find_abandoned(me, (), since, since)).silent


async def answered(
    store: Store, user: str, text: str, answer: str = "Yes.", conversation_id: str | None = None
) -> Started:
    started = await store.runs.start_run(user, conversation_id, text, owner="me")
    events = [RunEvent(2, now(), TextDelta(answer)), RunEvent(3, now(), RunEnded(Outcome.COMPLETED))]
    assert await write(store, started.run.id, *events, log=compact([*started.events, *events]))
    return started


@pytest.mark.parametrize(
    "url", ["", "chat.db", "sqlite+aiosqlite:///chat.db", "nosuchdb://x", "sqlite+nosuchdriver:///x"]
)
async def test_a_url_that_cannot_be_used_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"database|driver"):
        Store(url)


async def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(ValueError, match="postgresql") as caught:
        Store("postgresql+psycopg2://ann:secret@db/chat")
    assert "secret" not in str(caught.value)


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    threads = threading.active_count()
    store = Store(f"sqlite:///{tmp_path}/no/such/folder/chat.db")
    with pytest.raises(BackendUnavailable):
        await store.conversations.list_conversations("ann")
    await store.close()
    # The store's threads end in a moment.
    while threading.active_count() > threads:  # noqa: ASYNC110
        await anyio.sleep(0.01)


async def test_nothing_is_opened_before_first_use(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = Store(f"sqlite:///{path}")
    assert not path.exists()
    await store.open()
    assert path.exists()
    await store.close()


async def test_stores_that_make_their_tables_at_once_do_not_fail(tmp_path: Path) -> None:
    stores = [Store(f"sqlite:///{tmp_path}/chat.db") for _ in range(8)]
    async with anyio.create_task_group() as tasks:
        for index, store in enumerate(stores):
            tasks.start_soon(answered, store, f"user {index}", "Hello")
    for store in stores:
        await store.close()


async def test_tables_can_be_made_in_postgresql() -> None:
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


async def test_a_transaction_runs_in_the_context_of_its_caller(store: Store) -> None:
    trace = contextvars.ContextVar("trace", default="none")
    trace.set("mine")
    assert (
        await store.database.read(lambda db: trace.get())
        == await store.database.write(lambda db: trace.get())
        == "mine"
    )


async def test_a_file_keeps_everything(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    store = Store(url)
    started = await answered(store, "ann", "Hello")
    before = await store.conversations.load_transcript("ann", started.run.conversation_id)
    await store.close()
    store = Store(url)
    assert await store.conversations.load_transcript("ann", started.run.conversation_id) == before
    await store.close()


async def test_an_overview_is_what_is_listed_and_how_the_open_one_stands(store: Store, ann: str) -> None:
    first, *_, last = [(await answered(store, ann, f"Hello {number}")).run for number in range(4)]
    for limit, run in (2, first), (2, last), (30, first):
        overview = await store.conversations.overview(ann, run.conversation_id, limit=limit)
        assert overview.latest == await store.conversations.list_conversations(ann, limit=limit)
        assert overview.conversation == await store.conversations.get_conversation(ann, run.conversation_id)
        assert (overview.head, overview.queue) == (run.id, 0)
    again = await store.runs.retry_run(ann, first.id, owner="me")
    await store.scripts.queue_block(ann, first.id, 0, "print(1)", "")
    overview = await store.conversations.overview(ann, first.conversation_id)
    assert (overview.head, overview.queue, type(overview.queue)) == (again.run.id, 2, int)
    for user, id in (ann, None), (ann, "x" * 32), ("eve", first.conversation_id):
        assert (await store.conversations.overview(user, id)).conversation is None
    with pytest.raises(InvalidInput):
        await store.conversations.overview("\0", None)


async def test_times_have_a_timezone(store: Store, ann: str) -> None:
    started = await answered(store, ann, "Hello")
    transcript = await store.conversations.load_transcript(ann, started.run.conversation_id)
    (conversation,) = (await store.conversations.list_conversations(ann)).items
    events, _ = await store.logs.read_events(started.run.id, 0)
    times = [conversation.created_at, conversation.updated_at, *(turn.created_at for turn in transcript.turns)]
    times += [event.at for turn in transcript.turns for event in (*turn.events, *events)]
    assert {time.utcoffset() for time in times} == {timedelta(0)}


async def test_the_transcript_folds_to_what_the_log_says(store: Store, ann: str) -> None:
    started = await store.runs.start_run(ann, None, "Hello", owner="me")
    run = started.run
    assert await write(store, run.id, RunEvent(2, now(), TextDelta("Ye"), raw={"chunk": "Ye"}))
    live = await store.conversations.load_transcript(ann, run.conversation_id)
    assert live.live_run == run
    assert live.turns[1].text == "Ye"
    end = [RunEvent(3, now(), TextDelta("s")), RunEvent(4, now(), RunEnded(Outcome.FAILED, "No."))]
    events, _ = await store.logs.read_events(run.id, 0)
    assert await write(store, run.id, *end, log=compact([*events, *end]))
    log, more = await store.logs.read_events(run.id, 0)
    assert not more
    assert [event.seq for event in log] == [1, 2, 3, 4]
    assert log[1].raw == {"chunk": "Ye"}
    (_, turn) = (await store.conversations.load_transcript(ann, run.conversation_id)).turns
    assert fold(turn.events) == fold(log)
    assert (turn.id, turn.text) == (run.id, "Yes")
    assert (await store.runs.get_run(ann, run.id)).state is RunState.FAILED


async def test_history_is_what_came_before(store: Store, ann: str) -> None:
    first = await answered(store, ann, "One", "Eins")
    second = await answered(store, ann, "Two", "Zwei", first.run.conversation_id)
    assert (await store.takeover.read_context(first.run)).history == ()
    context = await store.takeover.read_context(second.run)
    assert [(turn.role, turn.text) for turn in context.history] == [("user", "One"), ("assistant", "Eins")]
    again = await store.runs.retry_run(ann, second.run.id, owner="me")
    assert await store.takeover.read_context(again.run) == replace(
        context, attempt=2, forks=True, replaced=(await store.takeover.read_context(again.run)).replaced
    )
    assert again.run.turn_id == second.run.turn_id


async def test_an_earlier_turn_can_be_tried_again_and_what_follows_stays_with_the_earlier_answer(
    store: Store, ann: str
) -> None:
    first = await answered(store, ann, "One")
    conversation_id = first.run.conversation_id
    second = await answered(store, ann, "Two", conversation_id=conversation_id)
    again = await store.runs.retry_run(ann, first.run.id, owner="me")
    shown = (await store.conversations.load_transcript(ann, conversation_id)).turns
    assert [turn.id for turn in shown] == [first.run.turn_id, again.run.id]
    context = await store.takeover.read_context(again.run)
    assert (context.history, context.attempt, context.forks) == ((), 2, True)
    over = RunEvent(2, now(), RunEnded(Outcome.COMPLETED))
    assert await write(store, again.run.id, over, log=[*again.events, over])
    await store.runs.show_version(ann, conversation_id, first.run.id)
    shown = (await store.conversations.load_transcript(ann, conversation_id)).turns
    assert [turn.id for turn in shown if turn.run] == [first.run.id, second.run.id]


async def test_an_edit_that_comes_twice_begins_one_run(store: Store, ann: str) -> None:
    first = await answered(store, ann, "One")
    again = {"owner": "me", "submission": "s", "instead_of": first.run.turn_id}
    edited = await store.runs.start_run(ann, first.run.conversation_id, "Two", **again)  # type: ignore[arg-type]
    twice = await store.runs.start_run(ann, first.run.conversation_id, "Two", **again)  # type: ignore[arg-type]
    assert (twice.run.id, edited.before, twice.before) == (edited.run.id, False, True)


async def test_a_conversation_has_one_live_run(store: Store, ann: str) -> None:
    started = await store.runs.start_run(ann, None, "Hello", owner="me")
    conversation_id = started.run.conversation_id
    before = await store.conversations.get_conversation(ann, conversation_id)
    with pytest.raises(Busy):
        await store.runs.start_run(ann, conversation_id, "Hello?", owner="you")
    with pytest.raises(Busy):
        await store.runs.retry_run(ann, started.run.id, owner="you")
    assert len((await store.conversations.load_transcript(ann, conversation_id)).turns) == 2
    assert await store.conversations.get_conversation(ann, conversation_id) == before


async def test_only_the_owner_ends_a_run_and_hears_that_it_is_to_stop(store: Store, ann: str) -> None:
    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    end = RunEvent(2, now(), RunEnded(Outcome.COMPLETED))
    assert not await write(store, run.id, end, log=[end], owner="you")
    assert run.id not in await store.logs.renew_lease("you")
    assert (await store.logs.renew_lease("me"))[run.id] is False
    await store.runs.request_stop(ann, run.id)
    assert (await store.logs.renew_lease("me"))[run.id] is True
    assert (await store.runs.get_run(ann, run.id)).state is RunState.STOPPING
    assert len((await store.logs.read_events(run.id, 0))[0]) == 1


async def test_a_write_that_may_have_got_through_can_be_repeated(store: Store, ann: str) -> None:
    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    delta, end = RunEvent(2, now(), TextDelta("x")), RunEvent(3, now(), RunEnded(Outcome.COMPLETED))
    for again in (False, True):
        assert await write(store, run.id, delta, again=again)
    for again in (False, True):
        assert await write(store, run.id, end, log=[delta, end], again=again)
    assert [event.seq for event in (await store.logs.read_events(run.id, 0))[0]] == [1, 2, 3]


async def test_runs_are_written_together_and_one_that_is_lost_costs_the_others_nothing(store: Store, ann: str) -> None:
    mine, lost, ending = [(await store.runs.start_run(ann, None, "Hello", owner=it)).run for it in ("me", "you", "me")]
    delta, end = RunEvent(2, now(), TextDelta("x")), RunEvent(2, now(), RunEnded(Outcome.COMPLETED))
    batches = [Batch(mine.id, [delta]), Batch(lost.id, [delta]), Batch(ending.id, [end], [end])]
    assert await store.logs.append(batches, "me") == {lost.id}
    assert await store.logs.append(batches, "me", again=True) == {lost.id}
    news = await store.logs.read_news({mine.id: 0, lost.id: 0, ending.id: 1, "f" * 32: 0})
    assert {id: ([event.seq for event in each.events], each.live) for id, each in news.items()} == {
        mine.id: ([1, 2], True), lost.id: ([1], True), ending.id: ([2], False),
    }  # fmt: skip


async def test_what_many_runs_write_at_a_time_is_as_many_statements_as_what_one_writes(store: Store, ann: str) -> None:
    statements: list[str] = []
    event.listen(store.database.engine.core, "before_cursor_execute", lambda *given: statements.append(given[2]))

    async def cost(count: int) -> int:
        batches, runs = list[Batch](), list[Run]()
        for number in range(count):
            run = (await store.runs.start_run(ann, None, f"Hello {number}", owner="me")).run
            notes = Notes((Checkpoint({"at": number}), 2), Remember([number]))
            batches.append(Batch(run.id, [RunEvent(2, now(), TextDelta("x"))], notes=notes))
            runs.append(run)
        statements.clear()
        assert not await store.logs.append(batches, "me")
        last = RunEvent(3, now(), RunEnded(Outcome.COMPLETED))
        assert not await store.logs.append([Batch(run.id, [last], [last]) for run in runs], "me")
        taken = len(statements)
        for number, run in enumerate(runs):
            following = (await store.runs.start_run(ann, run.conversation_id, "Go on", owner="me")).run
            assert (await store.takeover.read_context(following)).memory == [number]
        return taken

    assert await cost(1) == await cost(7)


async def test_news_of_thousands_of_runs_is_one_question(store: Store, ann: str) -> None:
    runs = [(await store.runs.start_run(ann, None, "Hello", owner="me")).run.id for _ in range(3)]
    news = await store.logs.read_news({**dict.fromkeys(runs, 0), **{f"{number:032x}": 0 for number in range(5_000)}})
    assert news.keys() == set(runs)
    assert all(len(each.events) == 1 and each.live and not each.more for each in news.values())


async def test_a_long_log_is_read_a_piece_at_a_time(store: Store, ann: str) -> None:
    store.logs = RunLogs(store.database, most_of_a_run=4)
    long, short = [(await store.runs.start_run(ann, None, "Hello", owner="me")).run for _ in range(2)]
    end = RunEvent(10, now(), RunEnded(Outcome.COMPLETED))
    deltas = [RunEvent(seq, now(), TextDelta("x")) for seq in range(2, 10)]
    assert await write(store, long.id, *deltas, end, log=[*deltas, end])
    news = await store.logs.read_news({long.id: 0, short.id: 0})
    assert [event.seq for event in news[long.id].events] == [1, 2, 3, 4]
    assert (news[long.id].more, news[short.id].more) == (True, False)
    store.logs = RunLogs(store.database, most_of_a_run=4, most=3)
    news = await store.logs.read_news({long.id: 4, short.id: 0})
    assert sum(len(each.events) for each in news.values()) == 3
    assert news[long.id].more and news[short.id].more
    events, live = await store.logs.read_events(long.id, 0)
    assert ([event.seq for event in events], live) == (list(range(1, 11)), False)


async def test_the_runs_of_a_process_that_is_gone_are_ended_once(store: Store, ann: str) -> None:
    me, other = uuid.uuid4().hex, uuid.uuid4().hex
    run = (await store.runs.start_run(ann, None, "Hello", owner=me)).run
    stopped = (await store.runs.start_run(ann, None, "Stop", owner=me)).run
    await store.runs.request_stop(ann, stopped.id)
    await store.logs.renew_lease(me)
    await write(store, run.id, RunEvent(2, now(), TextDelta("So far")), owner=me)
    past, future = now() - timedelta(minutes=1), now() + timedelta(minutes=1)
    assert me not in await silent(store, other, past)
    assert me not in await silent(store, me, future)
    assert await store.takeover.give_up_process(me, past) == (0, 0)
    alive_at = (await silent(store, other, future))[me]
    ended: list[int] = []

    async def look() -> None:
        ended.append((await store.takeover.give_up_process(me, alive_at))[0])

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(look)
    assert sorted(ended) == [0] * 4 + [2]
    assert not await write(store, run.id, RunEvent(3, now(), TextDelta("more")), owner=me)
    events, more = await store.logs.read_events(run.id, 0)
    assert events[-1].body == RunEnded(Outcome.FAILED, SILENT)
    assert not more
    assert (await store.runs.get_run(ann, stopped.id)).state is RunState.CANCELLED
    assert (await store.conversations.load_transcript(ann, run.conversation_id)).turns[1].text == "So far"


async def test_a_process_that_never_said_that_it_is_alive_is_silent(store: Store, ann: str) -> None:
    gone = uuid.uuid4().hex
    await store.runs.start_run(ann, None, "Hello", owner=gone)
    assert (await silent(store, "me", now() - timedelta(minutes=1)))[gone] is None
    await store.logs.renew_lease(gone)
    assert gone not in await silent(store, "me", now() - timedelta(minutes=1))
    await store.logs.end_lease(gone)
    assert await store.takeover.give_up_process(gone, None) == (1, 0)


async def test_an_answer_is_kept_for_the_run_that_waits(store: Store, ann: str) -> None:
    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    with pytest.raises(NotFound):
        await store.runs.put_answer(ann, run.id, "sure", "yes")
    for seq in (2, 4):  # the same request twice
        await write(store, run.id, RunEvent(seq, now(), InputRequested("sure", "Sure?")))
        for user, request in ((ann, "other"), (ann, "su\x00re"), ("eve", "sure")):
            with pytest.raises(NotFound):
                await store.runs.put_answer(user, run.id, request, "yes")
        assert await store.logs.take_answers("me") == {}
        await store.runs.put_answer(ann, run.id, "sure", {"text": "yes\x00"})
        with pytest.raises(NotFound):
            await store.runs.put_answer(ann, run.id, "sure", "no")
        assert await store.logs.take_answers("me") == {(run.id, "sure"): {"text": "yes\ufffd"}}
        await write(store, run.id, RunEvent(seq + 1, now(), InputAnswered("sure", "yes")))
        with pytest.raises(NotFound):
            await store.runs.put_answer(ann, run.id, "sure", "no")


async def test_history_is_paged_latest_first(store: Store, ann: str) -> None:
    made = [(await answered(store, ann, f"Number {number}")).run.conversation_id for number in range(7)]
    await answered(store, ann, "again", conversation_id=made[0])
    expected = [made[0], *made[:0:-1]]
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = await store.conversations.list_conversations(ann, limit=3, cursor=cursor)
        seen += [item.id for item in page.items]
        cursor, pages = page.cursor, pages + 1
    assert (seen, pages) == (expected, 3)
    assert len((await store.conversations.list_conversations(ann, limit=0)).items) == 1
    assert len((await store.conversations.list_conversations(ann, limit=10**9)).items) == 7


@pytest.mark.parametrize("value", [None, [], ["x", "y"], ["2026-01-01", 5], ["2026-01-01T00:00:00+00:00", "\x00"], 7])
async def test_a_broken_cursor_is_invalid_input(value: object) -> None:
    store = Store()
    encoded = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    for cursor in (encoded, encoded[1:], "", "é", "\ud800", "[" * 5000):
        with pytest.raises(InvalidInput):
            await store.conversations.list_conversations("ann", cursor=cursor)
    await store.close()


@pytest.fixture(params=[0, 200], ids=["index", "latest"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches ask the index at once, or look at the latest conversations first."""
    monkeypatch.setattr(searching, "_LATEST", request.param)


@pytest.mark.usefixtures("where")
async def test_search_finds_every_word_anywhere_in_any_case(store: Store, ann: str) -> None:
    first = (await answered(store, ann, "Ärger im Hafen", "Die STRASSE ist gesperrt: 100% voll")).run.conversation_id
    second = (await answered(store, ann, "a_b im hafen", "Nichts")).run.conversation_id
    await store.conversations.rename_conversation(ann, second, "Προβλήματα")

    async def found(query: str, user: str = ann) -> set[str]:
        return {item.id for item in (await store.conversations.list_conversations(user, query)).items}

    assert await found("HAFEN") == {first, second}
    assert await found("ärger") == await found("ÄRGER straße") == await found("gesperrt hafen") == {first}
    assert await found("προβλήματα") == await found("A_B") == {second}
    assert await found("100%") == {first}
    assert await found("%") == {first}
    assert await found("_") == {second}
    assert await found("hafen nirgends") == await found("\\") == await found("'") == set()
    assert await found("") == await found(" \t ") == {first, second}
    assert await found("hafen", "eve") == set()
    assert await found("\x00") == await found("\ud800") == set()
    with pytest.raises(InvalidInput):
        await found("x" * 501)
    assert await found(" ".join("abcdefghij" * 25)) == set()


async def test_search_finds_the_same_with_an_index_and_without(
    url: str | None, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what was renamed, deleted, restored or removed for good."""
    monkeypatch.setattr(searching, "_LATEST", 0)
    store = Store(url, keep_deleted=0)
    pick, words = (
        random.Random(3),
        ["ana", "banana", "nab", "ab", "天気", "天気予報", "a%b", 'say "hi"', "näh", "\U0001f389x"],
    )
    ben, runs = f"ben-{uuid.uuid4().hex}", []
    for _ in range(12):
        for user in ann, ben:
            said, told = (" ".join(pick.choices(words, k=3)) for _ in range(2))
            runs.append((await answered(store, user, said, told)).run)
    for run in runs[::4]:
        await store.conversations.rename_conversation(run.user_id, run.conversation_id, pick.choice(words))
    for run in runs[1::4]:
        await store.turns.delete_turn(run.user_id, run.conversation_id, run.turn_id)
    for run in runs[3::8]:
        await store.conversations.delete_conversation(run.user_id, run.conversation_id)
    await store.database.write(lambda db: purge_turns(db, now()))
    await store.delete_user(ben)

    async def found(query: str) -> list[Conversation]:
        return [*(await store.conversations.list_conversations(ann, query)).items]

    queries = [*words, *(f"{pick.choice(words)} {pick.choice(words)[1:]}" for _ in range(8))]
    with_index = [await found(query) for query in queries]
    assert await store.database.read(searching._has_index) is (url is not None)
    monkeypatch.setattr(searching, "_has_index", lambda db: False)
    assert [await found(query) for query in queries] == with_index and any(with_index)
    if url is not None and url.startswith("sqlite"):
        text_count = "SELECT count(*) FROM (SELECT 1 FROM htmxchat_searched)"
        assert await store.database.read(lambda db: db.scalar(text(text_count))) > 0
        await store.delete_user(ann)
        assert await store.database.read(lambda db: db.scalar(text(text_count))) == 0
    await store.close()


@pytest.mark.usefixtures("where")
async def test_search_says_where_it_found_what_the_title_lacks(store: Store, ann: str) -> None:
    await answered(store, ann, "The nightly import", "word " * 400 + "then *retry* the\nmail relay " + "word " * 400)
    long = "x " * 60 + "Die STRASSE ist gesperrt"
    await answered(store, ann, long, "Nichts")

    async def passages(query: str) -> list[str]:
        return [item.passage for item in (await store.conversations.list_conversations(ann, query)).items]

    (relay,) = await passages("RETRY relay")
    assert "then *retry* the mail relay word" in relay and len(relay) <= 160
    (both,) = await passages("retry import")
    assert "*retry*" in both
    (street,) = await passages("straße")
    assert street.endswith("Die STRASSE ist gesperrt")
    assert await passages("nightly") == [""]
    assert await passages("") == ["", ""]


@pytest.mark.usefixtures("where")
async def test_search_finds_what_is_on_any_branch_and_says_which_turn_has_it(store: Store, ann: str) -> None:
    started = await answered(store, ann, "Hello", "Kumquat")
    again = await store.runs.retry_run(ann, started.run.id, owner="me")
    over = RunEvent(2, now(), RunEnded(Outcome.COMPLETED))
    assert await write(store, again.run.id, over, log=[*again.events, over])
    (found,) = (await store.conversations.list_conversations(ann, "kumquat")).items
    assert (found.passage, found.found) == ("Kumquat", started.run.id)
    await store.turns.delete_turn(ann, started.run.conversation_id, started.run.turn_id)
    assert (await store.conversations.list_conversations(ann, "kumquat")).items == ()
    await store.turns.restore_turn(ann, started.run.conversation_id, started.run.turn_id)
    assert len((await store.conversations.list_conversations(ann, "kumquat")).items) == 1


async def test_a_title_is_one_line(store: Store, ann: str) -> None:
    long = "word " * 100
    started = await answered(store, ann, f"\n  What\t is \x00 this?  \n{long}")
    conversation_id = started.run.conversation_id
    assert (await store.conversations.get_conversation(ann, conversation_id)).title == "What is \ufffd this?"
    title = (
        await store.conversations.get_conversation(ann, (await answered(store, ann, long)).run.conversation_id)
    ).title
    assert title == " ".join(["word"] * 12) + "…"
    title = (
        await store.conversations.get_conversation(ann, (await answered(store, ann, "x" * 99)).run.conversation_id)
    ).title
    assert title == "x" * 59 + "…"
    for said, called in (("Restart it.", "Restart it"), ("好。", "好"), ("And so on...", "And so on..."), (".", ".")):
        found = await store.conversations.get_conversation(ann, (await answered(store, ann, said)).run.conversation_id)
        assert found.title == called
    await store.conversations.rename_conversation(ann, conversation_id, " Better\n title ")
    assert (await store.conversations.get_conversation(ann, conversation_id)).title == "Better"
    with pytest.raises(InvalidInput):
        await store.conversations.rename_conversation(ann, conversation_id, " \n ")


async def test_an_agent_names_a_conversation_until_its_user_has(store: Store, ann: str) -> None:
    async def suggest(seq: int, *titles: str) -> str:
        events = [RunEvent(seq + place, now(), TitleSuggested(title)) for place, title in enumerate(titles)]
        assert await write(store, run.id, *events)
        found = await store.conversations.get_conversation(ann, run.conversation_id)
        (searched,) = (await store.conversations.list_conversations(ann, found.title.upper())).items
        assert searched == found
        return found.title

    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    before = await store.conversations.get_conversation(ann, run.conversation_id)
    assert await suggest(2, "One", "  Two\n lines ") == "Two"
    assert await suggest(4, " ") == "Two"
    after = await store.conversations.get_conversation(ann, run.conversation_id)
    assert replace(after, title="Hello") == before
    await store.conversations.rename_conversation(ann, run.conversation_id, "Mine")
    assert await suggest(5, "Three") == "Mine"


async def test_pins_come_first_and_the_archive_apart_page_by_page(store: Store, ann: str) -> None:
    async def pages(archived: bool = False) -> list[str]:
        seen: list[str] = []
        cursor: str | None = None
        while not seen or cursor:
            page = await store.conversations.list_conversations(ann, limit=2, cursor=cursor, archived=archived)
            seen += [item.id for item in page.items]
            cursor = page.cursor
        return seen

    chats = store.conversations
    made = [(await answered(store, ann, f"Number {number}")).run.conversation_id for number in range(7)]
    for id in made[0], made[3], made[4]:
        await chats.pin_conversation(ann, id, True)
    for id in made[4], made[1], made[6]:
        await chats.archive_conversation(ann, id, True)
    assert await pages() == [made[3], made[0], made[5], made[2]]
    assert await pages(archived=True) == [made[6], made[4], made[1]]
    overview = await chats.overview(ann, made[1], limit=2)
    assert overview.latest == await chats.list_conversations(ann, limit=2)
    assert overview.conversation == await chats.get_conversation(ann, made[1])
    assert overview.conversation.archived
    # Neither takes a conversation from where the other has put it; a pin brings one back.
    await chats.pin_conversation(ann, made[6], False)
    await chats.archive_conversation(ann, made[3], False)
    await chats.pin_conversation(ann, made[1], True)
    assert await pages() == [made[3], made[1], made[0], made[5], made[2]]
    assert await pages(archived=True) == [made[6], made[4]]


async def test_what_belongs_to_somebody_else_is_not_found(store: Store, ann: str) -> None:
    run = (await answered(store, ann, "Hello")).run
    for user, conversation_id, run_id in (
        ("eve", run.conversation_id, run.id),
        (ann, "0" * 32, "0" * 32),
        (ann, "\x00", "\ud800"),
        (ann, "x" * 10_000, ""),
    ):
        for call in (
            store.conversations.get_conversation(user, conversation_id),
            store.conversations.load_transcript(user, conversation_id),
            store.conversations.rename_conversation(user, conversation_id, "Mine"),
            store.conversations.pin_conversation(user, conversation_id, True),
            store.conversations.archive_conversation(user, conversation_id, True),
            store.conversations.delete_conversation(user, conversation_id),
            store.conversations.restore_conversation(user, conversation_id),
            store.runs.start_run(user, conversation_id, "Hello", owner="me"),
            store.runs.get_run(user, run_id),
            store.runs.retry_run(user, run_id, owner="me"),
            store.runs.request_stop(user, run_id),
            store.runs.put_answer(user, run_id, "request", 1),
        ):
            with pytest.raises(NotFound):
                await call


@pytest.mark.parametrize("user", ["a\x00", "\ud800"])
async def test_a_user_id_that_no_database_can_hold_is_refused(user: str) -> None:
    store = Store()
    with pytest.raises(InvalidInput):
        await store.runs.start_run(user, None, "Hello", owner="me")
    with pytest.raises(InvalidInput):
        await store.conversations.list_conversations(user)
    await store.close()


async def test_a_deletion_can_be_undone_for_a_while_and_is_real_after_that(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = Store(f"sqlite:///{path}", keep_deleted=1)
    run = (await answered(store, "ann", "Hello")).run
    assert await store.conversations.delete_conversation("ann", run.conversation_id) is None
    assert (await store.conversations.list_conversations("ann")).items == ()
    await store.conversations.restore_conversation("ann", run.conversation_id)
    assert len((await store.conversations.list_conversations("ann")).items) == 1
    await store.conversations.delete_conversation("ann", run.conversation_id)
    with anyio.fail_after(15):
        while _rows(path):
            await anyio.sleep(0.02)
            await store.runs.start_run("bob", None, "Hello", owner="me")
            _forget_bob(path)
    with pytest.raises(NotFound):
        await store.conversations.restore_conversation("ann", run.conversation_id)
    with pytest.raises(NotFound):
        await store.logs.read_events(run.id, 0)
    assert not await write(store, run.id, RunEvent(4, now(), TextDelta("late")))
    await store.close()


def _rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    tables = ("conversations", "turns", "runs", "events", "answers")
    count = sum(connection.execute(f"SELECT count(*) FROM htmxchat_{table}").fetchone()[0] for table in tables)
    connection.close()
    return int(count)


def _forget_bob(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("DELETE FROM htmxchat_conversations WHERE user_id = 'bob'")
    connection.commit()
    connection.close()


async def test_deleting_asks_the_live_run_to_stop(store: Store, ann: str) -> None:
    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    assert await store.conversations.delete_conversation(ann, run.conversation_id) == run.id
    assert (await store.logs.renew_lease("me"))[run.id] is True
    with pytest.raises(NotFound):
        await store.runs.get_run(ann, run.id)


async def test_a_cancelled_caller_does_not_tear_a_transaction(store: Store, ann: str) -> None:
    started = await answered(store, ann, "Hello")
    for _ in range(20):
        with anyio.move_on_after(0.0005):
            await answered(store, ann, "Hello")
    assert (await store.conversations.load_transcript(ann, started.run.conversation_id)).turns[1].text == "Yes."


async def test_what_fails_after_its_caller_has_gone_is_not_complained_about() -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    tasks: set[asyncio.Task[object]] = set()
    release = asyncio.Event()

    async def fail() -> None:
        await release.wait()
        raise BackendUnavailable

    caller = asyncio.create_task(uncancelled(tasks, fail()))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    release.set()
    await asyncio.wait(tasks)
    gc.collect()
    assert complaints == []


async def test_an_unknown_event_survives(store: Store, ann: str) -> None:
    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    strange = RunEvent(2, now(), Unknown("later.version", {"deep": [1, None, {"x": "é\u2028"}]}), raw=[1.5, "raw"])
    await write(store, run.id, strange)
    events, more = await store.logs.read_events(run.id, 1)
    assert events == [strange]
    assert more
    assert (await store.logs.read_events(run.id, 0))[0][0].body == RunStarted()


async def test_a_new_file_is_for_its_owner_only_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared.db"
    shared.touch(0o644)
    for name in ("new.db", "shared.db"):
        store = Store(f"sqlite:///{tmp_path}/{name}")
        await store.open()
        await store.close()
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
    assert shared.stat().st_mode & 0o777 == 0o644


async def test_a_submission_is_stored_once_by_whichever_process(url: str | None) -> None:
    if url is None:
        pytest.skip("a database in memory has one process")
    ann = uuid.uuid4().hex
    one, two = Store(url), Store(url)

    async def twice() -> list[Started]:
        both = (store.runs.start_run(ann, None, "Hello", owner="me", submission="s1") for store in (one, two))
        return await asyncio.gather(*both)

    runs = [*await twice(), *await twice()]
    assert len({started.run.id for started in runs}) == 1
    assert [started.before for started in runs].count(False) == 1
    (conversation,) = (await one.conversations.list_conversations(ann)).items
    other = await one.runs.start_run(ann, None, "Hello", owner="me", submission="s2")
    changed = await one.runs.start_run(ann, None, "Hello, changed", owner="me", submission="s1")
    stranger = await one.runs.start_run(uuid.uuid4().hex, None, "Hello", owner="me", submission="s1")
    assert len({each.run.id for each in (runs[0], other, changed, stranger)}) == 4
    await one.conversations.delete_conversation(ann, conversation.id)
    with pytest.raises(Conflict, match="was deleted"):
        await one.runs.start_run(ann, None, "Hello", owner="me", submission="s1")
    await one.close()
    await two.close()


# What goes wrong


def alter(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.executescript(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE htmxchat_runs DROP COLUMN waiting", "an older version of htmxchat: table htmxchat_runs has no"),
        ("ALTER TABLE htmxchat_runs ADD COLUMN mood TEXT", None),
        (
            "DROP TABLE htmxchat_answers; CREATE TABLE htmxchat_answers"
            " (run_id TEXT, request_id TEXT, answer TEXT, mood TEXT NOT NULL)",
            "needs a column mood",
        ),
    ],
)
async def test_tables_of_another_version_are_named(
    tmp_path: Path, change: str, named: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "chat.db"
    store = Store(f"sqlite:///{path}")
    await store.open()
    await store.close()
    alter(path, change)
    store = Store(f"sqlite:///{path}")
    if named is None:
        await answered(store, "ann", "Hello")
    else:
        with pytest.raises(BackendError, match="another version"):
            await store.runs.start_run("ann", None, "Hello", owner="me")
        assert named in caplog.text
    await store.close()


@pytest.mark.parametrize(
    "broken",
    [
        "ALTER TABLE htmxchat_runs RENAME COLUMN owner TO elsewhere",
        "CREATE TRIGGER x BEFORE INSERT ON htmxchat_runs BEGIN SELECT RAISE(ABORT, 'no more'); END",
        "CREATE TRIGGER x BEFORE INSERT ON htmxchat_turns BEGIN SELECT RAISE(ABORT, 'no more'); END",
    ],
)
async def test_what_the_database_refuses_is_no_live_run_and_is_logged(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "chat.db"
    store = Store(f"sqlite:///{path}")
    run = (await answered(store, "ann", "Hello")).run
    alter(path, broken)
    for conversation_id in (None, run.conversation_id):
        with pytest.raises(BackendError, match="reported an error") as caught:
            await store.runs.start_run("ann", conversation_id, "Again", owner="me")
        assert not isinstance(caught.value, BackendUnavailable)
    assert "Traceback" in caplog.text
    await store.close()


async def test_events_that_are_refused_do_not_look_like_a_lost_run(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = Store(f"sqlite:///{path}")
    run = (await store.runs.start_run("ann", None, "Hello", owner="me")).run
    alter(path, "CREATE TRIGGER x BEFORE INSERT ON htmxchat_events BEGIN SELECT RAISE(ABORT, 'no more'); END")
    with pytest.raises(BackendError, match="reported an error"):
        await write(store, run.id, RunEvent(2, now(), TextDelta("x")))
    await store.close()


async def test_an_outage_is_logged_when_it_begins_and_when_it_is_over(
    own_postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(own_postgres.url)
    started = await answered(store, "ann", "Hello")
    own_postgres.stop("immediate")
    for _ in range(5):
        with pytest.raises(BackendUnavailable, match="cannot be reached"):
            await store.conversations.list_conversations("ann")
    own_postgres.start()
    assert (await store.conversations.get_conversation("ann", started.run.conversation_id)).title == "Hello"
    began, over = [record.getMessage() for record in caplog.records if record.name == "htmxchat"]
    assert "cannot be reached" in began
    assert "is back after" in over
    await store.close()


async def test_requests_wait_for_a_connection_and_the_processs_own_work_does_not(
    postgres: Postgres, ann: str, caplog: pytest.LogCaptureFixture
) -> None:
    store, other = Store(postgres.url, connections=2), create_async_engine(postgres.url)
    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    lock, held, release = uuid.uuid4().int % 2**62, asyncio.Event(), asyncio.Event()
    waiting = select(func.pg_advisory_xact_lock(lock))

    async def hold() -> None:
        async with other.begin() as connection:
            await connection.execute(waiting)
            held.set()
            await release.wait()

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(hold())
        await held.wait()
        crowd = [tasks.create_task(store.database.read(lambda db: db.execute(waiting).all())) for _ in range(2)]
        while not store.database._places.locked():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        store.database.timing = Timing(patience=0.05)
        for _ in range(3):
            with pytest.raises(BackendUnavailable, match="too busy"):
                await store.conversations.list_conversations(ann)
        store.database.timing = Timing(patience=30)
        patient = tasks.create_task(store.runs.get_run(ann, run.id))
        assert await write(store, run.id, RunEvent(2, now(), TextDelta("x")))
        await store.logs.renew_lease("me")
        assert (await store.logs.read_news({run.id: 1}))[run.id].events
        assert not patient.done()
        release.set()
        await asyncio.gather(*crowd)
        assert (await patient).id == run.id
    (told,) = [record.getMessage() for record in caplog.records if record.name == "htmxchat"]
    assert told.startswith("All 2 connections to the chat's database have been in use for 0.05 seconds.")
    await store.close()
    await other.dispose()


@pytest.mark.parametrize("url", ["memory", "file"], indirect=True)
async def test_where_one_transaction_runs_at_a_time_the_processs_own_waits_for_no_more_than_one_request(
    store: Store, ann: str
) -> None:
    run = (await store.runs.start_run(ann, None, "Hello", owner="me")).run
    async with asyncio.TaskGroup() as tasks:
        crowd = [tasks.create_task(store.runs.start_run(ann, None, "Hello", owner="me")) for _ in range(30)]
        await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
        assert await write(store, run.id, RunEvent(2, now(), TextDelta("x")))
        await store.logs.renew_lease("me")
        assert sum(each.done() for each in crowd) < 10


async def test_a_database_that_can_only_be_read_is_back_when_it_can_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "chat.db"
    store = Store(f"sqlite:///{path}")
    event.listen(store.database.engine.core, "connect", lambda db, _: db.execute("PRAGMA busy_timeout=1"))
    id = (await answered(store, "ann", "Hello")).run.conversation_id
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(BackendUnavailable):
                await store.conversations.rename_conversation("ann", id, "Other")
            assert (await store.conversations.get_conversation("ann", id)).title == "Hello"
    await store.conversations.rename_conversation("ann", id, "Other")
    began, over = [record.getMessage() for record in caplog.records if record.name == "htmxchat"]
    assert "cannot be written" in began
    assert "is back after" in over
    await store.close()
