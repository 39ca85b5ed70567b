"""Sends messages, each once, and never two at a time in a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ...errors import BackendError, Busy, ChatError
from ...models import Run
from .live_runs import LiveRuns
from .memory import ConversationMemory
from .ownership import ANSWERING, Ownership
from .problems import UNANSWERED, UNCERTAIN, ServerFailed, Uncertain
from .replies import Submitted
from .run_memory import RunMemory

if TYPE_CHECKING:
    from .client import Client

NO_ROOM = "The kogwistar server has no room for this run now. Try again later."


class Submitter:
    """Starts runs of one workflow.

    Args:
        initial_state: What a workflow run begins with, made of the user's text.
    """

    def __init__(
        self,
        client: Client,
        conversations: ConversationMemory,
        runs: RunMemory,
        owned: Ownership,
        lives: LiveRuns,
        workflow_id: str,
        initial_state: Callable[[str], Mapping[str, Any]],
    ) -> None:
        self._client = client
        self._conversations = conversations
        self._runs = runs
        self._owned = owned
        self._lives = lives
        self._workflow_id = workflow_id
        self._workflow = workflow_id not in ANSWERING
        self._initial_state = initial_state

    async def start(self, me: str, token: str, conversation_id: str | None, text: str) -> Run:
        """Send a message; without an id, in a new conversation.

        Raises:
            Busy: The conversation has a live run, or a message that arrived and may still be answered.
            Uncertain: The message may have arrived. It keeps its place until the server's turns are read again.
        """
        # The host's own code comes first: when it fails, nothing has happened yet.
        state = self._initial_state(text) if self._workflow else {}
        new = conversation_id is None
        if conversation_id is None:
            conversation_id = str(uuid4())
            await self._client.create_conversation(token, conversation_id, me)
            await self._conversations.add(me, conversation_id, text)
        else:
            await self._owned.conversation(me, token, conversation_id)
            if (run_id := await self._runs.live_in(conversation_id)) is not None:
                # It may be over, unseen.
                await self._lives.look_at(await self._owned.run(me, token, run_id), token)
            if await self._runs.doubtful(conversation_id):
                turns = await self._client.turns(token, conversation_id)
                await self._conversations.learn_turns(conversation_id, turns)
                if await self._runs.doubtful(conversation_id):
                    raise Busy(UNANSWERED)
        reservation = await self._runs.reserve(
            me, conversation_id, text, workflow=self._workflow, workflow_id=self._workflow_id
        )
        try:
            submitted = await self._submit(token, conversation_id, text, state)
        except Uncertain:
            await self._runs.doubt(reservation)
            raise Uncertain(UNCERTAIN) from None
        except ChatError as error:
            await self._runs.release(reservation)
            if new and not isinstance(error, ServerFailed):
                await self._conversations.hide(me, conversation_id)
            raise
        except Exception:
            await self._runs.doubt(reservation)
            raise
        # The server stores no turn for a workflow run, and gives several of them the same one.
        turn_id = reservation if self._workflow else submitted.turn_id or reservation
        confirmed = await self._runs.confirm(me, reservation, submitted, turn_id=turn_id)
        if confirmed is None:
            return (await self._owned.run(me, token, submitted.run_id)).run
        known, removed = confirmed
        if removed:
            with suppress(ChatError):
                await self._lives.get(known, token).stop()
        return known.run

    async def _submit(self, token: str, conversation_id: str, text: str, state: Mapping[str, Any]) -> Submitted:
        if not self._workflow:
            return await self._client.answer(token, conversation_id, text, self._workflow_id)
        submitted = await self._client.start_workflow(token, conversation_id, self._workflow_id, state)
        if submitted.admission in ("rejected", "deferred"):
            raise BackendError(NO_ROOM)
        return submitted
