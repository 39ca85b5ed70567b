"""Pages, and the rooms that they are made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from starlette.responses import HTMLResponse, Response

from ..backend import CanSearch
from ..errors import ChatError, NotSignedIn
from ..fragments.composer import composer, hold
from ..fragments.conversation import conversation as conversation_fragment
from ..fragments.history import history
from ..fragments.inspector import inspector_side
from ..fragments.login import sign_out_form, sign_out_link
from ..fragments.scripts import script_runner, scripts_side
from ..fragments.shell import Side, notice, page, side_opener, side_room
from ..fragments.transcript import run_view
from ..fragments.transcript import transcript as turns
from ..html import FT, Child, render, tag
from ..models import Conversation, ConversationPage, Transcript
from ..patches import Patch, render_patches
from ..scripts.models import Script
from ..words import titled
from .call import Call, endpoint, place
from .queue import transcript_queue


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
        if call.fragment and place(call.request) != "conversation":
            raise  # only a part of the room was to change
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
    side: Side | None = None,
) -> Response:
    """Return a conversation (`None` is a new one) as a page, or as its room if htmx asks.

    Args:
        text: What the composer holds.
        error: What stands beside it.
        heading: What stands in place of the title.
        deleted: The id of a conversation that the history offers to restore.
        side: The room that is open at the side.
    """
    conversation = transcript.conversation if transcript else None
    queue = await transcript_queue(call, transcript) if transcript else ()
    room = conversation_room(call, transcript, queue=queue, text=text, error=error, heading=heading)
    return await room_page(call, conversation, room, status=error.status if error else 200, deleted=deleted, side=side)


async def unloaded_page(
    call: Call, conversation: Conversation, error: ChatError, *, side: Side | None = None
) -> Response:
    """Return the page of a conversation whose turns cannot be loaded now."""
    url = call.urls.conversation(conversation.id)
    sentence = notice(f"This conversation cannot be loaded. {error}", retry_url=url)
    room = _room(call, conversation, turns=sentence, composer=None)
    return await room_page(call, conversation, room, status=error.status, side=side)


async def room_page(
    call: Call,
    conversation: Conversation | None,
    room: Child,
    *,
    status: int = 200,
    deleted: str | None = None,
    side: Side | None = None,
) -> Response:
    """Return a conversation's room in its page; to htmx the room alone, with closed rooms at its side."""
    settings = call.chat.settings
    title = settings.title
    if conversation:
        title = titled(f"{conversation.title} · {title}", conversation.state)
    if call.fragment:
        # Another conversation comes without the sides of the one before; parts of the same leave them alone.
        whole = place(call.request) == "conversation"
        closed = render_patches(close_sides(call, conversation)) if whole else ""
        return HTMLResponse(render(tag("title")(title), room) + closed, status)
    found, failure = await load_history(call)
    if isinstance(failure, NotSignedIn) and call.request.method == "GET":
        raise failure  # the backend does not take the sign-in any more: nothing on this page would work
    list_room = draw_history(call, found, failure, current=conversation, deleted=deleted)
    document = page(
        urls=call.urls,
        frame=call.chat.frame(call.urls, call.user),
        title=title,
        history=list_room,
        conversation=room,
        current_url=call.urls.conversation(conversation.id) if conversation else call.urls.home(),
        sides=sides(call, conversation, side),
        runner=runner(call),
        # On a phone, too, what was deleted can be seen to come back.
        room="history" if deleted else side.name if side else "conversation",
    )
    return HTMLResponse(document, status)


def sides(call: Call, conversation: Conversation | None, opened: Side | None = None) -> list[Side]:
    """Return the rooms at the side of a conversation; all but `opened` are closed."""
    closed = [inspector_side(call.urls, conversation)] if call.can_inspect else []
    if call.chat.can_run_scripts:
        closed.append(scripts_side(call.urls, conversation))
    return [opened if opened and opened.name == each.name else each for each in closed]


