"""`KogwistarBackend`: a kogwistar server as the chat's agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from ... import checks
from ...errors import BackendError, BackendUnavailable, ChatError, EmptyText, NotFound, TextTooLong
from ...events import JSON, RunEvent, ScriptProposed, Source
from ...models import Conversation, ConversationPage, Run, RunSteps, RunSummary, Transcript, User
from ...store import Store
from ...store.database import uncancelled
from ...view import run_summaries
from ..scripting import ScriptKeeping
from . import insight
from .accounts import Accounts
from .errands import Errands
from .live_runs import LiveRuns
from .memory import ConversationMemory
from .ownership import Ownership
from .problems import UNCERTAIN, Uncertain
from .run_memory import KnownRun, RunMemory
from .submitter import Submitter
from .timing import Timing
from .writing import UNTITLED

if TYPE_CHECKING:
    import httpx

LONGEST_TEXT = 20_000
MISSING = "KogwistarBackend needs httpx and httpx-sse: pip install 'htmxchat[kogwistar]'"
CLOSING = "The chat is restarting. The answer goes on; look again in a moment."


class KogwistarBackend(ScriptKeeping):
    """A backend whose agent is a kogwistar server. asyncio only.

    Runs are the server's: they go on when this process ends, and another process that shares the store shows them. The
    store remembers what the server does not: titles, which run wrote which turn, what was removed from the list, the
    events of runs that are over. The server has no way to delete: it keeps what is removed here.

    The user's `token` is the server's bearer token. Whose a conversation or a run is, is checked here for every call,
    because the server lets any signed-in user reach everything: the server's own user id for the token must be the one
    in the conversation and in the run.

    Args:
        base_url: Where the server is, `"http://127.0.0.1:28110"`.
        store: What remembers; by default in memory. The backend closes it.
        workflow_id: What answers. `debug.rag.v1` and `agentic_answering.v2` answer turns; any other is started as a
            workflow run, for which the server stores no turns, and whose last state is its answer.
        initial_state: What a workflow run begins with, made of the user's text; by default `{"text": …}`.
        stream: How events come from the server: as a stream, or by polling where a proxy holds streams back.
        timing: Only tests and special servers need another than the default.
        transport: For tests and special networks, an httpx transport.

    Raises:
        ImportError: httpx and httpx-sse are not installed.
        TypeError: An argument is of another kind.
        ValueError: An argument cannot be used.
    """

    deletion_notice = "Removed from this list. The kogwistar server keeps the conversation."

    def __init__(
        self,
        base_url: str,
        store: Store | None = None,
        *,
        workflow_id: str = "debug.rag.v1",
        initial_state: Callable[[str], Mapping[str, Any]] = lambda text: {"text": text},
        stream: Literal["sse", "poll"] = "sse",
        timing: Timing | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        checks.text("base_url", base_url)
        checks.text("workflow_id", workflow_id, empty=False)
        checks.one_of("stream", stream, ("sse", "poll"))
        checks.synchronous("initial_state", initial_state, 'lambda text: {"text": text}')
        if store is not None:
            checks.instance("store", store, Store, 'Store("sqlite+aiosqlite:///chat.db")')
        if timing is not None:
            checks.instance("timing", timing, Timing, "Timing(poll=1)")
        try:
            import httpx

            from .client import Client
        except ModuleNotFoundError:
            raise ImportError(MISSING) from None
        if transport is not None:
            checks.instance("transport", transport, httpx.AsyncBaseTransport, "httpx.AsyncHTTPTransport(retries=1)")
        self._timing = timing or Timing()
        self._client = Client(base_url, transport=transport)
        self._store = store or Store()
        self._conversations = ConversationMemory(self._store)
        self._runs = RunMemory(self._store)
        self._accounts = Accounts(self._client, self._timing.account)
        self._owned = Ownership(self._client, self._conversations, self._runs)
        self._lives = LiveRuns(self._client, self._runs, self._timing, stream)
        self._submitter = Submitter(
            self._client, self._conversations, self._runs, self._owned, self._lives, workflow_id, initial_state
        )
        self._errands = Errands()
        self._closing = False

    async def open(self) -> None:
        """Make the tables if need be. Whether the server is there is found out when somebody asks it something."""
        await self._store.open()

    async def close(self) -> None:
        """Close all connections and the store. Runs go on, on the server."""
        self._closing = True
        try:
            await self._lives.close(BackendUnavailable(CLOSING))
            await self._errands.close(self._timing.glance)
            await self._client.close()
            await self._store.close()
        finally:
            self._closing = False

    async def identity_key(self) -> bytes | None:
        return await self._store.identity_key()

    # Conversations

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return what is remembered. Now and then the server's list is asked for, in the background.

        Raises:
            ChatError: Nothing is remembered, and the server's list could not be read.
        """
        return await self.search_conversations(user, "", limit=limit, cursor=cursor)

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return what matches in remembered titles, questions and answers: what was seen here, not all there is."""
        me = await self._accounts.user_id(user)
        page = await self._conversations.list(me, query, limit=limit, cursor=cursor)
        news = f"list {me}"
        empty = not page.items and not query
        if self._errands.due(news, self._timing.list):
            learning = self._learn_list(me, user.token or "")
            if await self._errands.run(learning, 10 * self._timing.glance * empty, news):
                page = await self._conversations.list(me, query, limit=limit, cursor=cursor)
        if empty and not page.items and (failure := self._errands.failure(news)) is not None:
            raise failure
        nameless = [item.id for item in page.items if item.title == UNTITLED]
        if nameless := [id for id in nameless if self._errands.due(f"title {id}", self._timing.list)]:
            await self._errands.run(self._learn_titles(me, user.token or "", nameless), self._timing.glance)
            page = await self._conversations.list(me, query, limit=limit, cursor=cursor)
        for item in page.items:
            if item.state is not None and item.state.live and self._errands.due(f"state {item.id}", self._timing.check):
                await self._errands.run(self._look_into(user, item.id))
        return replace(page, items=tuple(replace(item, user_id=user.id) for item in page.items))

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        me = await self._accounts.user_id(user)
        return replace(await self._owned.conversation(me, user.token or "", conversation_id), user_id=user.id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        """Return what is remembered at once. The server's turns are read when nothing is, else in the background.

        Raises:
            ChatError: Nothing is remembered, and the server's turns could not be read.
        """
        me = await self._accounts.user_id(user)
        await self._owned.conversation(me, user.token or "", conversation_id)
        events: dict[str, list[RunEvent]] = {}
        if (run_id := await self._runs.live_in(conversation_id)) is not None:
            live = await self._lives.look_at(await self._run(user, run_id), user.token or "")
            events = {run_id: live.events}
        transcript = await self._conversations.transcript(me, conversation_id, events)
        news = f"turns {conversation_id}"
        if transcript.refreshing and await self._runs.doubtful(conversation_id) and not self._errands.running(news):
            self._errands.forget(news)
        if self._errands.due(news, self._timing.turns):
            wait = self._timing.glance * (1 if transcript.turns else 100)
            if await self._errands.run(self._learn_turns(user.token or "", conversation_id), wait, news):
                transcript = await self._conversations.transcript(me, conversation_id, events)
        if not transcript.turns and (failure := self._errands.failure(news)) is not None:
            raise failure
        turns = tuple(
            turn if turn.run is None else replace(turn, run=replace(turn.run, user_id=user.id))
            for turn in transcript.turns
        )
        conversation = replace(transcript.conversation, user_id=user.id)
        return Transcript(conversation, turns, refreshing=transcript.refreshing or self._errands.running(news))

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        """Set the title, here only: the server has none."""
        me = await self._accounts.user_id(user)
        await self._owned.conversation(me, user.token or "", conversation_id)
        await self._conversations.rename(me, conversation_id, title)

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        """Take the conversation out of the list and stop its run. The server keeps it: it cannot delete."""
        me = await self._accounts.user_id(user)
        await self._owned.conversation(me, user.token or "", conversation_id)
        run_id = await self._conversations.hide(me, conversation_id)
        if run_id is not None:
            known = await self._runs.look(run_id)
            if known is not None:
                await self._errands.run(self._lives.get(known, user.token or "").stop())

    async def restore_conversation(self, user: User, conversation_id: str) -> None:
        """Put the conversation back into the list, whenever it was removed."""
        await self._conversations.restore(await self._accounts.user_id(user), conversation_id)

    # Runs

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        """Send a message of at most 20,000 characters; the server never answers much longer ones.

        Raises:
            Uncertain: A `BackendUnavailable`: the message may have arrived, or may still arrive.
        """
        if not text.strip():
            raise EmptyText
        if len(text) > LONGEST_TEXT:
            raise TextTooLong(len(text), LONGEST_TEXT)
        me = await self._accounts.user_id(user)
        start = self._submitter.start(me, user.token or "", conversation_id, text)
        try:
            async with asyncio.timeout(self._timing.submit):
                run = await uncancelled(self._errands.tasks, start)
        except TimeoutError:
            self._errands.forget(f"turns {conversation_id}")
            raise Uncertain(UNCERTAIN) from None
        except BackendError:
            # The server may have kept the message nevertheless.
            self._errands.forget(f"turns {conversation_id}")
            raise
        return replace(run, user_id=user.id)

    async def get_run(self, user: User, run_id: str) -> Run:
        known = await self._run(user, run_id)
        return replace(known.run, user_id=user.id)

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Yield events. All readers in this process share one stream from the server.

        Raises:
            BackendUnavailable: The server has not been reached for a while. Reading again from the last event works.
        """
        known = await self._run(user, run_id)
        if known.ended:
            if events := [event for event in known.events if after is None or event.seq > after]:
                yield events
            return
        if self._closing:
            raise BackendUnavailable(CLOSING)
        async with aclosing(self._lives.get(known, user.token or "").read(after)) as batches:
            async for batch in batches:
                yield batch

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs that are remembered, latest first, each with its workflow."""
        transcript = await self.load_transcript(user, conversation_id)
        return tuple(run_summaries(transcript, await self._runs.workflow_ids(conversation_id))[:limit])

    async def run_steps(self, user: User, run_id: str) -> RunSteps:
        """Return the steps of a run. The server keeps a checkpoint for each, up to the latest."""
        await self._run(user, run_id)
        return await insight.read_steps(self._client, user.token or "", run_id)

    async def run_checkpoint(self, user: User, run_id: str, number: int) -> JSON:
        """Return the workflow's state after a step: 3 to 15 KB, less the vectors in it."""
        await self._run(user, run_id)
        return await insight.read_checkpoint(self._client, user.token or "", run_id, number)

    async def run_evidence(self, user: User, run_id: str) -> tuple[Source, ...]:
        """Return what the answer rests on, with the words that matter."""
        return await insight.read_evidence(self._client, user.token or "", await self._run(user, run_id))

    async def cancel_run(self, user: User, run_id: str) -> None:
        """Ask the server to stop. It does so when the present step ends, and may still leave an answer behind."""
        known = await self._run(user, run_id)
        if not known.ended:
            await uncancelled(self._errands.tasks, self._lives.get(known, user.token or "").stop())

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        """Resume a suspended run with the answer. What comes of it is told by the run's events.

        An object with a `state_update` goes to the server as it is; anything else becomes the value that was asked for.
        """
        known = await self._run(user, run_id)
        if known.ended:
            raise NotFound
        await uncancelled(self._errands.tasks, self._lives.get(known, user.token or "").answer(request_id, answer))

    # Scripts

    async def _unqueued(self, user: User, conversation_id: str) -> Sequence[tuple[str, ScriptProposed]]:
        """Return what the live run has proposed: the server's runs are not in the store's own tables."""
        run_id = await self._runs.live_in(conversation_id)
        if run_id is None:
            return ()
        live = await self._lives.look_at(await self._run(user, run_id), user.token or "")
        return [(run_id, event.body) for event in live.events if isinstance(event.body, ScriptProposed)]

    # How

    async def _run(self, user: User, run_id: str) -> KnownRun:
        return await self._owned.run(await self._accounts.user_id(user), user.token or "", run_id)

    async def _look_into(self, user: User, conversation_id: str) -> None:
        """See whether a run that nobody watches is over."""
        if (run_id := await self._runs.live_in(conversation_id)) is not None:
            await self._lives.look_at(await self._run(user, run_id), user.token or "")

    async def _learn_list(self, me: str, token: str) -> bool:
        for id in await self._conversations.learn_list(me, await self._client.conversations(token)):
            with suppress(ChatError):
                await self._owned.conversation(me, token, id)
        return True

    async def _learn_titles(self, me: str, token: str, ids: Sequence[str]) -> None:
        """Read conversations from elsewhere, one after the other: their first messages become their titles."""
        for id in ids:
            try:
                await self._owned.conversation(me, token, id)
                await self._learn_turns(token, id)
            except BackendUnavailable:
                return
            except ChatError:
                continue

    async def _learn_turns(self, token: str, conversation_id: str) -> bool:
        await self._conversations.learn_turns(conversation_id, await self._client.turns(token, conversation_id))
        return True  # also when there was nothing new to this look: another may have learned it just now
