"""Agents that propose scripts, over a store: what joins the queue, and what the agent is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import select, update

from htmxchat import (
    Conflict,
    FromAgent,
    FromAnswer,
    InvalidInput,
    KeepsScripts,
    LocalBackend,
    NotFound,
    Request,
    Run,
    RunScript,
    RunState,
    Script,
    ScriptFinished,
    ScriptProposed,
    ScriptResult,
    ScriptState,
    Store,
    User,
    fold,
)
from htmxchat.inspection import rows as inspect
from htmxchat.inspection.timeline import timeline
from htmxchat.journal.timing import Timing
from htmxchat.parts import ProposedScript
from htmxchat.scripts.actions import Approve, Cancel, Claim, Finish, Reject, Renew, Rerun
from htmxchat.scripts.states import MAX_CODE, MAX_SCRIPTS, digest
from htmxchat.store.tables import scripts
from htmxchat.testing import each_event

ANN, EVE = User("ann"), User("eve")
FAST = Timing(frame=0.005, poll=0.02, renew=0.05, expire=0.3, grace=0.3, close=0.1)


async def counts(request: Request) -> AsyncIterator[Any]:
    """Ask for a script and say its result."""
    result = yield RunScript("print(6 * 7)\n", title="The answer")
    assert isinstance(result, ScriptResult)
    yield f"{result.state.value}: {result.text}"


async def proposes(request: Request) -> AsyncIterator[Any]:
    yield ScriptProposed("a", "print(1)", "One")
    yield ScriptProposed("b", "print(2)", "Two")
    yield "Two scripts."


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., LocalBackend]]:
    made: list[LocalBackend] = []

    def backend(respond: Any = counts, store: Store | None = None) -> LocalBackend:
        made.append(LocalBackend(respond, store, timing=FAST))
        return made[-1]

    yield backend
    for each in made:
        await each.close()


async def queue(backend: LocalBackend, run: Run, count: int = 1) -> tuple[Script, ...]:
    with anyio.fail_after(5):
        while len(scripts := await backend.list_scripts(ANN, run.conversation_id)) < count:  # noqa: ASYNC110
            await anyio.sleep(0.01)
    return scripts


async def end(backend: LocalBackend, run: Run) -> Any:
    with anyio.fail_after(5):
        async with aclosing(each_event(backend, ANN, run.id)) as events:
            return fold([event async for event in events])


async def play(backend: LocalBackend, script: Script, result: ScriptResult) -> Script:
    """Do what a page does: approve, claim, finish."""
    shown = digest(script.code)
    for action in (Approve(shown), Claim("page", shown), Finish("page", result)):
        script = await backend.change_script(ANN, script.run_id, script.id, action)
    return script


REJECTED = {"state": "rejected"}
DONE = ScriptResult(ScriptState.DONE, stdout="42\n", seconds=0.02)


async def test_a_run_waits_for_its_script_and_goes_on_with_the_result(make: Callable[..., LocalBackend]) -> None:
    backend = make()
    assert isinstance(backend, KeepsScripts)
    run = await backend.start_run(ANN, None, "Count")
    (script,) = await queue(backend, run)
    assert (script.title, script.code, script.state) == ("The answer", "print(6 * 7)", ScriptState.QUEUED)
    assert script.awaited
    assert (await backend.get_run(ANN, run.id)).state is RunState.RUNNING
    await play(backend, script, DONE)
    view = await end(backend, run)
    assert (view.state, view.text) == (RunState.COMPLETED, "done: 42")
    (part,) = (part for part in view.parts if isinstance(part, ProposedScript))
    assert (part.script.code, part.script.awaited) == ("print(6 * 7)\n", True)
    assert part.finished and part.finished.state is ScriptState.DONE
    assert view.awaited_script is None
    (script,) = await queue(backend, run)
    assert not script.awaited
    assert script.result == replace(DONE, code="print(6 * 7)")


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Reject(), "rejected: The user rejected the script. It did not run."),
        (Cancel(), "cancelled: The user cancelled"),
    ],
)
async def test_the_agent_goes_on_without_a_script_that_does_not_run(
    make: Callable[..., LocalBackend], action: Any, words: str
) -> None:
    backend = make()
    run = await backend.start_run(ANN, None, "Count")
    (script,) = await queue(backend, run)
    await backend.change_script(ANN, run.id, script.id, action)
    view = await end(backend, run)
    assert view.state is RunState.COMPLETED
    assert view.text.startswith(words)


async def test_the_agent_is_told_what_ran_when_the_user_edited_it(make: Callable[..., LocalBackend]) -> None:
    async def respond(request: Request) -> AsyncIterator[Any]:
        result: Any = yield RunScript("print(1)")
        yield result.code

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Count")
    (script,) = await queue(backend, run)
    edited = await backend.change_script(ANN, run.id, script.id, Approve(digest("print(1)"), "print(2)"))
    assert edited.edited
    for action in (Claim("page", digest("print(2)")), Finish("page", DONE)):
        await backend.change_script(ANN, run.id, script.id, action)
    assert (await end(backend, run)).text == "print(2)"


async def test_another_process_can_run_the_script(make: Callable[..., LocalBackend], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    here, there = make(store=Store(url)), make(store=Store(url))
    run = await here.start_run(ANN, None, "Count")
    (script,) = await queue(there, run)
    await play(there, script, DONE)
    assert (await end(here, run)).text == "done: 42"


async def test_proposals_that_nobody_waits_for_join_the_queue_and_outlive_the_run(
    make: Callable[..., LocalBackend],
) -> None:
    backend = make(proposes)
    run = await backend.start_run(ANN, None, "Propose")
    assert (await end(backend, run)).state is RunState.COMPLETED
    scripts = await queue(backend, run, 2)
    assert [(each.origin, each.position, each.state.value) for each in scripts] == [
        (FromAgent("a"), 1, "queued"),
        (FromAgent("b"), 2, "queued"),
    ]
    done = await play(backend, scripts[0], DONE)
    assert done.state is ScriptState.DONE


async def test_a_proposal_of_a_run_that_ended_in_another_process_can_run_there_and_here(
    make: Callable[..., LocalBackend], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    here, there = make(proposes, Store(url)), make(proposes, Store(url))
    run = await here.start_run(ANN, None, "Propose")
    assert (await end(here, run)).state is RunState.COMPLETED
    await here.close()
    first, second = await queue(there, run, 2)
    assert (await play(there, first, DONE)).result == replace(DONE, code="print(1)")
    again = make(proposes, Store(url))
    await play(again, second, DONE)
    for backend in (there, again):
        assert [each.state for each in await queue(backend, run, 2)] == [ScriptState.DONE, ScriptState.DONE]
        view = await end(backend, run)
        assert (view.state, view.text) == (RunState.COMPLETED, "Two scripts.")


async def test_what_becomes_of_a_proposal_while_the_run_lives_is_in_its_log(make: Callable[..., LocalBackend]) -> None:
    go_on = anyio.Event()

    async def respond(request: Request) -> AsyncIterator[Any]:
        yield ScriptProposed("a", "print(1)")
        await go_on.wait()
        yield "Done."

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Propose")
    (script,) = await queue(backend, run)
    await play(backend, script, DONE)
    go_on.set()
    async with aclosing(each_event(backend, ANN, run.id)) as events:
        bodies = [event.body async for event in events]
    (finished,) = [body for body in bodies if isinstance(body, ScriptFinished)]
    assert (finished.script_id, finished.state) == ("a", "done")


async def test_a_run_that_ends_withdraws_what_it_waits_for(make: Callable[..., LocalBackend]) -> None:
    backend = make()
    run = await backend.start_run(ANN, None, "Count")
    (script,) = await queue(backend, run)
    await backend.stop_run(ANN, run.id)
    assert (await end(backend, run)).state is RunState.CANCELLED
    (script,) = await queue(backend, run)
    assert (script.state, script.awaited) == (ScriptState.CANCELLED, False)
    rerun = await backend.change_script(ANN, run.id, script.id, Rerun(digest(script.code)))
    assert rerun.state is ScriptState.APPROVED


async def test_two_pages_cannot_run_the_same_script(make: Callable[..., LocalBackend], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    backends = [make(proposes, Store(url)), make(proposes, Store(url))]
    run = await backends[0].start_run(ANN, None, "Propose")
    await end(backends[0], run)
    scripts = await queue(backends[0], run, 2)
    for script in scripts:
        await backends[0].change_script(ANN, run.id, script.id, Approve(digest(script.code)))
    claimed: list[str] = []

    async def claim(number: int) -> None:
        script = scripts[number % 2]
        try:
            await backends[number % 3 % 2].change_script(
                ANN, run.id, script.id, Claim(f"p{number}", digest(script.code))
            )
        except Conflict:
            return
        claimed.append(script.id)

    async with anyio.create_task_group() as tasks:
        for number in range(12):
            tasks.start_soon(claim, number)
    assert claimed == [scripts[0].id]


async def test_scripts_of_others_are_not_there(make: Callable[..., LocalBackend]) -> None:
    backend = make(proposes)
    run = await backend.start_run(ANN, None, "Propose")
    (script, _) = await queue(backend, run, 2)
    other = await backend.start_run(EVE, None, "Propose")
    with pytest.raises(NotFound):
        await backend.list_scripts(EVE, run.conversation_id)
    for run_id, script_id in [(run.id, script.id), (other.id, script.id), (other.id, "0" * 32), (other.id, "")]:
        with pytest.raises(NotFound):
            await backend.change_script(EVE, run_id, script_id, Reject())
    with pytest.raises(NotFound):
        await backend.queue_block(EVE, run.id, 0, "print(1)")
    with pytest.raises(NotFound):
        await backend.clear_scripts(EVE, run.conversation_id)


async def test_a_block_is_queued_once(make: Callable[..., LocalBackend]) -> None:
    backend = make(proposes)
    run = await backend.start_run(ANN, None, "Propose")
    await end(backend, run)
    first = await backend.queue_block(ANN, run.id, 0, "print(3)\n", "Block")
    assert (first.origin, first.code, first.state) == (FromAnswer(0), "print(3)", ScriptState.QUEUED)
    assert (await backend.queue_block(ANN, run.id, 0, "print(3)\n", "Block")).id == first.id
    assert len(await queue(backend, run, 3)) == 3
    for code in ("", " \n", "x" * (MAX_CODE + 1)):
        with pytest.raises(InvalidInput):
            await backend.queue_block(ANN, run.id, 1, code)


async def test_too_much_is_refused_and_the_agent_is_told(make: Callable[..., LocalBackend]) -> None:
    async def respond(request: Request) -> AsyncIterator[Any]:
        result: Any = yield RunScript("x" * (MAX_CODE + 1))
        yield result.text
        for number in range(MAX_SCRIPTS + 1):
            yield ScriptProposed(str(number), f"print({number})")

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Too much")
    view = await end(backend, run)
    assert "50,001 characters" in view.text
    scripts = await queue(backend, run, MAX_SCRIPTS + 2)
    assert [each.state.value for each in scripts].count("rejected") == 3
    with pytest.raises(InvalidInput, match="50 scripts"):
        await backend.queue_block(ANN, run.id, 0, "print(3)")


async def test_what_is_cleared_is_kept(make: Callable[..., LocalBackend]) -> None:
    backend = make(proposes)
    run = await backend.start_run(ANN, None, "Propose")
    await end(backend, run)
    one, two = await queue(backend, run, 2)
    await play(backend, one, DONE)
    await backend.clear_scripts(ANN, run.conversation_id)
    one, two = await queue(backend, run, 2)
    assert (one.cleared, two.cleared) == (True, False)
    assert one.result is not None
    again = await backend.change_script(ANN, run.id, one.id, Rerun(digest(one.code)))
    assert not again.cleared


async def test_scripts_go_with_their_conversation(make: Callable[..., LocalBackend]) -> None:
    store = Store(keep_deleted=0)
    backend = make(proposes, store)
    run = await backend.start_run(ANN, None, "Propose")
    await end(backend, run)
    await queue(backend, run, 2)
    await backend.delete_conversation(ANN, run.conversation_id)
    with pytest.raises(NotFound):
        await backend.list_scripts(ANN, run.conversation_id)
    await anyio.sleep(0.01)
    await backend.start_run(ANN, None, "Propose")
    kept = await store.database.read(lambda db: db.scalars(select(scripts.c.run_id)).all())
    assert run.id not in kept


async def test_a_page_that_says_nothing_for_long_has_lost_its_script(make: Callable[..., LocalBackend]) -> None:
    store = Store()
    backend = make(counts, store)
    run = await backend.start_run(ANN, None, "Count")
    (script,) = await queue(backend, run)
    shown = digest(script.code)
    for action in (Approve(shown), Claim("page", shown)):
        await backend.change_script(ANN, run.id, script.id, action)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await store.database.write(lambda db: db.execute(update(scripts).values(lease_until=past)))
    (script,) = await queue(backend, run)
    assert script.state is ScriptState.FAILED
    assert (await end(backend, run)).text.startswith("failed: The page that ran it was closed")
    with pytest.raises(Conflict):
        await backend.change_script(ANN, run.id, script.id, Renew("page"))
    again = await backend.change_script(ANN, run.id, script.id, Rerun(shown))
    assert again.state is ScriptState.APPROVED


async def test_the_inspector_shows_how_long_a_run_waited_and_for_what(make: Callable[..., LocalBackend]) -> None:
    backend = make()
    run = await backend.start_run(ANN, None, "Count")
    (script,) = await queue(backend, run)
    await play(backend, script, replace(DONE, state=ScriptState.FAILED))
    async with aclosing(each_event(backend, ANN, run.id)) as events:
        log = [event async for event in events]
    lines = [(row.type, row.meaning.split(" after ")[0], row.failed) for row in inspect(log)]
    assert ("ScriptProposed", "Wants to run Python, 1 line: The answer", False) in lines
    assert ("ScriptFinished", "Script in the browser: Failed", True) in lines
    assert ("waiting", "Waiting for a script") in {(lane.kind, lane.label) for lane in timeline(log).lanes}
