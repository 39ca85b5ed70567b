"""The history: the list of conversations and that of archived ones, searched, paged, and with several selected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import unquote

from starlette.responses import HTMLResponse, Response

from ..arranging import CanArchive, CanPin
from ..backend import CanDelete
from ..errors import BadRequest, NotFound
from ..fragments.history.menus import undo_several
from ..fragments.history.rows import history_items, history_list, unloaded_history
from ..fragments.shell import page
from ..html import render
from ..live.patches import Patch, say, swap
from ..text.phrases import count
from .call import CHANGED, IN_PLACE, Call, endpoint, owned, patches_response, see_other
from .form import read_pairs
from .listing import draw_history, list_actions, load_history
from .pages import close_sides, conversation_room, refresh, runner, sides

_MOST_SELECTED = 250


@endpoint
async def show(call: Call) -> Response:
    """The history as a page; to htmx the list alone, or the stretch that a cursor asks for.

    `?view=archived` has the archived conversations, and `?select=yes` lets several be selected.
    """
    params = call.request.query_params
    query, cursor = params.get("q", "").strip()[:200], params.get("cursor")
    archived = params.get("view") == "archived" and call.backend.can(CanArchive)
    actions, select = list_actions(call), params.get("select") == "yes"
    found, failure = await load_history(call, query=query, cursor=cursor, archived=archived)
    status = failure.status if failure else 200
    if call.fragment:
        now = datetime.now(UTC)
        sentence = str(failure) if failure else None
        if cursor and sentence:
            older = unloaded_history(call.urls, sentence, query=query, cursor=cursor, archived=archived)
            return HTMLResponse(render(older), status, IN_PLACE)
        if cursor:
            more = history_items(
                found,
                urls=call.urls,
                now=now,
                zone=call.zone,
                query=query,
                menus=actions.any,
                archived=archived,
                select=select and actions.several,
            )
            return HTMLResponse(render(more))
        items = history_list(
            found,
            urls=call.urls,
            now=now,
            zone=call.zone,
            query=query,
            current=_open(call),
            failure=sentence,
            actions=actions,
            archived=archived,
            select=select,
        )
        return HTMLResponse(render(items), status)
    title = call.chat.settings.title
    open_id = _open(call)
    document = page(
        urls=call.urls,
        frame=call.chat.frame(call.urls, call.user),
        title=f"{'Archived' if archived else 'Conversations'} · {title}",
        history=draw_history(call, found, failure, query=query, archived=archived, select=select),
        conversation=conversation_room(call, None),
        current_url=call.urls.conversation(open_id) if open_id else call.urls.home(),
        sides=sides(call, None),
        runner=runner(call),
        refresh=refresh(call),
        widths=call.widths,
        room="history",
    )
    return HTMLResponse(document, status)


@endpoint
async def change(call: Call) -> Response:
    """Do something with several conversations. What has gone meanwhile is left out."""
    fields = await read_pairs(call.request, _MOST_SELECTED)
    said = dict(fields)
    ids = dict.fromkeys(value for name, value in fields if name == "conversation")
    act = _action(call, said.get("action", ""))
    done: list[str] = []
    for id in ids:
        if len(id) <= 200 and id.isprintable():
            with suppress(NotFound):
                await act(id)
                done.append(id)
    archived = said.get("view") == "archived"
    if not call.fragment:
        return see_other(call.urls.history(archived=archived))
    return patches_response(*_told(call, said.get("action", ""), done, said.get("open", "")))


def _action(call: Call, name: str) -> Callable[[str], Awaitable[object]]:
    """Return what an action does with one conversation.

    Raises:
        BadRequest: There is no such action.
        NotAllowed: The backend cannot do it.
    """
    backend = call.backend

    async def pin(id: str, pinned: bool = True) -> None:
        await backend.pin_conversation((await owned(backend, backend.get_conversation(id))).id, pinned)

    async def archive(id: str, archived: bool = True) -> None:
        await backend.archive_conversation((await owned(backend, backend.get_conversation(id))).id, archived)

    async def delete(id: str) -> None:
        await backend.delete_conversation((await owned(backend, backend.get_conversation(id))).id)

    # What is deleted is hidden from the door, so the backend checks whose it was.
    actions: dict[str, tuple[type, Callable[[str], Awaitable[object]]]] = {
        "pin": (CanPin, pin),
        "unpin": (CanPin, lambda id: pin(id, False)),
        "archive": (CanArchive, archive),
        "unarchive": (CanArchive, lambda id: archive(id, False)),
        "delete": (CanDelete, delete),
        "restore": (CanDelete, backend.restore_conversation),
    }
    if name not in actions:
        raise BadRequest("The form does not say what to do with the conversations.")
    ability, act = actions[name]
    backend.require(ability)
    return act


_DONE = {
    "pin": "pinned",
    "unpin": "no longer pinned",
    "archive": "archived",
    "unarchive": "back in the list",
    "delete": "deleted",
    "restore": "restored",
}
_UNDONE_BY = {"pin": "unpin", "archive": "unarchive", "delete": "restore"}


def _told(call: Call, action: str, done: list[str], open_id: str) -> tuple[list[Patch], dict[str, str]]:
    """Return what the page says of what was done, and the way to undo it."""
    words = f"{count(len(done), 'conversation')} {_DONE[action]}."
    back = _UNDONE_BY.get(action)
    offer = render(undo_several(call.urls, done, back, words)) if back and done else ""
    patches, headers = [Patch("#undo", "innerHTML", offer)], dict(CHANGED)
    if action == "delete" and open_id in done:
        patches += [swap(conversation_room(call, None)), *close_sides(call, None)]
        headers["HX-Push-Url"] = call.urls.home()
    return [*patches, say(f"{words} You can undo this." if offer else words)], headers


def _open(call: Call) -> str | None:
    """Return the id of the conversation that the asking page shows."""
    path, _ = call.htmx.page_path
    prefix = call.urls.conversation("")
    return unquote(path.removeprefix(prefix)) if path.startswith(prefix) else None
