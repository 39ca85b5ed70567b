"""`openai(…)`, the public function."""

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
        base_url: The URL before `/chat/completions` or `/responses`: `http://localhost:11434/v1`.
        model: The model's name on that server.
        api_key: Sent as a bearer token, never shown or logged. Local servers usually need none.
        api: `"chat"` for chat completions, which all servers have; `"responses"` for the Responses API; `"auto"` for
            the first, with fallback to the second if the server has the model only there.
        system: The system prompt, or a function of the request that returns it, also an `async` one.
        tools: Functions that the model may call, `tool(function, …)` for one with options, and `run_python`.
        history: The most characters of the conversation that the model receives, latest turns first; `None` for all.
        rounds: How often the model may call tools before it must answer.
        sees: Whether the model receives pictures: those that its scripts draw and those that users send. Otherwise it
            is told that they exist.
        reads: Media types besides text and pictures that the server accepts: `["application/pdf"]`.
        file_bytes: The most bytes of the conversation's files that the model receives, latest first.
        send_reasoning: Whether the model receives its earlier reasoning, as `reasoning_content`. Some servers require
            it, others reject it.
        name: Identifies the agent's runs if several agents share a store; the same in every process and release.
        headers: More headers for each request. Their values are never shown or logged.
        extra: More fields for each request's body, sent unchanged: `{"temperature": 0}`.
        timeout: How many seconds the server may send nothing, including before the first byte.
        client: Makes the requests, for example through a proxy. You close it. By default each run makes its own,
            which ignores environment variables.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `base_url`, a header or a tool is invalid.
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
