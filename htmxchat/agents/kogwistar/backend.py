"""`KogwistarBackend`: a kogwistar server as the chat's agent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

import httpx

from ... import checks
from ...backends.local import LocalBackend
from ...errors import Busy, EmptyText, NotFound, TextTooLong
from ...events import JSON, Source
from ...models import Conversation, ConversationPage, Run, RunSteps, RunSummary, Transcript, User
from ...store import Started, Store
from . import insight, reconcile
from .agent import KogwistarAgent
from .credentials import Credentials
from .job import Setup
from .learning import Learning
from .links import Links, own_id
from .progress import Progress
from .sending import WAITS
from .timing import Timing
from .translation.problems import UNCERTAIN, ServerFailed, Uncertain
from .transport.client import Client

MAX_TEXT = 20_000


class KogwistarBackend(LocalBackend):
    """A backend whose agent is a kogwistar server. asyncio only.

    The server executes the runs: they continue when this process ends, and another process that shares the store then
    follows them. The journal has what was seen here; what other clients wrote is copied into it when the user opens the
    page. The server cannot delete: it keeps what is removed here.

    The user's `token` is the server's bearer token. The journal stores everything under the server's user id for the
    token (`account`), because the server lets any signed-in user read everything. A run continues with the latest token
    of its user that this process has seen or that a sign-in in the store has; without one it waits until its user sends
    a request.

    Args:
        base_url: Where the server is, `"http://127.0.0.1:28110"`.
        store: The database; by default in memory. The backend closes it.
        workflow_id: The workflow that answers. `debug.rag.v1` and `agentic_answering.v2` answer turns. Any other is
            started as a workflow run, for which the server stores no turns, and whose last state is its answer.
        initial_state: Returns the initial state of a workflow run for the user's text; by default `{"text": …}`.
        stream: How to read events: as a stream, or by polling if a proxy buffers streams.
        timing: Only tests and special servers need another than the default.
        transport: An httpx transport, for tests and special networks.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that is not allowed.
    """

    deletion_notice = "Removed from this list. The kogwistar server keeps the conversation."

    # The server cannot answer a turn twice, and knows no branches. It takes no files.
    retry_run = edit_turn = show_version = delete_turn = restore_turn = None  # type: ignore[assignment]
    store_file = discard_file = find_files = open_file = None  # type: ignore[assignment]
    # It could not go on with a conversation that it has not held.
    import_conversation = None  # type: ignore[assignment]

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
        checks.text("workflow_id", workflow_id, empty=False)
        checks.one_of("stream", stream, ("sse", "poll"))
        checks.synchronous("initial_state", initial_state, 'lambda text: {"text": text}')
        if timing is not None:
            checks.instance("timing", timing, Timing, "Timing(poll=1)")
        if transport is not None:
            checks.instance("transport", transport, httpx.AsyncBaseTransport, "httpx.AsyncHTTPTransport(retries=1)")
        store = Store() if store is None else store
        self._patience = timing or Timing()
        poll = self._patience.poll if stream == "poll" else None
        self._client = Client(base_url, poll=poll, transport=transport)
        self._credentials = Credentials(self._client, store, self._patience.account)
        self._links = Links(store)
        setup = Setup(self._client, self._links, self._credentials, self._patience, workflow_id, initial_state)
        self._learning = Learning(setup, store)
        self._kogwistar = KogwistarAgent(setup, self._hand_back)
        super().__init__(self._kogwistar, store)

    async def close(self) -> None:
        """Close all connections and the store. Runs continue, on the server."""
        await self._learning.close()
        await super().close()
        await self._client.close()

    async def account(self, user: User) -> User:
        """Return the server's user for this user, and remember the token."""
        return await self._credentials.sign_in(user)

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return what is in the journal. The server's list is read in the background from time to time.

        Raises:
            ChatError: The journal has nothing, and the server's list could not be read.
        """
        return await self.search_conversations(user, "", limit=limit, cursor=cursor)

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return matches in titles, questions and answers of the journal, which may not have all."""
        self._journal.start()
        read = partial(super().search_conversations, user, query, limit=limit, cursor=cursor)
        page = await read()
        if await self._learning.conversations(user, empty=not page.items and not query):
            page = await read()
        nameless = [item.id for item in page.items if item.title == reconcile.UNTITLED]
        return await read() if await self._learning.titles(user, nameless) else page

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        """Return a conversation by its id here or on the server. The server is asked if the journal never had it."""
        id = own_id(conversation_id)
        try:
            return await super().get_conversation(user, id)
        except NotFound:
            if await self._links.server_id(id) is not None:
                raise
        await self._learning.adopt(user, conversation_id)
        return await super().get_conversation(user, id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        """Return what is in the journal. If it has no turns, the server's are read first, else in the background.

        Raises:
            ChatError: The journal has nothing, and the server's turns could not be read.
        """
        id = (await self.get_conversation(user, conversation_id)).id
        reading = self._learning.reads_turns(id)
        transcript = await super().load_transcript(user, id)
        learned = await self._learning.turns(user, id, empty=not transcript.turns)
        if learned or (reading and not self._learning.reads_turns(id)):
            transcript = await super().load_transcript(user, id)
        # What was asked elsewhere and has no answer yet has a run without events.
        turns = tuple(turn for turn in transcript.turns if turn.run is None or turn.events)
        return replace(transcript, turns=turns, refreshing=self._learning.reads_turns(id))

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs of the branch that is shown, latest first, each with its workflow."""
        id = (await self.get_conversation(user, conversation_id)).id
        workflows = await self._links.workflows(id)
        found = await super().list_runs(user, id, limit=limit)
        seen = (each for each in found if each.ended_at is not None or each.run.state.live)
        return tuple(replace(each, workflow=workflows.get(each.run.id, "")) for each in seen)

    async def run_steps(self, user: User, run_id: str) -> RunSteps:
        """Return the steps of a run. The server keeps a checkpoint for each, up to the latest."""
        id = await self._on_server(user, run_id)
        return await insight.read_steps(self._client, user.token or "", id) if id else RunSteps()

    async def run_checkpoint(self, user: User, run_id: str, number: int) -> JSON:
        """Return the workflow's state after a step: 3 to 15 KB, without the vectors in it."""
        if not (id := await self._on_server(user, run_id)):
            raise NotFound
        return await insight.read_checkpoint(self._client, user.token or "", id, number)

    async def run_evidence(self, user: User, run_id: str) -> tuple[Source, ...]:
        """Return the sources of the answer, with excerpts."""
        id = await self._on_server(user, run_id)
        events, _ = await self._store.logs.read_events(run_id, 0)
        return await insight.read_evidence(self._client, user.token or "", id, events) if id else ()

    async def _on_server(self, user: User, run_id: str) -> str:
        """Return the server's id of a run of the user's; empty if it has none."""
        await self.get_run(user, run_id)
        return await self._links.server_id(run_id) or ""

    async def stop_run(self, user: User, run_id: str) -> None:
        """Ask the server to stop. It stops when the present step ends, and may still write an answer.

        A run without a process is taken over first, so that the server is asked to stop it.
        """
        await self._take_over([run_id], datetime.now(UTC) - timedelta(seconds=self._timing.orphan))
        await super().stop_run(user, run_id)

    async def _start(
        self,
        user: User,
        conversation_id: str | None,
        text: str,
        submission: str | None,
        files: Sequence[str] | None = (),
        *,
        instead_of: str | None = None,
        agent: str | None = None,
    ) -> Run:
        """Send a message of at most 20,000 characters; the server does not answer much longer ones.

        Raises:
            Uncertain: A `BackendUnavailable`: the message may have arrived or may still arrive. It stays here.
        """
        if not text.strip():
            raise EmptyText
        if len(text) > MAX_TEXT:
            raise TextTooLong(len(text), MAX_TEXT)
        id = conversation_id and (await self.get_conversation(user, conversation_id)).id
        try:
            run = await super()._start(user, id, text, submission, ())
        except Busy:
            phase = Progress.read(await self._store.takeover.live_checkpoint(id or "")).phase
            raise Busy(WAITS.get(phase)) from None
        if (sending := self._kogwistar.sent(run.id)) is None:
            return run
        await asyncio.wait({sending}, timeout=self._patience.submit)
        if not sending.done():
            raise Uncertain(UNCERTAIN)
        sent = sending.result()
        if sent.error is None:
            return run
        if not sent.kept:
            while (active := self._journal.runs.get(run.id)) is not None:
                await active.more(len(active.events))
                await asyncio.sleep(0)
            await self._links.take_back(run, conversation=id is None and not isinstance(sent.error, ServerFailed))
        self._learning.forget_turns(run.conversation_id)
        raise sent.error

    def _hand_back(self, run_id: str) -> None:
        if run_id in self._journal.runs:
            self._journal.runs[run_id].prepare_to_leave()

    def _drive(self, user: User, started: Started, *, resumed: bool = False) -> None:
        if not resumed:
            self._kogwistar.expect(started.run.id)
        super()._drive(user, started, resumed=resumed)

    async def _take_over(self, run_ids: Sequence[str], orphans_since: datetime) -> None:
        """Take over the runs of users whose token this process knows. Others wait for a process that knows it."""
        users = await self._store.takeover.users_of_released(run_ids, self._agents.resumable)
        known = {user_id for user_id in set(users.values()) if await self._credentials.find(user_id)}
        waiting = [id for id, user_id in users.items() if user_id not in known]
        # This process has their agent, so no other process may end them.
        await self._store.takeover.refresh_released(waiting, orphans_since + timedelta(seconds=self._timing.orphan / 2))
        await super()._take_over([id for id in run_ids if id not in waiting], orphans_since)
