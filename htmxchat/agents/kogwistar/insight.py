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
# Long lists of numbers that no reader needs.
_VECTORS = frozenset({"embedding", "embeddings", "vector"})


async def read_steps(client: Client, token: str, run_id: str) -> RunSteps:
    """Return a run's steps. The server keeps one checkpoint a step, up to the latest."""
    steps = await client.steps(token, run_id)
    contract = await client.resume_contract(token, run_id)
    latest = contract.get("latest_checkpoint_step_seq")
    kept = tuple(step.seq for step in steps if isinstance(latest, int) and step.seq <= latest)
    last = steps[-1] if steps else None
    # The contract names a reason also after the run was resumed; the last step says whether it still waits.
    waits = last is not None and last.status == "suspended"
    return RunSteps(
        tuple(_step(step) for step in steps),
        kept,
        waiting_sentence(last.wait_reason) if waits and last else "",
        _less(clean_json(dict(last.resume_payload))) if waits and last and last.resume_payload else None,
        next((step.workflow for step in steps if step.workflow), ""),
    )


async def read_checkpoint(client: Client, token: str, run_id: str, number: int) -> JSON:
    """Return the state after a step, without vectors."""
    if number < 0:
        raise NotFound
    return _less(clean_json(await client.checkpoint(token, run_id, number)))


async def read_evidence(client: Client, token: str, run_id: str, events: Iterable[RunEvent]) -> tuple[Source, ...]:
    """Return the sources of an answer: those in the log, else those that the server has now."""
    kept = [source for event in events if isinstance(event.body, SourcesFound) for source in event.body.sources]
    if kept:
        return tuple(kept)
    return await read_sources(token, client, await client.run(token, run_id))


def _step(step: Step) -> RunStep:
    state = _STATES.get(step.status, RunState.FAILED)
    if state is RunState.FAILED:
        detail = first_reason(step.errors) or "The server does not say why."
    else:
        detail = waiting_sentence(step.wait_reason) if state is RunState.SUSPENDED else ""
    name = re.sub(r"^(aa|x)_", "", step.op).replace("_", " ").strip().capitalize() or "Step"
    return RunStep(step.seq, name, state, step.seconds, detail, _less(clean_json(step.update)), step.next)


def _less(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _short(item) if key in _VECTORS else _less(item) for key, item in value.items()}
    return [_less(item) for item in value] if isinstance(value, list) else scrub(value)


def _short(value: Any) -> JSON:
    return f"{len(value):,} numbers" if isinstance(value, list) else _less(value)
