"""A backend of one's own, when the agent already keeps its conversations: here, in a dictionary.

Run: uvicorn examples.custom_backend:app
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

from htmxchat import (
    JSON,
    Busy,
    Conversation,
    ConversationPage,
    EventBody,
    NotFound,
    Outcome,
    Run,
    RunEnded,
    RunEvent,
    RunStarted,
    RunState,
    TextDelta,
    Transcript,
    Turn,
    User,
    create_chat_app,
    fold,
)


@dataclass
class Running:
    """A run and its log. The reader waits for `news`."""

    run: Run
    text: str
    events: list[RunEvent] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    stop: bool = False
    task: asyncio.Task[None] | None = None

    async def add(self, body: EventBody) -> None:
        async with self.news:
            self.events.append(RunEvent(len(self.events) + 1, datetime.now(UTC), body))
            self.run = replace(self.run, state=fold(self.events).state)
            self.news.notify_all()

    async def answer(self) -> None:
        await self.add(RunStarted())
        for word in f"You said: *{self.text}*".split(" "):
            if self.stop:
                break
            await asyncio.sleep(0.05)
            await self.add(TextDelta(word + " "))
        await self.add(RunEnded(Outcome.CANCELLED if self.stop else Outcome.COMPLETED))


class EchoBackend:
    """Says what it hears. Everything lives in this object, and is gone with it."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.running: dict[str, Running] = {}

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        own = [each for each in self.conversations.values() if each.user_id == user.id]
        own.sort(key=lambda each: (each.updated_at, each.id), reverse=True)
        start = int(cursor) if cursor and cursor.isdecimal() else 0
        rest = start + limit < len(own)
        return ConversationPage(tuple(own[start : start + limit]), str(start + limit) if rest else None)

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        conversation = self.conversations.get(conversation_id)
        if conversation is None or conversation.user_id != user.id:
            raise NotFound
        runs = self._runs(conversation_id)
        return replace(conversation, state=runs[-1].run.state if runs else None)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        conversation = await self.get_conversation(user, conversation_id)
        turns: list[Turn] = []
        for each in self._runs(conversation_id):
            run, events = each.run, tuple(each.events)
            turns.append(Turn(run.turn_id, "user", each.text, run.created_at))
            turns.append(Turn(run.id, "assistant", fold(events).text, run.created_at, run, events))
        return Transcript(conversation, tuple(turns))

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        now = datetime.now(UTC)
        if conversation_id is None:
            conversation = Conversation(uuid4().hex, user.id, text[:60], now, now)
        else:
            conversation = replace(await self.get_conversation(user, conversation_id), updated_at=now)
        if any(each.run.state.live for each in self._runs(conversation.id)):
            raise Busy
        self.conversations[conversation.id] = conversation
        run = Run(uuid4().hex, conversation.id, user.id, uuid4().hex, RunState.QUEUED, now)
        self.running[run.id] = running = Running(run, text)
        running.task = asyncio.create_task(running.answer())
        return run

    async def get_run(self, user: User, run_id: str) -> Run:
        return self._own(user, run_id).run

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        running = self._own(user, run_id)
        seen = after or 0
        while True:
            async with running.news:
                while running.run.state.live and len(running.events) <= seen:
                    await running.news.wait()
                events = running.events[seen:]
            if events:
                yield events
            seen += len(events)
            if not running.run.state.live and seen >= len(running.events):
                return

    async def stop_run(self, user: User, run_id: str) -> None:
        self._own(user, run_id).stop = True

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        self._own(user, run_id)
        raise NotFound("This agent asks nothing.")

    def _own(self, user: User, run_id: str) -> Running:
        running = self.running.get(run_id)
        if running is None or running.run.user_id != user.id:
            raise NotFound
        return running

    def _runs(self, conversation_id: str) -> list[Running]:
        return [each for each in self.running.values() if each.run.conversation_id == conversation_id]


app = create_chat_app(EchoBackend(), title="Echo")
