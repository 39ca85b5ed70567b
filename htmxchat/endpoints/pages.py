"""Whole pages, and their rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import anyio
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ..archive import CanExport
from ..arranging import CanArchive, CanPin
from ..backend import (
    CanBranch,
    CanDelete,
    CanDeleteTurns,
    CanRename,
    KeepsScripts,
    TellsChanges,
)
from ..errors import ChatError, NotFound, NotSignedIn
from ..files import File
from ..forms.returned import Returned
from ..fragments.composer import composer, hold
from ..fragments.conversation import conversation as conversation_fragment
from ..fragments.inspector.run import inspector_side
from ..fragments.scripts.room import queue_tag, script_runner, scripts_side
from ..fragments.shell import Side, notice, page, side_opener, side_room
from ..fragments.turns.context import Editing, TurnContext
from ..fragments.turns.deletion import undo_deletion
from ..fragments.turns.transcript import run_view, turn
from ..fragments.turns.transcript import transcript as turns
from ..html import FT, Child, render, tag
from ..live.patches import Patch, render_patches, swap
from ..models import Conversation, Transcript, Turn
from ..scripts.models import Script
from ..scripts.states import queue_number
from ..state_words import titled
from .call import Call, Gone, endpoint
from .drawing import drawn
from .listing import draw_history, load_history
from .queue import transcript_queue
from .reconcile import in_words, last_agent

_GLANCE = 2.0


@endpoint
async def home(call: Call) -> Response:
    """The page before the first message."""
    return await conversation_page(call, None, deleted=call.request.query_params.get("deleted"))


@endpoint
async def show(call: Call) -> Response:
    """A conversation with its turns.

    `?edit=` says which message is being edited, `?turn=` which turn is to be seen, on whichever branch it is, and
    `?deleted=` which message can be restored.
    """
    if call.fragment and call.htmx.target.startswith("turn-"):
        return await _one_turn(call)
    # When only a part of the room was to change, the room stays.
    whole = not call.fragment or call.htmx.target == "conversation"
    wanted = call.request.query_params.get("turn")
    if wanted and whole and call.backend.can(CanBranch):
        return await _at_turn(call, wanted)
    return await loaded_page(call, whole=whole, editing=_editing(call))


async def _at_turn(call: Call, wanted: str) -> Response:
    """Show the branch of a turn, at the turn. The address is then that of the conversation, whatever is shown later."""
    error: ChatError | None = None
    transcript = await call.transcript()
    if all(each.id != wanted for each in transcript.turns):
        try:
            await call.backend.show_version(transcript.conversation.id, wanted)
            transcript = await call.transcript()
        except NotFound:
            error = NotFound("This message is not in the conversation any more.")
        except ChatError as refusal:
            error = in_words(refusal, transcript)
    address = call.urls.conversation(transcript.conversation.id, None if error else wanted)
    if not call.fragment and error is None:
        return RedirectResponse(address, status_code=303)
    response = await conversation_page(call, transcript, error=error)
    response.headers["HX-Push-Url"] = address
    return response


async def _one_turn(call: Call) -> Response:
    """The turn of a message alone, as it is or being edited."""
    shown = (await call.transcript()).turns
    wanted = call.htmx.target.removeprefix("turn-")
    found = next((each for each in shown if each.id == wanted and each.run is None), None)
    if found is None:
        raise NotFound
    return HTMLResponse(render(turn(found, replace(call.turn_context, editing=_answered_by(shown, _editing(call))))))


def _editing(call: Call) -> Editing | None:
    turn_id = call.request.query_params.get("edit")
    return editing(call, turn_id) if turn_id and call.backend.can(CanBranch) else None


def editing(call: Call, turn_id: str) -> Editing:
    """Return what the form needs that edits a message."""
    limit, files = call.chat.settings.limits.text, call.chat.files
    return Editing(turn_id, submission=new_submission(), limit=limit, user_key=call.user.id, takes=files)


def _answered_by(shown: Sequence[Turn], editing: Editing | None) -> Editing | None:
    """Return what the form needs with the agent that answered the message, unless another one was chosen."""
    if editing is None or editing.agent:
        return editing
    answers = (run for before, run in pairwise(shown) if before.id == editing.turn_id)
    return replace(editing, agent=next((each.run.agent for each in answers if each.run), ""))


async def loaded_page(
    call: Call,
    *,
    side: Side | None = None,
    queue: tuple[Script, ...] | None = None,
    whole: bool = True,
    editing: Editing | None = None,
) -> Response:
    """Return the page of the call's conversation, or one that says why its turns cannot be loaded now.

    Args:
        side: The room that is open at the side.
        queue: The conversation's scripts, where they were read already.
        whole: Whether all of the room changes.
        editing: The message that is being edited.

    Raises:
        Gone: There is no such conversation.
        ChatError: Not even its title can be loaded; or `whole` is off, and then it is why its turns cannot.
    """
    try:
        transcript = await call.transcript()
    except Gone:
        raise
    except ChatError as error:
        if not whole:
            raise
        return await _unloaded_page(call, error, side)
    return await conversation_page(call, transcript, side=side, queue=queue, editing=editing)


async def conversation_page(
    call: Call,
    transcript: Transcript | None,
    *,
    text: str = "",
    drafts: tuple[File, ...] = (),
    agent: str = "",
    error: ChatError | None = None,
    heading: Child = None,
    deleted: str | None = None,
    side: Side | None = None,
    queue: tuple[Script, ...] | None = None,
    editing: Editing | None = None,
    returned: Returned | None = None,
) -> Response:
    """Return a conversation (`None` is a new one) as a page, or as its room if htmx asks.

    Args:
        text: What the composer holds.
        drafts: The files that it holds.
        agent: The agent that was chosen in it.
        error: What stands beside it.
        heading: What stands in place of the title.
        deleted: The id of a conversation that the history offers to restore.
        side: The room that is open at the side.
        queue: Its scripts, where they were read already.
        editing: The message that is being edited.
        returned: An answer that could not be taken, to be corrected.
    """
    conversation = transcript.conversation if transcript else None
    context = None
    if transcript is not None:
        queue = await transcript_queue(call, transcript) if queue is None else queue
        drawn_with = await drawn(call, transcript.turns)
        edited = _answered_by(transcript.turns, editing)
        context = replace(drawn_with, queue=queue, returned=returned, editing=edited)
    room = conversation_room(
        call, transcript, context, text=text, drafts=drafts, agent=agent, error=error, heading=heading
    )
    status = error.status if error else 422 if returned else 200
    return await room_page(call, conversation, room, status=status, deleted=deleted, side=side, queue=queue or ())


async def _unloaded_page(call: Call, error: ChatError, side: Side | None) -> Response:
    try:
        # A backend that has taken all its time for the turns is not waited for as long again.
        with anyio.fail_after(_GLANCE):
            conversation = await call.conversation()
    except TimeoutError:
        raise error from None
    sentence = notice(f"This conversation cannot be loaded. {error}", retry_url=call.urls.conversation(conversation.id))
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
    queue: tuple[Script, ...] = (),
) -> Response:
    """Return a conversation's room in its page; to htmx the room alone, with closed rooms at its side."""
    settings = call.chat.settings
    title = settings.title
    if conversation:
        title = titled(f"{conversation.title} · {title}", conversation.state)
    if call.fragment:
        # Another conversation comes without the sides of the one before; parts of the same leave them alone.
        whole = call.htmx.target == "conversation"
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
        runner=runner(call, queue_tag(conversation, queue_number(queue)) if conversation and queue else None),
        refresh=refresh(call),
        widths=call.widths,
        # On a phone, too, what was deleted can be seen to come back.
        room="history" if deleted else side.name if side else "conversation",
    )
    return HTMLResponse(document, status)


