"""The inspector: a conversation's runs, and what happened in one."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from dataclasses import replace

from starlette.responses import HTMLResponse, Response

from ..backend import CanInspect, CanListRuns
from ..errors import ChatError, NotFound, NotSignedIn
from ..events import RunEvent
from ..fragments.inspector.json_tree import json_tree
from ..fragments.inspector.run import RunSheet, inspector_side, rows_part, run_room, unloaded_run
from ..fragments.inspector.runs import run_list
from ..fragments.shell import side_room
from ..html import Child, render
from ..inspection import Window, rows, window
from ..inspection.timeline import timeline
from ..models import RunSummary, Waiting
from ..view import fold
from .call import Call, here, inspector_endpoint, number, row_filter, see_other
from .pages import conversation_page, loaded_page
from .queue import queue_of, run_view
from .run_log import run_log, run_summaries

_WINDOW = 200
_MAX_RUNS = 100


@inspector_endpoint
async def show(call: Call) -> Response:
    """A run, beside its conversation."""
    return await view(call, "events", _events(call), call.urls.run(call.run.id))


async def _events(call: Call) -> Child:
    events = await run_log(call)
    view = await run_view(call, call.run, events)
    wanted = row_filter(call)
    shown = _window(call, events, live=view.state.live)
    inspectable = call.backend.can(CanInspect)
    sheet = RunSheet(call.run, view, shown, timeline(events), wanted, inspectable=inspectable)
    return run_room(sheet, call.urls)


@inspector_endpoint
async def events(call: Call) -> Response:
    """A stretch of a run's rows."""
    log = await run_log(call)
    view = fold(log)
    if not call.fragment:
        return see_other(call.urls.run(call.run.id, **dict(call.request.query_params)))
    sheet = RunSheet(call.run, view, _window(call, log, live=view.state.live), timeline(()), row_filter(call))
    return HTMLResponse(render(rows_part(sheet, call.urls)))


@inspector_endpoint
async def event(call: Call) -> Response:
    """All that a row holds: to the page as a tree, otherwise as JSON."""
    ordinal = number(str(call.request.path_params["row"]))
    if ordinal is None:
        raise NotFound
    for row in rows(await run_log(call, through=ordinal)):
        if row.ordinal == ordinal:
            if call.fragment:
                return HTMLResponse(json_tree(row.data if row.raw is None else row.raw))
            return json_response(row.json)
    raise NotFound


@inspector_endpoint
async def latest(call: Call) -> Response:
    """The latest run of a conversation; the list of its runs while there is none."""
    try:
        found = await _list(call, limit=1)
    except (NotFound, NotSignedIn):
        raise
    except ChatError:
        found = []  # the list says why
    if not call.fragment:
        return see_other(call.urls.run(found[0].run.id) if found else call.urls.runs(call.conversation_id))
    if not found:
        return _pushed(await _runs(call), call.urls.runs(call.conversation_id))
    run = found[0].run
    call, url = replace(call, _run=run), call.urls.run(run.id)
    return _pushed(await view(call, "events", _events(call), url), url)


def _pushed(response: Response, url: str) -> Response:
    """Have the page's address say what is shown, and not how it was asked for."""
    response.headers["HX-Push-Url"] = url
    return response


@inspector_endpoint
async def runs(call: Call) -> Response:
    """The runs of a conversation, the latest first."""
    return await _runs(call)


async def _runs(call: Call) -> Response:
    conversation = await call.conversation()
    url = call.urls.runs(conversation.id)
    try:
        found = [await _up_to_date(call, each) for each in await _list(call)]
    except (NotFound, NotSignedIn):
        raise
    except ChatError as error:
        content = run_list(call.urls, conversation, [], failure=f"The runs cannot be loaded. {error}")
        return await beside(call, content, url, status=error.status)
    content = run_list(call.urls, conversation, found[:_MAX_RUNS], more=len(found) > _MAX_RUNS)
    return await beside(call, content, url)


@inspector_endpoint
async def find(call: Call) -> Response:
    """Where a run is looked up by its id, `?id=`; the address of its page will do."""
    said = call.request.query_params.get("id", "").strip()
    id = re.split("[?#]", said)[0].rstrip("/").rpartition("/")[2]
    if id:
        return see_other(call.urls.run(id))
    side = inspector_side(call.urls, None, run_list(call.urls, None, []))
    if call.fragment:
        return HTMLResponse(render(side_room(side)))
    return await conversation_page(call, None, side=side)


async def view(call: Call, tab: str, content: Awaitable[Child], url: str) -> Response:
    """Return one of the views of a run, in the inspector. When it cannot be loaded, that is said in its place."""
    try:
        return await beside(call, await content, url)
    except (NotFound, NotSignedIn):
        raise
    except ChatError as error:
        able = call.backend.can(CanInspect)
        failed = unloaded_run(call.run, call.urls, str(error), tab=tab, retry_url=here(call.request), inspectable=able)
        return await beside(call, failed, url, status=error.status)


async def beside(call: Call, content: Child, url: str, *, status: int = 200) -> Response:
    """Return the inspector with its conversation, or alone if htmx asks."""
    side = inspector_side(call.urls, None, content, url=url)
    if call.fragment:
        return HTMLResponse(render(side_room(side)), status)
    return await loaded_page(call, side=side)


def _window(call: Call, events: list[RunEvent], *, live: bool) -> Window:
    query = call.request.query_params
    wanted = row_filter(call)
    lines = rows(events, details=bool(wanted.text))
    at, end = number(query.get("at", "")), query.get("end", "")
    before, after = number(query.get("before", "")), number(query.get("after", ""))
    last = end == "last" or (live and at is None and end != "first")
    return window(lines, wanted, before=before, after=after, around=at, from_end=last, limit=_WINDOW)


async def _list(call: Call, *, limit: int = _MAX_RUNS + 1) -> list[RunSummary]:
    await call.conversation()
    if call.backend.can(CanListRuns):
        return list(await call.backend.list_runs(call.conversation_id, limit=limit))
    return run_summaries(await call.transcript())


async def _up_to_date(call: Call, found: RunSummary) -> RunSummary:
    """Return a run as it stands by the queue, if it waits for a script."""
    if found.waiting in (None, Waiting.ANSWER):
        return found
    queue = await queue_of(call.backend, found.run.conversation_id)
    state = next((each.state for each in queue if each.run_id == found.run.id and each.awaited), None)
    return found if state is None else replace(found, waiting=Waiting.for_script(state))


def json_response(value: object) -> Response:
    """Return a value as JSON that people can read."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return Response(text.encode("utf-8", "replace"), media_type="application/json")