def runner(call: Call) -> FT | None:
    """Return the element that runs scripts."""
    scripts = call.chat.scripts
    return script_runner(call.urls, scripts, limit=call.chat.settings.limits.result) if scripts else None


def close_sides(call: Call, conversation: Conversation | None) -> list[Patch]:
    """Return what closes the rooms at the side of what was shown before `conversation`."""
    return [Patch(f"#{each.name}", "outerHTML", render(side_room(each))) for each in sides(call, conversation)]


def conversation_room(
    call: Call,
    transcript: Transcript | None,
    *,
    queue: tuple[Script, ...] = (),
    text: str = "",
    error: ChatError | None = None,
    heading: Child = None,
) -> FT:
    """Return the room of a conversation; `None` is a new one. `queue` has its scripts."""
    conversation = transcript.conversation if transcript else None
    live = transcript.live_turn if transcript else None
    refreshing = transcript is not None and transcript.refreshing
    return _room(
        call,
        conversation,
        turns=turns(transcript, replace(call.turn_context, queue=queue)) if transcript else None,
        composer=composer(
            urls=call.urls,
            conversation_id=conversation.id if conversation else None,
            live_run_id=live.id if live else None,
            hold=hold(run_view(live)) if live else None,
            text=text,
            error=str(error) if error else None,
            limit=call.chat.settings.limits.text,
            user_key=call.user.id,
            submission=new_submission(),
            refresh_url=call.urls.conversation(conversation.id) if conversation and refreshing else None,
        ),
        heading=heading,
    )


def _room(call: Call, conversation: Conversation | None, *, turns: Child, composer: Child, heading: Child = None) -> FT:
    settings = call.chat.settings
    return conversation_fragment(
        urls=call.urls,
        conversation=conversation,
        turns=turns,
        composer=composer,
        heading=heading,
        can_rename=call.chat.can_rename,
        can_delete=call.chat.can_delete,
        openers=[side_opener(each) for each in sides(call, conversation)],
        greeting=settings.greeting,
        introduction=settings.introduction,
        starters=settings.starters,
        empty=call.chat.empty(call.urls, call.user) if conversation is None else None,
        submission=new_submission(),
    )


def new_submission() -> str:
    """Return what a page calls the next message that it sends, so that it is taken once however often it comes."""
    return uuid4().hex


def draw_history(
    call: Call,
    found: ConversationPage,
    failure: ChatError | None,
    *,
    query: str = "",
    current: Conversation | None = None,
    deleted: str | None = None,
) -> FT:
    """Return the history with what `load_history` found, or with a sentence in place of the list."""
    return history(
        found,
        urls=call.urls,
        brand=call.chat.settings.title,
        logo=call.chat.logo(call.urls),
        query=query,
        current=current.id if current else None,
        user_name=call.user.name,
        sign_out=_sign_out(call),
        can_search=call.chat.can_search,
        deleted=deleted,
        deletion_notice=call.chat.deletion_notice,
        failure=str(failure) if failure else None,
        now=datetime.now(UTC),
        zone=call.zone,
    )


def _sign_out(call: Call) -> FT | None:
    if call.chat.login:
        return sign_out_form(urls=call.urls)
    url = call.chat.settings.logout_url
    return sign_out_link(call.urls.at_host(url)) if url else None


async def load_history(
    call: Call, *, query: str = "", cursor: str | None = None, limit: int = 30
) -> tuple[ConversationPage, ChatError | None]:
    """Return a stretch of the user's conversations, and what went wrong instead."""
    chat = call.chat
    try:
        if query and isinstance(chat.backend, CanSearch):
            return await chat.ask(chat.backend.search_conversations(call.user, query, limit=limit, cursor=cursor)), None
        return await chat.ask(chat.backend.list_conversations(call.user, limit=limit, cursor=cursor)), None
    except ChatError as error:
        return ConversationPage(()), error
