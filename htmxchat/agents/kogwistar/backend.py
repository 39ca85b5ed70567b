"""`KogwistarBackend`: a kogwistar server as the chat's agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ... import checks
from ...errors import Busy, EmptyText, NotFound, TextTooLong
from ...events import JSON, RunEvent, Source
from ...models import Conversation, ConversationPage, Run, RunSteps, RunSummary, Transcript, User
from ...observing import Observer
from ...scripts.actions import ScriptAction
from ...scripts.models import Script
from ...store import Store
from . import doubt, insight, reconcile
from .agent import KogwistarAgent
from .credentials import Credentials
from .learning import Learning
from .links import Links, own_id
from .runs import Runs
from .timing import Timing
from .translation.problems import UNCERTAIN, ServerFailed, Uncertain

if TYPE_CHECKING:
    import httpx

LONGEST_TEXT = 20_000
MISSING = "KogwistarBackend needs httpx and httpx-sse: pip install 'htmxchat[kogwistar]'"


class KogwistarBackend:
    """A backend whose agent is a kogwistar server. asyncio only.

    Runs are the server's: they go on when this process ends, and another process that shares the store goes on telling
    what they do. The journal keeps what was seen here; what other clients wrote is brought in when somebody looks. The
    server has no way to delete: it keeps what is removed here.

    The user's `token` is the server's bearer token. Whose a conversation or a run is, is checked here for every call,
    because the server lets any signed-in user reach everything: the journal keeps all under the server's own user id
    for the token. A run goes on with the latest token of its user that this process has seen, or that a sign-in in the
    store has; without one it waits until its user asks something.

    Args:
        base_url: Where the server is, `"http://127.0.0.1:28110"`.
        store: Where everything is kept; by default in memory. The backend closes it.
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
            checks.instance("store", store, Store, 'Store("sqlite:///chat.db")')
        if timing is not None:
            checks.instance("timing", timing, Timing, "Timing(poll=1)")
        try:
            import httpx

            from .transport.client import Client
        except ModuleNotFoundError:
            raise ImportError(MISSING) from None
        if transport is not None:
            checks.instance("transport", transport, httpx.AsyncBaseTransport, "httpx.AsyncHTTPTransport(retries=1)")
        self._timing = timing or Timing()
        self._store = store or Store()
        self._client = Client(base_url, transport=transport)
        self._credentials = Credentials(self._client, self._store, self._timing.account)
        self._sign_in = self._credentials.sign_in
        self._links = Links(self._store)
        self._agent = KogwistarAgent(
            self._client, self._links, self._credentials, self._timing, workflow_id, initial_state, stream
        )
        self._runs = Runs(self._agent, self._store, self._credentials)
        self._learning = Learning(self._client, self._store, self._links, self._timing)

    async def open(self) -> None:
        """Make the tables if need be. Whether the server is there is found out when somebody asks it something."""
        await self._runs.open()

    async def drain(self) -> None:
        """Hand over live runs to other processes."""
        await self._runs.drain()

    async def close(self) -> None:
        """Close all connections and the store. Runs go on, on the server."""
        await self._learning.close()
        await self._runs.close()
        await self._client.close()

    async def check_ready(self) -> None:
        """Return when the database can be reached and has the right schema. The server is not asked."""
        await self._runs.check_ready()

    async def identity_key(self) -> bytes | None:
        return await self._runs.identity_key()

    def observe(self, observer: Observer) -> None:
        self._runs.observe(observer)

    def limit_runs(self, most: int) -> None:
        self._runs.limit_runs(most)

    # Conversations

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return what is in the journal. Now and then the server's list is asked for, in the background.

        Raises:
            ChatError: The journal has nothing, and the server's list could not be read.
        """
        return await self.search_conversations(user, "", limit=limit, cursor=cursor)

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return what matches in titles, questions and answers: what was seen here, not all there is."""
        me = await self._sign_in(user)
        read = partial(self._runs.search_conversations, me, query, limit=limit, cursor=cursor)
        page = await read()
        if await self._learning.conversations(me, empty=not page.items and not query):
            page = await read()
        nameless = [item.id for item in page.items if item.title == reconcile.UNTITLED]
        if nameless and await self._learning.titles(me, nameless):
            page = await read()
        return replace(page, items=tuple(replace(item, user_id=user.id) for item in page.items))

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        _, found = await self._find(user, conversation_id)
        return replace(found, user_id=user.id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        """Return what is in the journal at once. The server's turns are read when it has none, else in the background.

        Raises:
            ChatError: The journal has nothing, and the server's turns could not be read.
        """
        me, found = await self._find(user, conversation_id)
        transcript = await self._runs.load_transcript(me, found.id)
        if await self._learning.turns(me, found.id, empty=not transcript.turns):
            transcript = await self._runs.load_transcript(me, found.id)
        turns = tuple(
            turn if turn.run is None else replace(turn, run=replace(turn.run, user_id=user.id))
            for turn in transcript.turns
            # What was asked elsewhere and has no answer yet has a run without events.
            if turn.run is None or turn.events
        )
        conversation = replace(transcript.conversation, user_id=user.id)
        return Transcript(conversation, turns, refreshing=self._learning.reads_turns(found.id))

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        """Set the title, here only: the server has none."""
        me, found = await self._find(user, conversation_id)
        await self._runs.rename_conversation(me, found.id, title)

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        """Take the conversation out of the list for good and stop its run. The server keeps it: it cannot delete."""
        me, found = await self._find(user, conversation_id)
        await self._runs.delete_conversation(me, found.id)

    async def restore_conversation(self, user: User, conversation_id: str) -> None:
        await self._runs.restore_conversation(await self._sign_in(user), own_id(conversation_id))

    # Runs

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        """Send a message of at most 20,000 characters; the server never answers much longer ones.

        Raises:
            Uncertain: A `BackendUnavailable`: the message may have arrived, or may still arrive. It stays.
        """
        return await self._start(user, conversation_id, text, None)

    async def start_run_once(self, user: User, conversation_id: str | None, text: str, submission: str) -> Run:
        """Send a message, unless a process that shares the store has sent it for this submission."""
        return await self._start(user, conversation_id, text, submission)

    async def get_run(self, user: User, run_id: str) -> Run:
        return replace(await self._runs.get_run(await self._sign_in(user), own_id(run_id)), user_id=user.id)

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Yield events. All readers of a run share one stream from the server."""
        me = await self._sign_in(user)
        async with aclosing(self._runs.run_events(me, own_id(run_id), after=after)) as batches:
            async for batch in batches:
                yield batch

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return the runs of a conversation, latest first, each with its workflow."""
        me, found = await self._find(user, conversation_id)
        workflows = await self._links.workflows(found.id)
        return tuple(
            replace(each, run=replace(each.run, user_id=user.id), workflow=workflows.get(each.run.id, ""))
            for each in await self._runs.list_runs(me, found.id, limit=limit)
            if each.ended_at is not None or each.run.state.live
        )

    async def run_steps(self, user: User, run_id: str) -> RunSteps:
        """Return the steps of a run. The server keeps a checkpoint for each, up to the latest."""
        me, id = await self._on_server(user, run_id)
        return await insight.read_steps(self._client, me.token or "", id) if id else RunSteps()

    async def run_checkpoint(self, user: User, run_id: str, number: int) -> JSON:
        """Return the workflow's state after a step: 3 to 15 KB, less the vectors in it."""
        me, id = await self._on_server(user, run_id)
        if not id:
            raise NotFound
        return await insight.read_checkpoint(self._client, me.token or "", id, number)

    async def run_evidence(self, user: User, run_id: str) -> tuple[Source, ...]:
        """Return what the answer rests on, with the words that matter."""
        me, id = await self._on_server(user, run_id)
        events, _ = await self._store.read_events(own_id(run_id), 0)
        return await insight.read_evidence(self._client, me.token or "", id, events) if id else ()

    async def cancel_run(self, user: User, run_id: str) -> None:
        """Ask the server to stop. It does so when the present step ends, and may still leave an answer behind."""
        await self._runs.cancel_run(await self._sign_in(user), own_id(run_id))

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        """Resume a suspended run with the answer. What comes of it is told by the run's events.

        An object with a `state_update` goes to the server as it is; anything else becomes the value that was asked for.
        """
        await self._runs.answer_request(await self._sign_in(user), own_id(run_id), request_id, answer)

    # Scripts

    async def list_scripts(self, user: User, conversation_id: str) -> tuple[Script, ...]:
        me, found = await self._find(user, conversation_id)
        return await self._runs.list_scripts(me, found.id)

    async def queue_block(self, user: User, run_id: str, number: int, code: str, title: str = "") -> Script:
        return await self._runs.queue_block(await self._sign_in(user), own_id(run_id), number, code, title)

    async def change_script(self, user: User, run_id: str, script_id: str, action: ScriptAction) -> Script:
        return await self._runs.change_script(await self._sign_in(user), own_id(run_id), script_id, action)

    async def clear_scripts(self, user: User, conversation_id: str) -> None:
        me, found = await self._find(user, conversation_id)
        await self._runs.clear_scripts(me, found.id)

    # How

    async def _find(self, user: User, conversation_id: str) -> tuple[User, Conversation]:
        """Return the user as the server knows them, and a conversation of theirs as the journal has it.

        One that was never here is asked of the server.
        """
        me, id = await self._sign_in(user), own_id(conversation_id)
        try:
            return me, await self._runs.get_conversation(me, id)
        except NotFound:
            if await self._links.conversation(id) is not None:
                raise
            await self._learning.adopt(me, conversation_id)
        return me, await self._runs.get_conversation(me, id)

    async def _on_server(self, user: User, run_id: str) -> tuple[User, str]:
        """Return the user, and what the server calls a run of theirs; empty for one of which it knows nothing."""
        me = await self._sign_in(user)
        await self._runs.get_run(me, own_id(run_id))
        link = await self._links.run(own_id(run_id))
        return me, link.server_id if link else ""

    async def _start(self, user: User, conversation_id: str | None, text: str, submission: str | None) -> Run:
        if not text.strip():
            raise EmptyText
        if len(text) > LONGEST_TEXT:
            raise TextTooLong(len(text), LONGEST_TEXT)
        id = None
        if conversation_id is None:
            me = await self._sign_in(user)
        else:
            me, found = await self._find(user, conversation_id)
            id = found.id
        try:
            if submission is None:
                run = await self._runs.start_run(me, id, text)
            else:
                run = await self._runs.start_run_once(me, id, text, submission)
        except Busy:
            raise Busy(doubt.WAITS.get(await self._runs.phase(id))) from None
        sending = self._agent.sending.of(run.id)
        if sending is not None:
            await asyncio.wait({sending}, timeout=self._timing.submit)
            if not sending.done():
                raise Uncertain(UNCERTAIN)
            sent = sending.result()
            if sent.error is not None and not sent.kept:
                await self._runs.settled(run.id)
                first = conversation_id is None and not isinstance(sent.error, ServerFailed)
                await self._links.take_back(run, conversation=first)
            if sent.error is not None:
                self._learning.forget_turns(run.conversation_id)
                raise sent.error
        return replace(run, user_id=user.id)
