"""`openai(…)`: what a host writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import httpx

from ... import checks
from ...events import JSON
from ..attachments import MOST
from .agent import OpenAIAgent
from .options import Options, SystemPrompt, by_name
from .server import Server


def openai(
    base_url: str,
    *,
    model: str,
    api_key: str | None = None,
    api: Literal["chat", "responses", "auto"] = "chat",
    system: SystemPrompt = "",
    tools: Sequence[object] = (),
    history: int | None = None,
    rounds: int = 20,
    sees: bool = False,
    reads: Sequence[str] = (),
    file_bytes: int = MOST,
    send_reasoning: bool = False,
    name: str = "openai",
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, JSON] | None = None,
    timeout: float = 300.0,
    client: httpx.AsyncClient | None = None,
) -> OpenAIAgent:
    """Return an agent that answers with a model behind an OpenAI-compatible server.

    Args:
        base_url: What `/chat/completions` or `/responses` comes after: `http://localhost:11434/v1`.
        model: Its name on that server.
        api_key: Sent as a bearer token, and shown nowhere. A local server needs none.
        api: `"chat"` for chat completions, which all servers have; `"responses"` for the Responses API; `"auto"` for
            the first, and for the second where the server says that it has the model only there.
        system: The system prompt, or a function of the request that returns it, also an `async` one.
        tools: Functions that the model may call, `tool(function, …)` for one with options, and `run_python`.
        history: How many characters of the conversation the model is given, the latest turns; `None` for all of it.
        rounds: How often the model may use tools before it has to answer.
        sees: Whether the model is shown pictures: those that its scripts draw, and those that users send. Of others it
            is told that they are there.
        reads: Which media types besides text and pictures the server takes: `["application/pdf"]`.
        file_bytes: How many bytes of the conversation's files the model is given, the latest first.
        send_reasoning: Whether the model is given back what it thought, as `reasoning_content`. Some servers demand
            it, others refuse it.
        name: Whose runs these are, where several agents share a store; the same in every process and release.
        headers: Further headers of each request. Their values are shown nowhere.
        extra: Further fields of each request: `{"temperature": 0}`. They are sent as they are.
        timeout: How many seconds the server may say nothing, also before its first word.
        client: Makes the requests, through a proxy for example. You close it. Without one, each run has its own,
            which reads nothing from the environment.

    Raises:
        TypeError: An argument is of another kind.
        ValueError: `base_url`, a header or a tool cannot be used.
    """
    options = Options(
        model=model,
        name=name,
        api=api,
        system=system,
        tools=by_name(tools),
        extra=dict(extra or {}),
        history=history,
        rounds=rounds,
        sees=sees,
        reads=checks.items("reads", reads, _media_type, '["application/pdf"]'),
        file_bytes=file_bytes,
        send_reasoning=send_reasoning,
    )
    return OpenAIAgent(Server(base_url, api_key, headers or {}, timeout, client), options)


def _media_type(name: str, given: object) -> str:
    text = checks.text(name, given)
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", text):
        raise ValueError(f'{name} is a media type, "application/pdf", not {checks.shown(given)}.')
    return text
