"""Asks the server what has happened to a run: only what its outcome needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from ...errors import BackendUnavailable, ChatError, NotSignedIn
from ...events import Source
from .translation.outcome import Facts, how
from .translation.replies import ServerRun
from .translation.sources import cites, find_sources
from .transport.client import Client

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_LOOKS, _PAUSE = 20, 0.1
_STATUS = {"run.completed": "succeeded", "run.failed": "failed", "run.cancelled": "cancelled"}


async def look_at_run(token: str, client: Client, id: str, said: str | None) -> ServerRun:
    """Return a run as it is now.

    Args:
        said: The terminal event that came, if one did. The row follows its event; the event is believed if it does not.
    """
    run = await client.run(token, id)
    if said is None:
        return run
    for _ in range(_LOOKS):
        if run.terminal:
            return run
        await asyncio.sleep(_PAUSE)
        run = await client.run(token, id)
    return replace(run, terminal=True, status=_STATUS[said])


async def gather(token: str, client: Client, run: ServerRun, text: str, asked: int) -> Facts:
    """Return what is needed to say how a terminal run went.

    Args:
        asked: How often it has asked the user before.

    Raises:
        BackendUnavailable, NotSignedIn: The server cannot be asked now.
    """
    facts = Facts(run, text, asked=asked)
    try:
        match how(run, text):
            case "suspended":
                steps = await client.steps(token, run.id)
                return replace(facts, steps=steps, state=await client.last_state(token, run.id))
            case "failed" | "empty" if not run.error:
                return replace(facts, steps=await client.steps(token, run.id))
            case "completed":
                return replace(facts, sources=await read_sources(token, client, run))
    except (BackendUnavailable, NotSignedIn):
        raise
    except ChatError:
        pass  # details that this user may not see, or that are gone: the outcome is known without them
    return facts


async def read_sources(token: str, client: Client, run: ServerRun) -> tuple[Source, ...]:
    """Return what the answer of a run rests on."""
    if not cites(run.result):
        return ()
    state = await _detail(client.last_state(token, run.id), {})
    found = find_sources(run.result, state, {})
    if found and all(source.excerpt for source in found):
        return found
    return find_sources(run.result, state, await _detail(client.evidence(token, run.id), {}))


async def _detail(asked: Awaitable[T], otherwise: T) -> T:
    """Return what the server says, or `otherwise` when it does not, tried several times: the answer is there anyway."""
    try:
        return await asked
    except NotSignedIn:
        raise
    except ChatError as error:
        log.warning("The sources of an answer could not be read: %s", error)
        return otherwise
