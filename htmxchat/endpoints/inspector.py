"""The inspector: a conversation's runs, and what happened in one."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from ..errors import ChatError
from ..fragments.inspector import inspector_side, run_list, run_room
from ..fragments.shell import Side, side_room
from ..html import render
from ..models import Conversation
from .call import Call, endpoint
from .conversations import see_other
from .pages import conversation_page, unloaded_page


@endpoint
async def show(call: Call) -> Response:
    """A run, beside its conversation."""
    chat = call.chat
    conversation = await chat.ask(chat.backend.get_conversation(call.user, call.run.conversation_id))
    content, url = run_room(call.urls, call.run), call.urls.run(call.run.id)
    return await _beside(call, conversation, inspector_side(call.urls, conversation, content, url=url))


@endpoint
async def runs(call: Call) -> Response:
    """The runs of a conversation, the latest first."""
    transcript = await call.chat.ask(call.chat.backend.load_transcript(call.user, call.conversation.id))
    found = [turn.run for turn in reversed(transcript.turns) if turn.run is not None]
    content = run_list(call.urls, call.conversation, found)
    return await _beside(call, call.conversation, inspector_side(call.urls, call.conversation, content))


@endpoint
async def find(call: Call) -> Response:
    """Where a run is looked up by its id, `?id=`."""
    id = call.request.query_params.get("id", "").strip()
    if id:
        return see_other(call.urls.run(id))
    side = inspector_side(call.urls, None, run_list(call.urls, None, []))
    if call.fragment:
        return HTMLResponse(render(side_room(side)))
    return await conversation_page(call, None, side=side)


async def _beside(call: Call, conversation: Conversation, side: Side) -> Response:
    """Return a side with its conversation, or alone if htmx asks."""
    if call.fragment:
        return HTMLResponse(render(side_room(side)))
    try:
        transcript = await call.chat.ask(call.chat.backend.load_transcript(call.user, conversation.id))
    except ChatError as error:
        return await unloaded_page(call, conversation, error, side=side)
    return await conversation_page(call, transcript, side=side)
