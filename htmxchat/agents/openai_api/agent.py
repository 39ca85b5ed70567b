"""A model behind an OpenAI-compatible server, as an agent."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, TypeAlias

import httpx

from ... import checks
from ...agent import Request, Said
from ...events import JSON, Outcome, RunEnded
from . import chat, messages, refusals
from .reply import Reply
from .server import Server

SystemPrompt: TypeAlias = str | Callable[[Request], str | Awaitable[str]]


class OpenAIAgent:
    """Answers with a model behind an OpenAI-compatible server. `openai(…)` makes one."""

    name = "openai"

    def __init__(self, server: Server, model: str, system: SystemPrompt, extra: Mapping[str, JSON]) -> None:
        self._server = server
        self._model = checks.text("model", model, empty=False)
        self._system = system
        self._extra = dict(extra)

    def __repr__(self) -> str:
        return f"<openai {self._model!r} at {self._server.base_url!r}>"

    async def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        """Answer a turn."""
        asked = [
            *messages.system(await self._prompt(request)),
            *messages.of_history(request.history),
            messages.user(request.text),
        ]
        async with self._server.connections() as client:
            reply = Reply()
            body = chat.body(self._model, asked, (), self._extra)
            reader = partial(chat.ChatReader, self._server.secrets)
            async with aclosing(self._server.ask(client, chat.PATH, body, reader)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Reply):
                        reply = piece
                    else:
                        yield piece
        if reply.usage:
            yield reply.usage
        if trouble := _trouble(reply):
            yield RunEnded(Outcome.FAILED, trouble)

    async def _prompt(self, request: Request) -> str:
        prompt = self._system(request) if callable(self._system) else self._system
        return await prompt if inspect.isawaitable(prompt) else prompt


def _trouble(reply: Reply) -> str | None:
    """Return why a reply is no complete answer, in a sentence; `None` if it is one."""
    if not reply.ended:
        return refusals.CUT
    if said := refusals.FINISHES.get(reply.finish):
        return said
    return None if reply.text.strip() or reply.calls else refusals.EMPTY


def openai(
    base_url: str,
    *,
    model: str,
    api_key: str | None = None,
    system: SystemPrompt = "",
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, JSON] | None = None,
    timeout: float = 300.0,
    client: httpx.AsyncClient | None = None,
) -> OpenAIAgent:
    """Return an agent that answers with a model behind an OpenAI-compatible server.

    Args:
        base_url: What `/chat/completions` comes after: `http://localhost:11434/v1`.
        model: Its name on that server.
        api_key: Sent as a bearer token, and shown nowhere. A local server needs none.
        system: The system prompt, or a function of the request that returns it, also an `async` one.
        headers: Further headers of each request. Their values are shown nowhere.
        extra: Further fields of each request: `{"temperature": 0}`. They are sent as they are.
        timeout: How many seconds the server may say nothing, also before its first word.
        client: Makes the requests, through a proxy for example. You close it. Without one, each run has its own,
            which reads nothing from the environment.

    Raises:
        TypeError: An argument is of another kind.
        ValueError: `base_url` or a header cannot be used.
    """
    server = Server(base_url, api_key, headers or {}, timeout, client)
    return OpenAIAgent(server, model, system, extra or {})
