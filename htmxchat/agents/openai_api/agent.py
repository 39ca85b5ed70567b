"""An agent for a model behind an OpenAI-compatible server: rounds of replies and tool calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, TypeAlias

import httpx

from ...agent import Remember, Request, Said, SendFile
from ...events import JSON, Outcome, ReasoningDelta, RunEnded, StageChanged, TextReplaced
from ...models import Turn
from ..attachments import given_files
from ..budget import recent
from ..setting import setting_for
from ..tools import ToolResult, use_tools
from . import chat, messages, refusals, responses
from .chat_reader import ChatReader
from .messages import Message
from .options import Options
from .progress import Progress
from .reply import Piece, Reply, ReplyReader
from .response_reader import ResponseReader
from .server import OtherApi, Server

_Body: TypeAlias = Callable[[Options, str, Sequence[Message]], dict[str, JSON]]
_APIS: Mapping[str, tuple[str, _Body, Callable[..., ReplyReader]]] = {
    "chat": (chat.PATH, chat.body, ChatReader),
    "responses": (responses.PATH, responses.body, ResponseReader),
}
TOO_MANY_ROUNDS = "The agent has used tools {most} times without coming to an answer. Ask it to go on."


class OpenAIAgent:
    """Answers with a model behind an OpenAI-compatible server. `openai(…)` makes one.

    A run can be resumed after each reply that calls tools, and after each result. The checkpoint has the messages since
    the run began; earlier messages are read from the branch.
    """

    _apis: tuple[str, ...]

    def __init__(self, server: Server, options: Options) -> None:
        self.name = options.name
        self._server = server
        self._options = options
        # The APIs to try; after one has answered, only that one.
        self._apis = ("chat", "responses") if options.api == "auto" else (options.api,)

    def __repr__(self) -> str:
        return f"<openai {self._options.model!r} at {self._server.base_url!r}>"

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        """Answer a turn."""
        return self.resume(request, None)

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        """Continue after the last stored reply or result."""
        options, progress = self._options, Progress.read(checkpoint)
        system = await setting_for(options.system, request)
        turns = recent(request.history, options.history)
        kept = _kept(request, turns)
        given = await given_files(request, turns, options.wants, options.file_bytes)
        before = [
            *messages.of_history(turns, options.script_tool, kept, given),
            messages.of_user(request.text, request.files, given),
        ]
        async with self._server.connections() as client:
            while True:
                if waiting := progress.waiting():
                    async with aclosing(use_tools(options.tools, waiting, request)) as using:
                        answer = None
                        while (told := await _next(using, answer)) is not None:
                            answer = None
                            if isinstance(told, ToolResult):
                                progress.tell(told, sees=options.sees)
                                yield progress.checkpoint()
                            else:
                                answer = yield told
                if progress.rounds >= options.rounds:
                    yield RunEnded(Outcome.FAILED, TOO_MANY_ROUNDS.format(most=options.rounds))
                    return
                reply, written, thought, drawn = Reply(), 0, 0, False
                async with aclosing(self._ask(client, system, [*before, *progress.said])) as pieces:
                    async for piece in pieces:
                        match piece:
                            case Reply():
                                reply = piece
                                break
                            case str():
                                written += len(piece)
                            case ReasoningDelta(text=text):
                                thought += len(text)
                            case SendFile():
                                drawn = True
                        yield piece
                if reply.ended and len(reply.text) != written:  # only the end shows that some of it was not text
                    yield TextReplaced(progress.text)
                    if more := reply.reasoning[thought:]:
                        yield ReasoningDelta(more)
                    yield reply.text
                if reply.usage:
                    yield progress.count(reply.usage)
                if trouble := _trouble(reply, shown=drawn or progress.rounds > 0):
                    yield RunEnded(Outcome.FAILED, trouble)
                    return
                if not reply.calls:
                    return
                progress.add(reply)
                if extras := progress.extras():
                    yield Remember({**kept, request.run_id: extras})
                yield progress.checkpoint()

    async def _ask(
        self, client: httpx.AsyncClient, system: str, said: Sequence[Message]
    ) -> AsyncGenerator[Piece | StageChanged | Reply, None]:
        for api in self._apis:
            path, body, reader = _APIS[api]
            asked = self._server.ask(
                client, path, body(self._options, system, said), partial(reader, self._server.secrets)
            )
            try:
                async with aclosing(asked) as pieces:
                    async for piece in pieces:
                        self._apis = (api,)
                        yield piece
                return
            except OtherApi:
                if api == self._apis[-1]:
                    raise


def _kept(request: Request, turns: Sequence[Turn]) -> dict[str, JSON]:
    """Return the extras that earlier runs stored for the server, for the turns that are sent."""
    memory, ids = request.memory, {turn.id for turn in turns}
    return {id: kept for id, kept in memory.items() if id in ids} if isinstance(memory, dict) else {}


def _trouble(reply: Reply, *, shown: bool) -> str | None:
    """Return a sentence why a reply is not a complete answer; `None` if it is."""
    if not reply.ended:
        return refusals.CUT if reply.text or reply.reasoning or reply.calls else refusals.NO_ANSWER
    if said := refusals.FINISHES.get(reply.finish):
        return said
    # After tool calls or pictures, an empty text is a valid end.
    return None if reply.text.strip() or reply.calls or shown else refusals.EMPTY


async def _next(generator: AsyncGenerator[Any, Any], answer: Any) -> Any:
    """Return a generator's next value; `None` at its end."""
    try:
        return await generator.asend(answer)
    except StopAsyncIteration:
        return None
