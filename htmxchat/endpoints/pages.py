"""Pages, and the rooms that they are made of."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from starlette.responses import HTMLResponse, Response

from ..backend import CanSearch
from ..errors import ChatError
from ..fragments.composer import composer
from ..fragments.conversation import conversation as conversation_fragment
from ..fragments.history import history
from ..fragments.shell import notice, page
from ..fragments.transcript import transcript as turns
from ..html import FT, Child, render, tag
from ..models import Conversation, ConversationPage, Transcript
from .call import Call, endpoint

_log = logging.getLogger("htmxchat")


@endpoint
async def home(call: Call) -> Response:
    """The page before the first message."""
    return await conversation_page(call, None, deleted=call.request.query_params.get("deleted"))


@endpoint
async def show(call: Call) -> Response:
    """A conversation with its turns."""
    try:
        transcript = await call.chat.ask(call.chat.backend.load_transcript(call.user, call.conversation.id))
    except ChatError as error:
        return await unloaded_page(call, call.conversation, error)
    return await conversation_page(call, transcript)


async def conversation_page(
    call: Call,
    transcript: Transcript | None,
    *,
    text: str = "",
    error: ChatError | None = None,
    heading: Child = None,
    deleted: str | None = None,
) -> Response:
    """Return a conversation (`None` is a new one) as a page, or as its room if htmx asks.

    Args:
        text: What the composer holds.
        error: What stands beside it.
        heading: What stands in place of the title.
        deleted: The id of a conversation that the history offers to restore.
    """
    conversation = transcript.conversation if transcript else None
    room = conversation_room(call, transcript, text=text, error=error, heading=heading)
    return await room_page(call, conversation, room, status=error.status if error else 200, deleted=deleted)


async def unloaded_page(call: Call, conversation: Conversation, error: ChatError) -> Response:
    """Return the page of a conversation whose turns cannot be loaded now."""
    url = call.urls.conversation(conversation.id)
    sentence = notice(f"This conversation cannot be loaded. {error}", retry_url=url)
    room = _room(call, conversation, turns=sentence, composer=None)
    return await room_page(call, conversation, room, status=error.status)


async def room_page(
    call: Call,
    conversation: Conversation | None,
    room: Child,
    *,
    status: int = 200,
    deleted: str | None = None,
) -> Response:
    """Return a conversation's room in its page, or alone if htmx asks."""
    settings = call.chat.settings
    title = f"{conversation.title} · {settings.title}" if conversation else settings.title
    if call.fragment:
        return HTMLResponse(render(tag("title")(title), room), status)
    side = await history_room(call, current=conversation, deleted=deleted)
    document = page(
        urls=call.urls,
        title=title,
        history=side,
        conversation=room,
        current_url=call.urls.conversation(conversation.id) if conversation else call.urls.home(),
        # On a phone, too, what was deleted can be seen to come back.
        room="history" if deleted else "conversation",
        stylesheets=settings.stylesheets,
    )
    return HTMLResponse(document, status)


def conversation_room(
    call: Call,
    transcript: Transcript | None,
    *,
    text: str = "",
    error: ChatError | None = None,
    heading: Child = None,
) -> FT:
    """Return the room of a conversation; `None` is a new one."""
    conversation = transcript.conversation if transcript else None
    live_run = transcript.live_run if transcript else None
    return _room(
        call,
        conversation,
        turns=turns(transcript, call.turn_context) if transcript else None,
        composer=composer(
            urls=call.urls,
            conversation_id=conversation.id if conversation else None,
            live_run_id=live_run.id if live_run else None,
            text=text,
            error=str(error) if error else None,
            limit=call.chat.settings.limits.text,
            user_key=call.user.id,
            refresh_url=call.urls.conversation(transcript.conversation.id)
            if transcript and transcript.refreshing
            else None,
        ),
        heading=heading,
    )


def _room(
    call: Call, conversation: Conversation | None, *, turns: Child, composer: Child, heading: Child = None
) -> FT:
    settings = call.chat.settings
    return conversation_fragment(
        urls=call.urls,
        conversation=conversation,
        turns=turns,
        composer=composer,
        heading=heading,
        can_rename=call.chat.can_rename,
        can_delete=call.chat.can_delete,
        greeting=settings.greeting,
        introduction=settings.introduction,
        starters=settings.starters,
    )


async def history_room(
    call: Call,
    *,
    query: str = "",
    cursor: str | None = None,
    current: Conversation | None = None,
    deleted: str | None = None,
) -> FT:
    """Return the history; when the backend fails, with a sentence in place of the list."""
    found, failure = await load_history(call, query=query, cursor=cursor)
    return draw_history(call, found, failure, query=query, current=current, deleted=deleted)


def draw_history(
    call: Call,
    found: ConversationPage,
    failure: ChatError | None,
    *,
    query: str = "",
    current: Conversation | None = None,
    deleted: str | None = None,
) -> FT:
    """Return the history with what `load_history` found."""
    return history(
        found,
        urls=call.urls,
        brand=call.chat.settings.title,
        query=query,
        current=current.id if current else None,
        user_name=call.user.name,
        sign_out_url=call.urls.logout() if call.chat.login else None,
        can_search=call.chat.can_search,
        deleted=deleted,
        failure=str(failure) if failure else None,
        now=datetime.now(UTC),
    )


async def load_history(
    call: Call, *, query: str, cursor: str | None, limit: int = 30
) -> tuple[ConversationPage, ChatError | None]:
    """Return a stretch of the user's conversations, and what went wrong instead."""
    chat = call.chat
    try:
        if query and isinstance(chat.backend, CanSearch):
            return await chat.ask(chat.backend.search_conversations(call.user, query, limit=limit, cursor=cursor)), None
        return await chat.ask(chat.backend.list_conversations(call.user, limit=limit, cursor=cursor)), None
    except ChatError as error:
        return ConversationPage(()), error
