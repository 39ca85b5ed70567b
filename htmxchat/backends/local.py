"""`LocalBackend`: a complete backend from an agent and a store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from .. import checks
from ..agent import Agent, Responder
from ..errors import EmptyText, ServerStopping
from ..events import JSON, RunEvent
from ..journal import Journal, Timing
from ..models import Conversation, ConversationPage, Overview, Run, RunSummary, Starter, Transcript, User
from ..observing import Observer
from ..scripts.actions import ScriptAction
from ..scripts.models import Script
from ..store import Started, Store
from ..store.database import uncancelled
from .active import ActiveRun
from .agents import Agents
from .kept import KeptByStore
from .reading import read_events

STORE_EXAMPLE = 'Store("sqlite:///chat.db")'

log = logging.getLogger("htmxchat")
_MAX_CLAIMED = 20


class LocalBackend(KeptByStore):
    """A backend whose agent runs in this process. asyncio only.

    Each run is a task, independent of its readers. Events are stored before readers see them. Several processes can
    share a store: each can show, stop and answer the others' runs. While the database is unreachable, runs pause.

    When a process dies, another process resumes its runs within seconds, in the same turn, if the agent has `resume`;
    else it ends them as failed and keeps the text so far. When a process shuts down, it hands over the runs that can be
    resumed elsewhere, gives the others some seconds to finish, and ends the rest.

    Args:
        agent: An async generator function (`Responder`), or an object with `answer` (`Agent`), called once per run. Or
            several, from which the user chooses, by the names that are shown: `{"Fast": fast, "Careful": careful}`. The
            first answers if none is chosen.
        store: Where everything is stored; by default in memory. The backend closes it.
        starters: The messages that the empty page offers.
        timing: Intervals and timeouts; only tests and special stores need other values.

    Raises:
        TypeError: `agent` is neither an async generator function nor has `answer`, or another argument has the wrong
            type.
        ValueError: `agent` is an empty mapping, or a name in it cannot be shown.
    """

    def __init__(
        self,
        agent: Agent | Responder | Mapping[str, Agent | Responder],
        store: Store | None = None,
        *,
        starters: Sequence[Starter] = (),
        timing: Timing | None = None,
    ) -> None:
        self._agents = Agents(agent)
        self.starters = checks.items("starters", starters, _starter, 'such as [Starter("Disk", "How much is left?")]')
        self._store = Store() if store is None else checks.instance("store", store, Store, STORE_EXAMPLE)
        self._timing = Timing() if timing is None else checks.instance("timing", timing, Timing, "Timing(poll=1)")
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._most_runs: int | None = None
        self._observer = Observer()
        self._journal = self._new_journal()

    def _new_journal(self) -> Journal[ActiveRun]:
        return Journal(
            self._store, self._timing, self._agents.resumable, self._observer, self._on_dead_process, self._take_over
        )

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the agents to choose from; empty with a single one."""
        return self._agents.names

    def observe(self, observer: Observer) -> None:
        self._observer = self._journal.observer = observer

    def limit_runs(self, most: int) -> None:
        self._most_runs = most if self._most_runs is None else min(most, self._most_runs)

    async def open(self) -> None:
        """Create or migrate the tables if necessary, so that an unusable database raises now."""
        await self._store.open()
        self._journal.start()

    async def drain(self) -> None:
        """Accept no new runs, hand over resumable ones, and give the rest `Timing.finish` seconds to end."""
        self._closing = True
        self._journal.tail.fail_readers(ServerStopping())
        for active in self._journal.runs.values():
            active.prepare_to_leave()
        await self._wait_for_tasks(self._timing.finish)
        for active in self._journal.runs.values():
            active.interrupt()

    async def close(self) -> None:
        """End or hand over active runs, and close the store. The next use opens it again."""
        self._closing = True
        try:
            for active in self._journal.runs.values():
                active.prepare_to_leave()
                active.interrupt()
            await self._wait_for_tasks(2 * self._timing.close)
            for task in self._tasks:
                task.cancel()
            await self._journal.close()
            await self._store.close()
        finally:
            self._journal = self._new_journal()
            self._closing = False

    async def _wait_for_tasks(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._tasks and (left := deadline - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)

    async def check_ready(self) -> None:
        """Return if the database is reachable and has the right schema; raise otherwise."""
        if self._closing:
            raise ServerStopping
        self._journal.start()
        await self._store.check()

    async def identity_key(self) -> bytes | None:
        return await self._store.keys.identity_key()

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return a page of the history. An invalid cursor raises `InvalidInput`."""
        self._journal.start()
        return await self._store.conversations.list_conversations(user.id, limit=limit, cursor=cursor)

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return conversations that contain every word, in any letter case. Only ended answers are searched."""
        return await self._store.conversations.list_conversations(user.id, query, limit=limit, cursor=cursor)

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        self._journal.start()
        return await self._store.conversations.get_conversation(user.id, conversation_id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        here = [active for active in self._journal.runs.values() if active.run.conversation_id == conversation_id]
        live = {active.run.id: active.events for active in here}
        return await self._store.conversations.load_transcript(user.id, conversation_id, live=live)

    async def overview(self, user: User, conversation_id: str | None, *, limit: int = 30) -> Overview:
        """Return the state of everything that a page shows, in one query; at most 200 conversations."""
        self._journal.start()
        return await self._store.conversations.overview(user.id, conversation_id, limit=limit)

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        """Set the title: one line, cut after 200 characters. An empty one raises `InvalidInput`."""
        await self._store.conversations.rename_conversation(user.id, conversation_id, title)

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        """Hide a conversation. It can be restored for ten minutes; later, one of the next calls deletes it."""
        run_id = await self._store.conversations.delete_conversation(user.id, conversation_id)
        if run_id in self._journal.runs:
            self._journal.runs[run_id].stop()

    async def restore_conversation(self, user: User, conversation_id: str) -> None:
        await self._store.conversations.restore_conversation(user.id, conversation_id)

    async def start_run(
        self, user: User, conversation_id: str | None, text: str, *, files: Sequence[str] = (), agent: str | None = None
    ) -> Run:
        return await self._start(user, conversation_id, text, None, files, agent=agent)

    async def start_run_once(
        self,
        user: User,
        conversation_id: str | None,
        text: str,
        submission: str,
        *,
        files: Sequence[str] = (),
        agent: str | None = None,
    ) -> Run:
        """Start a run, unless a process that shares the store has started it for this submission."""
        return await self._start(user, conversation_id, text, submission, files, agent=agent)

    async def edit_turn(
        self,
        user: User,
        conversation_id: str,
        turn_id: str,
        text: str,
        submission: str | None = None,
        *,
        files: Sequence[str] | None = None,
        agent: str | None = None,
    ) -> Run:
        return await self._start(user, conversation_id, text, submission, files, instead_of=turn_id, agent=agent)

    async def show_version(self, user: User, conversation_id: str, version: str) -> None:
        await self._store.runs.show_version(user.id, conversation_id, version)

    async def delete_turn(self, user: User, conversation_id: str, turn_id: str) -> None:
        """Hide a turn with what follows. It can be restored for ten minutes; then one of the next calls removes it."""
        await self._store.turns.delete_turn(user.id, conversation_id, turn_id)

    async def restore_turn(self, user: User, conversation_id: str, turn_id: str) -> None:
        await self._store.turns.restore_turn(user.id, conversation_id, turn_id)

    async def retry_run(self, user: User, run_id: str, *, agent: str | None = None) -> Run:
        self._journal.start()
        who = await self._agents.choose(agent, partial(self._store.runs.agent_of, user.id, run_id))
        start = partial(
            self._store.runs.retry_run, user.id, run_id, owner=self._journal.owner, most=self._most_runs, **who
        )
        return await uncancelled(self._tasks, self._launch(user, start))

    async def get_run(self, user: User, run_id: str) -> Run:
        return await self._store.runs.get_run(user.id, run_id)

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs of the branch that is shown, latest first; at most 200."""
        return await self._store.runs.list_runs(user.id, conversation_id, limit=limit)

    def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        return read_events(self._store, self._journal, user, run_id, after, closing=lambda: self._closing)

    async def stop_run(self, user: User, run_id: str) -> None:
        """Stop a run: at once if this process runs it, else within about a second."""
        await self._store.runs.request_stop(user.id, run_id)
        if run_id in self._journal.runs:
            self._journal.runs[run_id].stop()

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        await self._store.runs.put_answer(user.id, run_id, request_id, answer)
        self._wake(run_id)

    def _wake(self, run_id: str) -> None:
        """Wake a run that was answered, or if it was released, the processes that can claim it."""
        self._journal.tail.wake_waiting({run_id})
        if run_id not in self._journal.runs:
            self._journal.start()
            self._journal.lease.check_now()

    async def list_scripts(self, user: User, conversation_id: str) -> tuple[Script, ...]:
        return await self._store.scripts.list_scripts(user.id, conversation_id)

    async def queue_block(self, user: User, run_id: str, number: int, code: str, title: str = "") -> Script:
        return await self._store.scripts.queue_block(user.id, run_id, number, code, title)

    async def change_script(self, user: User, run_id: str, script_id: str, action: ScriptAction) -> Script:
        script = await self._store.scripts.change_script(user.id, run_id, script_id, action)
        if script.proposal and script.result is not None:
            if (active := self._journal.runs.get(run_id)) is not None:
                active.script_finished(script.proposal, script.result)
            self._wake(run_id)
        return script

    async def clear_scripts(self, user: User, conversation_id: str) -> None:
        await self._store.scripts.clear_scripts(user.id, conversation_id)

    async def _start(
        self,
        user: User,
        conversation_id: str | None,
        text: str,
        submission: str | None,
        files: Sequence[str] | None,
        *,
        instead_of: str | None = None,
        agent: str | None = None,
    ) -> Run:
        if not text.strip() and not files:
            raise EmptyText
        self._journal.start()
        last = partial(self._store.runs.last_agent, user.id, conversation_id, instead_of)
        start = partial(
            self._store.runs.start_run,
            user.id, conversation_id, text,
            owner=self._journal.owner, submission=submission, instead_of=instead_of, most=self._most_runs, files=files,
            **await self._agents.choose(agent, last),
        )  # fmt: skip
        return await uncancelled(self._tasks, self._launch(user, start))

    async def _launch(self, user: User, start: Callable[[], Awaitable[Started]]) -> Run:
        if self._closing:
            raise ServerStopping
        await self._journal.lease.renew()
        started = await start()
        if not started.before:
            self._drive(user, started)
        return started.run

    def _drive(self, user: User, started: Started, *, resumed: bool = False) -> None:
        run_id = started.run.id
        agent = self._agents[started.run.agent]
        active = self._journal.runs[run_id] = ActiveRun(self._store, self._journal, started, agent)
        task = asyncio.create_task(active.drive(user, resumed=resumed), name=f"htmxchat run {run_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._journal.runs.pop(run_id, None))
        if self._closing:
            active.prepare_to_leave()
            active.interrupt()

    async def _on_dead_process(self, process: str, alive_at: datetime | None) -> None:
        """Release or end the runs of a dead process."""
        ended, released = await self._store.takeover.give_up_process(process, alive_at)
        if ended:
            log.warning("Ended %d runs of a dead process as interrupted.", ended)
        if released:
            log.warning("Released %d runs of a dead process, to be resumed by others.", released)

    async def _take_over(self, run_ids: Sequence[str], orphans_since: datetime) -> None:
        """Claim and resume runs without an owner, a few at a time, so that other processes get some too.

        A run that this process lost is not claimed until its agent has ended here.
        """
        run_ids = [run_id for run_id in run_ids if run_id not in self._journal.runs]
        if self._closing or not run_ids:
            return
        await self._journal.lease.renew()
        claimed = await self._store.takeover.claim_runs(
            run_ids[:_MAX_CLAIMED],
            self._journal.owner, self._agents.resumable, orphans_since, stopping=self._agents.stopping,
        )  # fmt: skip
        for run, events in claimed:
            self._drive(User(run.user_id), Started(run, events), resumed=True)
        if len(run_ids) > _MAX_CLAIMED:
            self._journal.lease.check_now()


def _starter(name: str, starter: Any) -> Starter:
    return checks.instance(name, starter, Starter, 'Starter("Disk", "How much is left?")')
