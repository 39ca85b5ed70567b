"""Conversations: send a message, rename, delete, restore."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from starlette.responses import HTMLResponse, Response

from ..arranging import CanArchive, CanPin
from ..backend import CanBranch, CanDelete, CanRename
from ..errors import BodyTooLarge, BodyTooSlow, ChatError, NotFound
from ..files import File
from ..fragments.composer import composer_actions
from ..fragments.controls import submission_field
from ..fragments.conversation import rename_form, title_heading
from ..fragments.history.menus import undo, undo_several
from ..fragments.turns.transcript import run_view, status_text, turn
from ..html import render, tag
from ..live.patches import Patch, say, swap
from ..models import Run, Transcript, Turn
from ..state_words import titled
from .call import CHANGED, Call, Gone, endpoint, patches_response, see_other
from .drawing import drawn
from .form import usable_text
from .listing import draw_history, load_history
from .pages import close_sides, conversation_page, conversation_room, new_submission
from .posting import Message, read_message
from .queue import transcript_queue
from .reconcile import in_words, last_turn, refused, whats_new

_MAX_TITLE = 200


@endpoint
async def start(call: Call) -> Response:
    """The first message: makes a conversation."""
    message = Message()
    try:
        message = await read_message(call)
        run = await _start(call, message)
    except ChatError as error:
        if call.fragment or isinstance(error, BodyTooLarge | BodyTooSlow):
            raise
        return await _typed_page(call, None, message, error)
    if not call.fragment:
        return see_other(call.urls.conversation(run.conversation_id, run.id))
    transcript = await call.backend.load_transcript(run.conversation_id)
    queue = await transcript_queue(call, transcript)
    branching = run.conversation_id if call.backend.can(CanBranch) else ""
    context = replace(await drawn(call, transcript.turns), queue=queue, branching=branching)
    patches = [swap(conversation_room(call, transcript, context)), *close_sides(call, transcript.conversation)]
    view = run_view(transcript.turns[-1])
    if view.last_seq is not None:
        # The stream begins after what the page shows, so it will not say this.
        patches.append(say(status_text(view)))
    return patches_response(patches, {**CHANGED, "HX-Push-Url": call.urls.conversation(run.conversation_id)})


@endpoint
async def send(call: Call) -> Response:
    """A message in a conversation."""
    message = Message()
    try:
        message = await read_message(call)
        run = await _start(call, message)
    except ChatError as error:
        if isinstance(error, BodyTooLarge | BodyTooSlow):
            raise
        if call.fragment:
            return await refused(call, error)
        try:
            transcript = await call.transcript()
        except Gone:
            raise
        except ChatError:
            # What was written outlives a backend that is down: it is better shown without the turns than lost.
            shown = Transcript(await call.conversation())
            return await _typed_page(call, shown, message, error)
        return await _typed_page(call, transcript, message, in_words(error, transcript))
    return await sent(call, run, call.usable(message.text, empty=True), message.files)


async def _typed_page(call: Call, transcript: Transcript | None, message: Message, error: ChatError) -> Response:
    """Return the page that still holds a message that was refused."""
    text, drafts, agent = message.text, message.files, message.agent
    return await conversation_page(call, transcript, text=text, drafts=drafts, agent=agent, error=error)


async def _start(call: Call, message: Message) -> Run:
    if message.error is not None:
        raise message.error
    return await call.start_run(message.text, message.submission, message.files, message.agent)


@endpoint
async def ask_title(call: Call) -> Response:
    """The form that renames a conversation, in place of its title."""
    call.backend.require(CanRename)
    if call.fragment and call.htmx.target != "conversation":
        return HTMLResponse(render(rename_form(urls=call.urls, conversation=await call.conversation())))
    transcript = await call.transcript()
    form = rename_form(urls=call.urls, conversation=transcript.conversation)
    return await conversation_page(call, transcript, heading=form)


@endpoint
async def rename(call: Call) -> Response:
    """Set a conversation's title."""
    call.backend.require(CanRename)
    conversation = await call.conversation()
    title = " ".join((await call.field("title")).split())
    title = usable_text(title, _MAX_TITLE)
    await call.backend.rename_conversation(conversation.id, title)
    if not call.fragment:
        return see_other(call.urls.conversation(conversation.id))
    heading = title_heading(replace(conversation, title=title))
    whole = titled(f"{title} · {call.chat.settings.title}", conversation.state)
    return HTMLResponse(render(tag("title")(whole), heading), headers=CHANGED)


