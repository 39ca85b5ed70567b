"""Branches of a conversation: edit a message in its place, show another version of a turn, delete a turn."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from starlette.responses import Response

from ..backend import CanBranch, CanDeleteTurns
from ..errors import BodyTooLarge, BodyTooSlow, ChatError, NotFound
from ..fragments.turns.deletion import undo_deletion
from ..html import Child, render
from ..live.patches import Patch, say
from ..models import Run, Transcript
from .call import BEGUN, CHANGED, Call, Gone, endpoint, owned, patches_response, see_other
from .pages import conversation_page, editing
from .posting import Message, read_message
from .reconcile import Fork, in_words, refused, whats_new

_TOO_LATE = "It is too late to bring this back, or what it followed was deleted too."


@endpoint
async def edit(call: Call) -> Response:
    """Answer a message in other words, on a branch of its own."""
    await _require_branches(call)
    turn_id = call.request.path_params["turn"]
    message = Message()
    try:
        message = await read_message(call)
        run = await _edit(call, turn_id, message)
    except ChatError as error:
        if isinstance(error, BodyTooLarge | BodyTooSlow):
            raise
        if call.fragment:
            return await refused(call, error, place="edit-error")
        transcript = await call.transcript()
        said = str(in_words(error, transcript))
        page = await conversation_page(
            call,
            transcript,
            editing=replace(
                editing(call, turn_id),
                text=message.text,
                error=said,
                files=message.files if message.names_files else None,
                agent=message.agent,
            ),
        )
        page.status_code = error.status
        return page
    if not call.fragment:
        return see_other(call.urls.conversation(run.conversation_id, run.turn_id))
    return await branched(call, turn_id, {**BEGUN, "HX-Replace-Url": call.urls.conversation(run.conversation_id)})


async def _edit(call: Call, turn_id: str, message: Message) -> Run:
    if message.error is not None:
        raise message.error
    chosen = message.files if message.names_files and call.chat.files else None
    text = call.usable(message.text, empty=bool(chosen))
    ids = None if chosen is None else [file.id for file in chosen]
    begun = call.backend.edit_turn(call.conversation_id, turn_id, text, message.submission, ids, message.agent)
    return await owned(call.backend, begun)


@endpoint
async def show(call: Call) -> Response:
    """Show another version of a turn, with the branch that it is on."""
    await _require_branches(call)
    form = await call.form()
    version, shown, group = (form.get(name, "") for name in ("version", "shown", "group"))
    try:
        await call.backend.show_version(call.conversation_id, version)
    except Gone:
        raise
    except ChatError as error:
        if call.fragment:
            return await refused(call, error, place=f"versions-said-{group if group.isalnum() else ''}")
        return await _refused(call, error)
    if not call.fragment:
        return see_other(call.urls.conversation(call.conversation_id, version))
    return await branched(call, shown, CHANGED)


async def _require_branches(call: Call, ability: type = CanBranch) -> None:
    """Refuse what a backend without branches cannot do, to those whose conversation it is."""
    if not call.backend.can(ability):
        await call.conversation()
        call.backend.require(ability)


async def branched(call: Call, shown: str, headers: dict[str, str]) -> Response:
    """Return what a page shows from the place of one of its turns on, where another version stands now."""
    transcript = await call.transcript()
    place = next((index for index, each in enumerate(transcript.turns) if shown in each.versions), None)
    said = None
    if place is not None and transcript.live_run is None:
        now = transcript.turns[place]
        said = f"Version {now.versions.index(now.id) + 1} of {len(now.versions)}."
    return await _changed(call, transcript, None if place is None else Fork(shown, place), headers, said)


@endpoint
async def delete(call: Call) -> Response:
    """Delete a message with all that follows it, and offer to restore it."""
    await _require_branches(call, CanDeleteTurns)
    turn_id = call.request.path_params["turn"]
    before = await call.transcript()
    place = next((index for index, each in enumerate(before.turns) if each.id == turn_id), None)
    try:
        await call.backend.delete_turn(call.conversation_id, turn_id)
    except ChatError as error:
        return await _refused(call, error)
    if not call.fragment:
        return see_other(call.urls.conversation(call.conversation_id, deleted=turn_id))
    undo = undo_deletion(call.urls, call.conversation_id, turn_id, before.turns[-1].id if before.turns else "")
    fork = None if place is None else Fork(turn_id, place)
    return await _changed(call, await call.transcript(), fork, CHANGED, "Deleted. You can undo this.", undo=undo)


@endpoint
async def restore(call: Call) -> Response:
    """Undo the deletion of a message, and show what was shown then."""
    await _require_branches(call, CanDeleteTurns)
    turn_id, head = call.request.path_params["turn"], (await call.form()).get("head")
    try:
        await call.backend.restore_turn(call.conversation_id, turn_id)
        if head:
            with suppress(ChatError):
                await call.backend.show_version(call.conversation_id, head)
    except ChatError as error:
        return await _refused(call, NotFound(_TOO_LATE) if isinstance(error, NotFound) else error)
    if not call.fragment:
        return see_other(call.urls.conversation(call.conversation_id, turn_id))
    return await _changed(call, await call.transcript(), None, CHANGED, "Restored.")


async def _refused(call: Call, error: ChatError) -> Response:
    if call.fragment:
        return await refused(call, error)
    transcript = await call.transcript()
    return await conversation_page(call, transcript, error=in_words(error, transcript))


async def _changed(
    call: Call,
    transcript: Transcript,
    fork: Fork | None,
    headers: dict[str, str],
    said: str | None,
    *,
    undo: Child = None,
) -> Response:
    patches = [
        *await whats_new(call, transcript, "", fork=fork),
        Patch("#composer-error", "innerHTML"),
        Patch("#undo-turn", "innerHTML", render(undo) if undo else ""),
    ]
    if said:
        patches.append(say(said))
    return patches_response(patches, headers)
