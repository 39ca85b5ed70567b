"""Asks the server for details of a run, and no more: for its outcome, and for the inspector."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from ...errors import BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...events import JSON, RunEvent, Source, SourcesFound
from ...models import RunState, RunStep, RunSteps
from ...text.cleaning import clean_json
from .translation.outcome import Facts, how
from .translation.problems import first_reason
from .translation.replies import ServerRun, Step
from .translation.scrub import scrub
from .translation.sources import citations, find_sources
from .translation.waiting import waiting_sentence
from .transport.client import Client

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_STATES = {"ok": RunState.COMPLETED, "success": RunState.COMPLETED, "suspended": RunState.SUSPENDED}
_VECTORS = ("embedding", "embeddings", "vector")


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


async def read_steps(client: Client, token: str, run_id: str) -> RunSteps:
    """Return a run's steps. The server keeps one checkpoint a step, up to the latest."""
    steps = await client.steps(token, run_id)
    latest = (await client.resume_contract(token, run_id)).get("latest_checkpoint_step_seq")
    kept = tuple(step.seq for step in steps if isinstance(latest, int) and step.seq <= latest)
    workflow = next((step.workflow for step in steps if step.workflow), "")
    # The contract names a reason also after the run was resumed; the last step says whether it still waits.
    last = steps[-1] if steps and steps[-1].status == "suspended" else None
    waits = waiting_sentence(last.wait_reason) if last else ""
    payload = _shown(last.resume_payload) if last and last.resume_payload else None
    return RunSteps(tuple(map(_step, steps)), kept, waits, payload, workflow)


async def read_checkpoint(client: Client, token: str, run_id: str, number: int) -> JSON:
    """Return the state after a step, without vectors."""
    if number < 0:
        raise NotFound
    return _shown(await client.checkpoint(token, run_id, number))


async def read_evidence(client: Client, token: str, run_id: str, events: Iterable[RunEvent]) -> tuple[Source, ...]:
    """Return the sources of an answer: those in the log, else those that the server has now."""
    kept = [source for event in events if isinstance(event.body, SourcesFound) for source in event.body.sources]
    return tuple(kept) or await read_sources(token, client, await client.run(token, run_id))


def _step(step: Step) -> RunStep:
    state, detail = _STATES.get(step.status, RunState.FAILED), ""
    if state is RunState.FAILED:
        detail = first_reason(step.errors) or "The server does not say why."
    elif state is RunState.SUSPENDED:
        detail = waiting_sentence(step.wait_reason)
    name = re.sub(r"^(aa|x)_", "", step.op).replace("_", " ").strip().capitalize() or "Step"
    return RunStep(step.seq, name, state, step.seconds, detail, _shown(step.update or None), tuple(step.next))


def _shown(value: Any) -> JSON:
    found: JSON = scrub(_without_vectors(clean_json(value)))
    return found


def _without_vectors(value: JSON) -> JSON:
    """Return a value without the long lists of numbers that no reader needs."""
    if isinstance(value, list):
        return [_without_vectors(item) for item in value]
    if not isinstance(value, dict):
        return value
    vectors = {key: f"{len(each):,} numbers" for key in _VECTORS if isinstance(each := value.get(key), list)}
    return {key: vectors.get(key) or _without_vectors(item) for key, item in value.items()}
