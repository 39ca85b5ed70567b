"""Asks the server for what the outcome of a run needs, and no more."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from ...errors import BackendUnavailable, ChatError, NotSignedIn
from ...events import Source
from .translation.outcome import Facts, how
from .translation.replies import ServerRun
from .translation.sources import citations, find_sources
from .transport.client import Client

T = TypeVar("T")
log = logging.getLogger("htmxchat")


async def gather(token: str, client: Client, run: ServerRun, text: str, asked: int) -> Facts:
    """Return the facts that the outcome of an ended run depends on.

    Args:
        text: The answer according to the stream.
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
        pass  # details that the user may not see or that were deleted: the outcome is known without them
    return facts


async def read_sources(token: str, client: Client, run: ServerRun) -> tuple[Source, ...]:
    """Return the sources of a run's answer, which is complete without what the server does not tell."""
    if not citations(run.result):
        return ()
    state = await _detail(client.last_state(token, run.id), {})
    found = find_sources(run.result, state, {})
    if all(source.excerpt for source in found):
        return found
    return find_sources(run.result, state, await _detail(client.evidence(token, run.id), {}))


async def _detail(asked: Awaitable[T], otherwise: T) -> T:
    try:
        return await asked
    except NotSignedIn:
        raise
    except ChatError as error:
        log.warning("A source of an answer could not be read: %s", error)
        return otherwise