@endpoint
async def pin(call: Call) -> Response:
    """Pin a conversation, or end its pin: `pinned` is yes or no."""
    call.backend.require(CanPin)
    conversation = await call.conversation()
    pinned = (await call.field("pinned")) == "yes"
    await call.backend.pin_conversation(conversation.id, pinned)
    if not call.fragment:
        return see_other(call.urls.conversation(conversation.id))
    return patches_response([say("Pinned." if pinned else "No longer pinned.")], CHANGED)


@endpoint
async def archive(call: Call) -> Response:
    """Archive a conversation, or bring it back into the list: `archived` is yes or no."""
    call.backend.require(CanArchive)
    conversation = await call.conversation()
    archived = (await call.field("archived")) == "yes"
    await call.backend.archive_conversation(conversation.id, archived)
    if not call.fragment:
        return see_other(call.urls.conversation(conversation.id))
    words = "Conversation archived." if archived else "Conversation back in the list."
    offer = render(undo_several(call.urls, [conversation.id], "unarchive", words)) if archived else ""
    said = say(f"{words} You can undo this." if archived else words)
    return patches_response([Patch("#undo", "innerHTML", offer), said], CHANGED)


@endpoint
async def delete(call: Call) -> Response:
    """Delete a conversation, and offer to restore it."""
    call.backend.require(CanDelete)
    conversation = await call.conversation()
    # Another one is open, and stays so.
    stays = call.fragment and "content-type" in call.request.headers and "stay" in await call.form()
    await call.backend.delete_conversation(conversation.id)
    if not call.fragment:
        return see_other(call.urls.home(deleted=conversation.id))
    said = say(f"{call.chat.deletion_notice} You can undo this.")
    if stays:
        offer = render(undo(call.urls, conversation.id, call.chat.deletion_notice))
        return patches_response([Patch("#undo", "innerHTML", offer), said], CHANGED)
    history = draw_history(call, *await load_history(call), deleted=conversation.id)
    patches = [swap(conversation_room(call, None)), *close_sides(call, None), swap(history), said]
    return patches_response(patches, {"HX-Push-Url": call.urls.home()})


@endpoint
async def restore(call: Call) -> Response:
    """Undo a deletion. A deleted conversation is hidden from the door, so the backend checks whose it was."""
    call.backend.require(CanDelete)
    id = call.request.path_params["deleted"]
    try:
        await call.backend.restore_conversation(id)
    except NotFound:
        # One that was restored before, from another page or by a second press, is there.
        if (await call.backend.get_conversation(id)).user_id != (await call.backend.account()).id:
            raise
    if not call.fragment:
        return see_other(call.urls.conversation(id))
    return Response(headers={"HX-Location": call.urls.conversation(id)})


async def sent(call: Call, run: Run, text: str, files: tuple[File, ...] = ()) -> Response:
    """Return the page with a message that was sent, the beginning of its answer, and whatever else it lacks."""
    if not call.fragment:
        return see_other(call.urls.conversation(run.conversation_id, run.id))
    if (shown := last_turn(call)) is not None:
        with suppress(ChatError):
            transcript = await call.transcript()
            if any(each.id == run.id for each in transcript.turns):
                return patches_response([*await whats_new(call, transcript, shown), *accepted()], CHANGED)
    question = Turn(run.turn_id, "user", text, run.created_at, files=files)
    html = render(turn(question, call.turn_context), turn(answer_turn(run), call.turn_context))
    return patches_response([Patch("#turns", "beforeend", html), *started(call, run)], CHANGED)


def answer_turn(run: Run) -> Turn:
    """Return the assistant's turn of a run that has only begun."""
    return Turn(run.id, "assistant", "", run.created_at, run)


def started(call: Call, run: Run) -> list[Patch]:
    """Return what else changes on the page when a run begins."""
    actions = composer_actions(urls=call.urls, live_run_id=run.id)
    return [
        swap(actions),
        *accepted(),
    ]


def accepted() -> list[Patch]:
    """Return what readies the composer for another message."""
    return [
        Patch("#composer-error", "innerHTML"),
        Patch("#composer > [name=submission]", "outerHTML", render(submission_field(new_submission()))),
    ]
