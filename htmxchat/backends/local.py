"""`LocalBackend`: your async generator and a store make a complete backend."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import BackendUnavailable, EmptyText
from ..events import JSON, RunEnded, RunEvent
from ..models import Conversation, ConversationPage, Run, RunSummary, Script, Starter, Transcript, User
from ..responders import Request, Responder
from ..store import Started, Store
from ..store.database import uncancelled
from .active import INTERRUPTED, ActiveRun, Timing
from .scripting import ScriptKeeping

_MOST_AT_A_STRETCH = 500


class LocalBackend(ScriptKeeping):
    """A backend whose agent is an async generator in this process. asyncio only.

    A run is a task of its own: it depends on nobody who reads it. Each event is in the store before anybody sees it.
    Several processes can share a store: each sees, stops and answers the others' runs. When a process dies, whoever
    looks at one of its runs ends it as failed, with the text so far, once its lease has expired.

    Args:
        respond: Called once a run; see `htmxchat.responders.Responder`.
        store: Where everything is kept; by default in memory. The backend closes it.
        starters: What the empty page offers to send.
        timing: Only tests and special stores need another than the default.

    Raises:
        TypeError: `respond` is no async generator function.
    """

    def __init__(
        self,
        respond: Responder,
        store: Store | None = None,
        *,
        starters: Sequence[Starter] = (),
        timing: Timing | None = None,
    ) -> None:
        _check(respond)
        self.starters = tuple(starters)
        self._respond = respond
        self._store = store or Store()
        self._timing = timing or Timing()
        self._owner = uuid.uuid4().hex
        self._active: dict[str, ActiveRun] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def open(self) -> None:
        """Make the tables if need be, so that a database that cannot be used is noticed now."""
        await self._store.open()

    async def close(self) -> None:
        """End live runs as interrupted and close the store. A backend that is used again afterwards starts anew."""
        self._closing = True
        try:
            for active in self._active.values():
                active.interrupt()
            loop = asyncio.get_running_loop()
            deadline = loop.time() + 2 * self._timing.close
            while self._tasks and (left := deadline - loop.time()) > 0:
                await asyncio.wait(self._tasks, timeout=left)
            for task in self._tasks:
                task.cancel()
            await self._store.close()
        finally:
            self._closing = False

    async def identity_key(self) -> bytes | None:
        return await self._store.identity_key()

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return a page of the history. A broken cursor raises `InvalidInput`."""
        await self._end_dead_runs(user)
        return await self._store.list_conversations(user.id, limit=limit, cursor=cursor)

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return what matches every word in any letter case. Answers are found once they have ended."""
        await self._end_dead_runs(user)
        return await self._store.list_conversations(user.id, query, limit=limit, cursor=cursor)

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        await self._end_dead_runs(user)
        return await self._store.get_conversation(user.id, conversation_id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        await self._end_dead_runs(user)
        here = [active for active in self._active.values() if active.run.conversation_id == conversation_id]
        live = {active.run.id: active.events for active in here}
        return await self._store.load_transcript(user.id, conversation_id, live=live)

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        """Set the title: one line, cut after 200 characters. An empty one raises `InvalidInput`."""
        await self._store.rename_conversation(user.id, conversation_id, title)

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        """Hide a conversation. It can be restored for ten minutes; after that, one of the next calls removes it."""
        run_id = await self._store.delete_conversation(user.id, conversation_id)
        if run_id in self._active:
            self._active[run_id].stop()

    async def restore_conversation(self, user: User, conversation_id: str) -> None:
        await self._store.restore_conversation(user.id, conversation_id)

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        if not text.strip():
            raise EmptyText
        return await self._start(user, conversation_id, text, None)

    async def start_run_once(self, user: User, conversation_id: str | None, text: str, submission: str) -> Run:
        """Start a run, unless a process that shares the store has started it for this submission."""
        if not text.strip():
            raise EmptyText
        return await self._start(user, conversation_id, text, submission)

    async def retry_run(self, user: User, run_id: str) -> Run:
        await self._end_dead_runs(user)
        start = self._store.retry_run(user.id, run_id, owner=self._owner)
        return await uncancelled(self._tasks, self._launch(user, start))

    async def get_run(self, user: User, run_id: str) -> Run:
        await self._end_dead_runs(user)
        return await self._store.get_run(user.id, run_id)

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs of a conversation, latest first; at most 200."""
        await self._end_dead_runs(user)
        return await self._store.list_runs(user.id, conversation_id, limit=limit)

    async def run_events(self, user: User, run_id: str, *, after: int | None = None) -> AsyncIterator[RunEvent]:
        await self._end_dead_runs(user)
        await self._store.get_run(user.id, run_id)
        last = max(after or 0, 0)
        active = self._active.get(run_id)
        if active is not None:
            while not (active.done and len(active.events) <= last):
                # Numbers are positions here, so this is what comes after `last`.
                for event in active.events[last : last + _MOST_AT_A_STRETCH]:
                    last = event.seq
                    yield event
                await asyncio.sleep(0)
                await active.more(last)
            if isinstance(active.events[-1].body, RunEnded):
                return
        live = True
        while live:
            events, live = await self._store.read_events(run_id, last)
            for event in events:
                last = event.seq
                yield event
            if live:
                await asyncio.sleep(self._timing.poll)
                await self._end_dead_runs(user)

    async def cancel_run(self, user: User, run_id: str) -> None:
        """Stop a run: at once if it is of this process, else within about a second."""
        await self._end_dead_runs(user)
        await self._store.request_stop(user.id, run_id)
        if run_id in self._active:
            self._active[run_id].stop()

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        await self._store.put_answer(user.id, run_id, request_id, answer)
        if run_id in self._active:
            self._active[run_id].look_for_answer()

    async def _told(self, script: Script) -> None:
        active = self._active.get(script.run_id)
        kind, _, script_id = script.origin.partition(":")
        if active is not None and kind == "proposal" and script.result is not None:
            active.hear(script_id, script.result)

    async def _start(self, user: User, conversation_id: str | None, text: str, submission: str | None) -> Run:
        await self._end_dead_runs(user)
        start = self._store.start_run(user.id, conversation_id, text, owner=self._owner, submission=submission)
        return await uncancelled(self._tasks, self._launch(user, start))

    async def _launch(self, user: User, start: Any) -> Run:
        if self._closing:
            start.close()
            raise BackendUnavailable
        started: Started = await start
        run = started.run
        if started.before:
            return run
        active = self._active[run.id] = ActiveRun(self._store, started, self._owner, self._timing)
        request = Request(started.text, started.history, user, run.conversation_id, run.id)
        task = asyncio.create_task(active.drive(self._respond, request), name=f"htmxchat run {run.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._active.pop(run.id, None))
        if self._closing:
            active.interrupt()
        return run

    async def _end_dead_runs(self, user: User) -> None:
        silent_since = datetime.now(UTC) - timedelta(seconds=self._timing.expire)
        for run_id in await self._store.dead_runs(user.id, silent_since):
            if run_id not in self._active:
                await self._store.end_dead_run(run_id, silent_since, INTERRUPTED)


def _check(respond: Any) -> None:
    if not callable(respond):
        raise TypeError(f"respond must be an async generator function, not {type(respond).__name__}")
    call = inspect.unwrap(respond)
    for function in (call, type(call).__call__):
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError("respond must be an async generator function: `async def` with at least one `yield`")
