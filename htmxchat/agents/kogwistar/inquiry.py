"""Asks the server what has become of a run: only what its outcome needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from ...errors import BackendUnavailable, ChatError, NotSignedIn
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
            case "cancelled" if run.turn_id:
                return await _left_behind(token, client, facts)
            case "suspended":
                steps = await client.steps(token, run.id)
                return replace(facts, steps=steps, state=await client.last_state(token, run.id))
            case "failed" | "empty" if not run.error:
                return replace(facts, steps=await client.steps(token, run.id))
            case "completed" if cites(run.result):
                facts = replace(facts, state=await _detail(client.last_state(token, run.id), {}))
                found = find_sources(run.result, facts.state, {})
                if not found or not all(source.excerpt for source in found):
                    facts = replace(facts, evidence=await _detail(client.evidence(token, run.id), {}))
    except (BackendUnavailable, NotSignedIn):
        raise
    except ChatError:
        pass  # details that this user may not see, or that are gone: the outcome is known without them
    return facts


async def _detail(asked: Awaitable[T], otherwise: T) -> T:
    """Return what the server says, or `otherwise` when it does not, tried several times: the answer is there anyway."""
    try:
        return await asked
    except NotSignedIn:
        raise
    except ChatError as error:
        log.warning("The sources of an answer could not be read: %s", error)
        return otherwise


async def _left_behind(token: str, client: Client, facts: Facts) -> Facts:
    """A run that was stopped late may have written its answer: only the turns tell."""
    turns = await client.turns(token, facts.run.conversation_id)
    ids = [turn.id for turn in turns]
    if facts.run.turn_id not in ids:
        return facts
    for turn in turns[ids.index(facts.run.turn_id) + 1 :]:
        if turn.role == "assistant":
            return replace(facts, left_behind=turn.text, run=replace(facts.run, assistant_turn_id=turn.id))
        break
    return facts