def sides(call: Call, conversation: Conversation | None, opened: Side | None = None) -> list[Side]:
    """Return the rooms at the side of a conversation; all but `opened` are closed."""
    closed = [inspector_side(call.urls, conversation)] if call.can_inspect else []
    if call.backend.can(KeepsScripts):
        closed.append(scripts_side(call.urls, conversation))
    return [opened if opened and opened.name == each.name else each for each in closed]


def runner(call: Call, queue: str | None = None) -> FT | None:
    """Return the element that runs scripts; `queue` is the tag of the one that it is to look at."""
    scripts, limit = call.chat.scripts, call.chat.settings.limits.result
    return script_runner(call.urls, scripts, limit=limit, queue=queue) if scripts else None


def refresh(call: Call) -> float | None:
    """Return how often a page asks what others have changed, in seconds; `None` when that would cost too much."""
    return 2 * call.chat.settings.limits.poll_interval if call.backend.can(TellsChanges) else None


def close_sides(call: Call, conversation: Conversation | None) -> list[Patch]:
    """Return what closes the rooms at the side of what was shown before `conversation`."""
    return [swap(side_room(each)) for each in sides(call, conversation)]


def conversation_room(
    call: Call,
    transcript: Transcript | None,
    context: TurnContext | None = None,
    *,
    text: str = "",
    drafts: tuple[File, ...] = (),
    agent: str = "",
    error: ChatError | None = None,
    heading: Child = None,
) -> FT:
    """Return the room of a conversation; `None` is a new one. Its turns are rendered with `context`."""
    conversation = transcript.conversation if transcript else None
    live = transcript.live_turn if transcript else None
    refreshing = transcript is not None and transcript.refreshing
    return _room(
        call,
        conversation,
        turns=turns(transcript, context or call.turn_context) if transcript else None,
        revision=transcript.revision if transcript else 0,
        feedback=transcript.feedback if transcript else 0,
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
            files=call.chat.files,
            drafts=drafts,
            refresh_url=call.urls.conversation(conversation.id) if conversation and refreshing else None,
            agents=call.chat.agents,
            agent=agent or (last_agent(transcript) if transcript else ""),
        ),
        heading=heading,
    )


def _room(
    call: Call,
    conversation: Conversation | None,
    *,
    turns: Child,
    composer: Child,
    heading: Child = None,
    revision: int = 0,
    feedback: int = 0,
) -> FT:
    settings = call.chat.settings
    deleted = call.request.query_params.get("deleted") if conversation and call.backend.can(CanDeleteTurns) else None
    return conversation_fragment(
        urls=call.urls,
        conversation=conversation,
        turns=turns,
        composer=composer,
        heading=heading,
        can_rename=call.backend.can(CanRename),
        can_delete=call.backend.can(CanDelete),
        can_pin=call.backend.can(CanPin),
        can_archive=call.backend.can(CanArchive),
        exports=exports(call),
        openers=[side_opener(each) for each in sides(call, conversation)],
        greeting=settings.look.greeting,
        introduction=settings.look.introduction,
        starters=settings.starters,
        empty=call.chat.empty(call.urls, call.user) if conversation is None else None,
        submission=new_submission(),
        revision=revision,
        feedback=feedback,
        undo=undo_deletion(call.urls, conversation.id, deleted) if conversation and deleted else None,
    )


def exports(call: Call) -> tuple[str, ...]:
    """Return how a conversation can be taken along: the kinds of files, and `share`."""
    share, whole = call.chat.share is not None, call.backend.can(CanExport)
    return *(["share"] if share else []), "md", "html", *(["json"] if whole else [])


def new_submission() -> str:
    """Return what a page calls the next message that it sends, so that it is taken once however often it comes."""
    return uuid4().hex
