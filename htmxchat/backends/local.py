"""`LocalBackend`: your agent and a store make a complete backend."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any

from .. import checks
from ..agent import Agent, CanStop, Responder
from ..errors import BackendUnavailable, EmptyText, ServerStopping
from ..events import JSON, RunEnded, RunEvent
from ..files.file import File
from ..journal import Journal, Timing
from ..journal.run_log import DELAYED
from ..models import Conversation, ConversationPage, Overview, Run, RunSummary, Starter, Transcript, User
from ..observing import Observer
from ..scripts.actions import ScriptAction
from ..scripts.models import Script
from ..store import News, Started, Store
from ..store.database import uncancelled
from .active import ActiveRun
from .agents import as_agent, resumable_name

STORE_EXAMPLE = 'Store("sqlite:///chat.db")'

log = logging.getLogger("htmxchat")
_MAX_AT_A_STRETCH = 500
_MAX_CLAIMED = 20


class LocalBackend:
    """A backend whose agent runs in this process. asyncio only.

    A run is a task of its own: it depends on no one who reads it. Each event is in the store before anybody sees it.
    Several processes can share a store: each sees, stops and answers the others' runs. While the database is away, runs
    hold, and continue when it is back.

    When a process dies, another one continues with its runs within seconds if the agent has `resume`, in the same turn;
    else it ends them as failed, with the text so far. When a process is asked to stop, it hands over the runs that can
    continue elsewhere, lets others finish for some seconds, and ends what is left.

    Args:
        agent: An async generator function (`Responder`), or an object with `answer` (`Agent`), called once a run.
        store: Where everything is kept; by default in memory. The backend closes it.
        starters: What the empty page offers to send.
        timing: Only tests and special stores need another than the default.

    Raises:
        TypeError: `agent` is neither an async generator function nor has `answer`, or another argument is of another
            kind.
    """

    def __init__(
        self,
        agent: Agent | Responder,
        store: Store | None = None,
        *,
        starters: Sequence[Starter] = (),
        timing: Timing | None = None,
    ) -> None:
        self._agent = as_agent(agent)
        self._agent_name = resumable_name(self._agent)
        self.starters = checks.items("starters", starters, _starter, 'such as [Starter("Disk", "How much is left?")]')
        self._store = Store() if store is None else checks.instance("store", store, Store, STORE_EXAMPLE)
        self._timing = Timing() if timing is None else checks.instance("timing", timing, Timing, "Timing(poll=1)")
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._most_runs: int | None = None
        self._observer = Observer()
        self._journal = self._new_journal()

    def _new_journal(self) -> Journal[ActiveRun]:
        return Journal(self._store, self._timing, self._agent_name, self._observer, self._give_up, self._take_over)

    def observe(self, observer: Observer) -> None:
        self._observer = self._journal.observer = observer

    def limit_runs(self, most: int) -> None:
        self._most_runs = most if self._most_runs is None else min(most, self._most_runs)

    async def open(self) -> None:
        """Make the tables if need be, so that a database that cannot be used is noticed now."""
        await self._store.open()
        self._journal.start()

    async def drain(self) -> None:
        """Begin nothing new, hand over what can continue elsewhere, let the rest finish for `Timing.finish` seconds."""
        self._closing = True
        self._journal.tail.turn_away(ServerStopping())
        for active in self._journal.runs.values():
            active.prepare_to_leave()
        await self._wait_for_tasks(self._timing.finish)
        for active in self._journal.runs.values():
            active.interrupt()

    async def close(self) -> None:
        """End active runs, or hand them over, and close the store. If it is used afterwards, it starts again."""
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
        """Return when the database can be reached and has the right schema."""
        if self._closing:
            raise ServerStopping
        self._journal.start()
        await self._store.check()

    async def identity_key(self) -> bytes | None:
        return await self._store.keys.identity_key()

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return a page of the history. A broken cursor raises `InvalidInput`."""
        self._journal.start()
        return await self._store.conversations.list_conversations(user.id, limit=limit, cursor=cursor)

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return what matches every word in any letter case. Answers are found once they have ended."""
        return await self._store.conversations.list_conversations(user.id, query, limit=limit, cursor=cursor)

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        self._journal.start()
        return await self._store.conversations.get_conversation(user.id, conversation_id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        here = [active for active in self._journal.runs.values() if active.run.conversation_id == conversation_id]
        live = {active.run.id: active.events for active in here}
        return await self._store.conversations.load_transcript(user.id, conversation_id, live=live)

    async def overview(self, user: User, conversation_id: str | None, *, limit: int = 30) -> Overview:
        """Return how all stands that a page shows, in one query; at most 200 conversations."""
        self._journal.start()
        return await self._store.conversations.overview(user.id, conversation_id, limit=limit)

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        """Set the title: one line, cut after 200 characters. An empty one raises `InvalidInput`."""
        await self._store.conversations.rename_conversation(user.id, conversation_id, title)

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        """Hide a conversation. It can be restored for ten minutes; after that, one of the next calls removes it."""
        run_id = await self._store.conversations.delete_conversation(user.id, conversation_id)
        if run_id in self._journal.runs:
            self._journal.runs[run_id].stop()

    async def restore_conversation(self, user: User, conversation_id: str) -> None:
        await self._store.conversations.restore_conversation(user.id, conversation_id)

    async def start_run(self, user: User, conversation_id: str | None, text: str, *, files: Sequence[str] = ()) -> Run:
        return await self._start(user, conversation_id, text, None, files)

    async def start_run_once(
        self, user: User, conversation_id: str | None, text: str, submission: str, *, files: Sequence[str] = ()
    ) -> Run:
        """Start a run, unless a process that shares the store has started it for this submission."""
        return await self._start(user, conversation_id, text, submission, files)

    async def edit_turn(
        self,
        user: User,
        conversation_id: str,
        turn_id: str,
        text: str,
        submission: str | None = None,
        *,
        files: Sequence[str] | None = None,
    ) -> Run:
        return await self._start(user, conversation_id, text, submission, files, instead_of=turn_id)

    async def show_version(self, user: User, conversation_id: str, version: str) -> None:
        await self._store.runs.show_version(user.id, conversation_id, version)

    async def retry_run(self, user: User, run_id: str) -> Run:
        self._journal.start()
        start = partial(
            self._store.runs.retry_run,
            user.id, run_id,
            owner=self._journal.owner, agent=self._agent_name, most=self._most_runs,
        )  # fmt: skip
        return await uncancelled(self._tasks, self._launch(user, start))

    async def get_run(self, user: User, run_id: str) -> Run:
        return await self._store.runs.get_run(user.id, run_id)

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs of a conversation, latest first; at most 200."""
        return await self._store.runs.list_runs(user.id, conversation_id, limit=limit)

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        active = self._journal.runs.get(run_id)
        if active is not None and self._journal.outage.begun and active.run.user_id == user.id:
            raise BackendUnavailable(DELAYED)  # without waiting for a database that may say nothing
        self._journal.start()
        last = max(after or 0, 0)
        if active is None:
            news = News((), live=True, more=True)
            while news.more:
                news = await self._store.logs.read_run(user.id, run_id, last)
                if news.events:
                    last = news.events[-1].seq
                    yield news.events
            if not news.live:
                return
        else:
            await self._store.runs.get_run(user.id, run_id)
            while not (active.done and len(active.events) <= last):
                # Numbers are positions here, so this is what comes after `last`.
                if events := active.events[last : last + _MAX_AT_A_STRETCH]:
                    last = events[-1].seq
                    yield events
                    await asyncio.sleep(0)
                await active.more(last)
            if isinstance(active.events[-1].body, RunEnded):
                return
        if self._closing:
            raise ServerStopping
        async with aclosing(self._journal.tail.follow(run_id, last)) as batches:
            async for batch in batches:
                yield batch

    async def stop_run(self, user: User, run_id: str) -> None:
        """Stop a run: at once if it is of this process, else within about a second."""
        await self._store.runs.request_stop(user.id, run_id)
        if run_id in self._journal.runs:
            self._journal.runs[run_id].stop()

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        await self._store.runs.put_answer(user.id, run_id, request_id, answer)
        self._wake(run_id)

    def _wake(self, run_id: str) -> None:
        """Something was answered: the run, here or elsewhere, or anyone who claims it, is to look."""
        self._journal.tail.wake_waiting({run_id})
        if run_id not in self._journal.runs:
            self._journal.start()
            self._journal.lease.look_now()

    async def store_file(self, user: User, name: str, chunks: AsyncIterable[bytes], *, most: int | None = None) -> File:
        return await self._store.files.put(user.id, name, chunks, most=most)

    async def discard_file(self, user: User, file_id: str) -> None:
        await self._store.files.discard(user.id, file_id)

    async def find_files(self, user: User, file_ids: Sequence[str]) -> tuple[File, ...]:
        return await self._store.files.find(user.id, file_ids)

    async def open_file(
        self, user: User, file_id: str, *, start: int = 0, end: int | None = None
    ) -> tuple[File, AsyncGenerator[bytes, None]]:
        return await self._store.files.open(user.id, file_id, start, end)

    async def list_scripts(self, user: User, conversation_id: str) -> tuple[Script, ...]:
        return await self._store.scripts.list_scripts(user.id, conversation_id)

    async def queue_block(self, user: User, run_id: str, number: int, code: str, title: str = "") -> Script:
        return await self._store.scripts.queue_block(user.id, run_id, number, code, title)

    async def change_script(self, user: User, run_id: str, script_id: str, action: ScriptAction) -> Script:
        script = await self._store.scripts.change_script(user.id, run_id, script_id, action)
        if script.proposal and script.result is not None:
            if (active := self._journal.runs.get(run_id)) is not None:
                active.hear(script.proposal, script.result)
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
    ) -> Run:
        if not text.strip() and not files:
            raise EmptyText
        self._journal.start()
        start = partial(
            self._store.runs.start_run,
            user.id, conversation_id, text,
            owner=self._journal.owner, agent=self._agent_name, submission=submission, instead_of=instead_of,
            most=self._most_runs, files=files,
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
        active = self._journal.runs[run_id] = ActiveRun(self._store, self._journal, started, self._agent)
        task = asyncio.create_task(active.drive(user, resumed=resumed), name=f"htmxchat run {run_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._journal.runs.pop(run_id, None))
        if self._closing:
            active.prepare_to_leave()
            active.interrupt()

    async def _give_up(self, process: str, alive_at: datetime | None) -> None:
        """A process is gone: its runs are anybody's, or end."""
        ended, released = await self._store.takeover.give_up_process(process, alive_at)
        if ended:
            log.warning("%d runs were ended as interrupted: their process is gone.", ended)
        if released:
            log.warning("%d runs go on in other processes: theirs is gone.", released)

    async def _take_over(self, run_ids: Sequence[str], orphans_since: datetime) -> None:
        """Go on with runs that no process has. A few at a time, so that the others have some too.

        One that was taken from this process waits until its agent is gone from here.
        """
        run_ids = [run_id for run_id in run_ids if run_id not in self._journal.runs]
        if self._closing or not run_ids:
            return
        await self._journal.lease.renew()
        claimed = await self._store.takeover.claim_runs(
            run_ids[:_MAX_CLAIMED],
            self._journal.owner, self._agent_name, orphans_since, stops=isinstance(self._agent, CanStop),
        )  # fmt: skip
        for run, events in claimed:
            self._drive(User(run.user_id), Started(run, events), resumed=True)
        if len(run_ids) > _MAX_CLAIMED:
            self._journal.lease.look_now()


def _starter(name: str, starter: Any) -> Starter:
    return checks.instance(name, starter, Starter, 'Starter("Disk", "How much is left?")')
