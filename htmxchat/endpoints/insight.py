"""Steps, checkpoints and evidence of a run, for backends that have them. Each is loaded when it is opened."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from ..backend import CanInspect
from ..errors import NotFound
from ..fragments.inspector.steps import evidence_list, state_room, steps_room
from ..html import Child, render
from ..inspection.state_diff import state_diff
from ..text.cleaning import clean_json
from .call import Call, inspector_endpoint, number
from .inspector import view

_MISSING = "The state after this step is not kept."
_NONE = "The server has kept no state of this run."


@inspector_endpoint
async def steps(call: Call) -> Response:
    """The steps of a run, and what it waits for."""
    call.backend.require(CanInspect)
    return await view(call, "steps", _steps(call), call.urls.steps(call.run.id))


@inspector_endpoint
async def checkpoints(call: Call) -> Response:
    """The state of a run after a step, `?n=`; what changed since the step before, or since `?with=`."""
    call.backend.require(CanInspect)
    return await view(call, "state", _state(call), call.urls.checkpoints(call.run.id))


@inspector_endpoint
async def evidence(call: Call) -> Response:
    """What a run's answer rests on."""
    call.backend.require(CanInspect)
    if call.fragment:
        return HTMLResponse(render(await _evidence(call)))
    return await view(call, "steps", _evidence(call), call.urls.evidence(call.run.id))


async def _steps(call: Call) -> Child:
    found = await call.backend.run_steps(call.run.id)
    return steps_room(call.run, found, call.urls)


async def _state(call: Call) -> Child:
    query = call.request.query_params
    found = await call.backend.run_steps(call.run.id)
    if not found.checkpoints:
        return state_room(call.run, found, 0, None, call.urls, missing=_NONE)
    wanted = number(query.get("n", ""))
    # A slider stops at every number, but not every step needs to have a checkpoint.
    at_most = found.checkpoints[-1] if wanted is None else wanted
    chosen = max((n for n in found.checkpoints if n <= at_most), default=found.checkpoints[0])
    before = [n for n in found.checkpoints if n < chosen]
    other = number(query.get("with", ""))
    against = other if other in found.checkpoints and other != chosen else None
    base = against if against is not None else before[-1] if before else None
    try:
        state = clean_json(await call.backend.run_checkpoint(call.run.id, chosen))
    except NotFound:
        return state_room(call.run, found, chosen, None, call.urls, missing=_MISSING)
    changes = None
    if base is not None:
        try:
            before_it = await call.backend.run_checkpoint(call.run.id, base)
            changes = state_diff(clean_json(before_it), state)
        except NotFound:
            changes = None
    return state_room(call.run, found, chosen, state, call.urls, against=against, since=base, changes=changes)


async def _evidence(call: Call) -> Child:
    return evidence_list(await call.backend.run_evidence(call.run.id))
