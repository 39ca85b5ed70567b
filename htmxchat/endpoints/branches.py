"""Branches of a conversation: edit a message in its place, and show another version of a turn."""

from __future__ import annotations

from starlette.responses import Response

from ..backend import CanBranch
from ..errors import ChatError
from ..live.patches import Patch, say
from .call import BEGUN, CHANGED, Call, Gone, endpoint, owned, patches_response, see_other
from .form import submission_of
from .pages import conversation_page, editing
from .reconcile import in_words, refused, whats_new


@endpoint
async def edit(call: Call) -> Response:
    """Answer a message in other words, on a branch of its own."""
    await _require_branches(call)
    turn_id = call.request.path_params["turn"]
    text = ""
    try:
        text = await call.field("text")
        submission = submission_of(await call.form())
        begun = call.backend.edit_turn(call.conversation_id, turn_id, call.usable(text), submission)
        run = await owned(call.backend, begun)
    except ChatError as error:
        if call.fragment:
            return await refused(call, error, place="edit-error")
        transcript = await call.transcript()
        said = str(in_words(error, transcript))
        page = await conversation_page(call, transcript, editing=editing(call, turn_id, text=text, error=said))
        page.status_code = error.status
        return page
    if not call.fragment:
        return see_other(call.urls.conversation(run.conversation_id, run.turn_id))
    return await branched(call, turn_id, {**BEGUN, "HX-Replace-Url": call.urls.conversation(run.conversation_id)})


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
        transcript = await call.transcript()
        return await conversation_page(call, transcript, error=in_words(error, transcript))
    if not call.fragment:
        return see_other(call.urls.conversation(call.conversation_id, version))
    return await branched(call, shown, CHANGED)


async def _require_branches(call: Call) -> None:
    """Refuse what a backend without branches cannot do, to those whose conversation it is."""
    if not call.backend.can(CanBranch):
        await call.conversation()
        call.backend.require(CanBranch)


async def branched(call: Call, shown: str, headers: dict[str, str]) -> Response:
    """Return what a page shows from the place of one of its turns on, where another version stands now."""
    transcript = await call.transcript()
    patches = [*await whats_new(call, transcript, "", branched=shown), Patch("#composer-error", "innerHTML")]
    now = next((each for each in transcript.turns if shown in each.versions), None)
    if now is not None and transcript.live_run is None:
        patches.append(say(f"Version {now.versions.index(now.id) + 1} of {len(now.versions)}."))
    return patches_response(patches, headers)
