"""Details of a run for the inspector: steps, checkpoints, what it waits for, sources."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ...errors import NotFound
from ...events import JSON, RunEvent, Source, SourcesFound
from ...models import RunState, RunStep, RunSteps
from ...text.cleaning import clean_json
from .inquiry import read_sources
from .translation.problems import first_reason
from .translation.replies import Step
from .translation.scrub import scrub
from .translation.waiting import waiting_sentence
from .transport.client import Client

_STATES = {"ok": RunState.COMPLETED, "success": RunState.COMPLETED, "suspended": RunState.SUSPENDED}
_VECTORS = ("embedding", "embeddings", "vector")


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
