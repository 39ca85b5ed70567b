"""The history: the list of conversations, searched and paged."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote

from starlette.responses import HTMLResponse, Response

from ..backend import CanDelete, CanRename
from ..fragments.history import history_items, history_list, unloaded_history
from ..fragments.shell import page
from ..html import render
from .call import IN_PLACE, Call, endpoint
from .pages import conversation_room, draw_history, load_history, refresh, runner, sides


@endpoint
async def show(call: Call) -> Response:
    """The history as a page; to htmx the list alone, or the stretch that a cursor asks for."""
    params = call.request.query_params
    query, cursor = params.get("q", "").strip()[:200], params.get("cursor")
    found, failure = await load_history(call, query=query, cursor=cursor)
    status = failure.status if failure else 200
    if call.fragment:
        now = datetime.now(UTC)
        sentence = str(failure) if failure else None
        menus = call.backend.can(CanRename) or call.backend.can(CanDelete)
        if cursor and sentence:
            older = unloaded_history(call.urls, sentence, query=query, cursor=cursor)
            return HTMLResponse(render(older), status, IN_PLACE)
        if cursor:
            more = history_items(found, urls=call.urls, now=now, zone=call.zone, query=query, menus=menus)
            return HTMLResponse(render(more))
        items = history_list(
            found,
            urls=call.urls,
            now=now,
            zone=call.zone,
            query=query,
            current=_open(call),
            failure=sentence,
            menus=menus,
        )
        return HTMLResponse(render(items), status)
    title = call.chat.settings.title
    open_id = _open(call)
    document = page(
        urls=call.urls,
        frame=call.chat.frame(call.urls, call.user),
        title=f"Conversations · {title}",
        history=draw_history(call, found, failure, query=query),
        conversation=conversation_room(call, None),
        current_url=call.urls.conversation(open_id) if open_id else call.urls.home(),
        sides=sides(call, None),
        runner=runner(call),
        refresh=refresh(call),
        room="history",
    )
    return HTMLResponse(document, status)


def _open(call: Call) -> str | None:
    """Return the id of the conversation that the asking page shows."""
    path, _ = call.htmx.page_path
    prefix = call.urls.conversation("")
    return unquote(path.removeprefix(prefix)) if path.startswith(prefix) else None
