"""Scripts: a conversation's queue, the actions on a script, and the results that pages post."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from ..backend import KeepsScripts
from ..errors import BackendError, BadRequest, Conflict, InvalidInput, NotAllowed, NotFound
from ..fragments.scripts.room import script_room, scripts_side, unloaded_scripts
from ..fragments.shell import side_room
from ..html import render
from ..parts import Text
from ..scripts.actions import Abandon, Approve, Cancel, Claim, Edit, Finish, Reject, Renew, Rerun, ScriptAction
from ..scripts.files import file_text
from ..scripts.models import Script
from ..scripts.posted import parse_result, read_body
from ..scripts.result import ScriptState
from ..scripts.states import CHANGED, digest
from ..view import fold
from .call import SCRIPTS_CHANGED, Call, endpoint, see_other
from .pages import conversation_page, loaded_page
from .queue import queue_data

_RUNNER = re.compile("[A-Za-z0-9]{1,64}")
# A picture is shown by the page only; opened by itself it can do nothing and load nothing.
_PICTURE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
_FILES = {
    "code.py": "text/x-python",
    "output.txt": "text/plain",
    "table.csv": "text/csv",
    "result.json": "application/json",
}


@endpoint
async def nothing(call: Call) -> Response:
    """The room before there is a conversation."""
    call.backend.require(KeepsScripts)
    side = scripts_side(call.urls, None, script_room(call.urls, None))
    if call.fragment:
        return HTMLResponse(render(side_room(side)))
    return await conversation_page(call, None, side=side)


@endpoint
async def show(call: Call) -> Response:
    """The queue of a conversation. `?edit=` is one that is being edited, `?show=` one that is shown in any case.

    What runs scripts gets it as JSON.
    """
    call.backend.require(KeepsScripts)
    conversation = await call.conversation()
    wants_json = call.request.headers.get("accept") == "application/json"
    try:
        scripts = await call.backend.list_scripts(conversation.id)
    except (BackendError, NotAllowed) as error:
        if wants_json or (call.fragment and call.htmx.target != "scripts"):
            raise  # only a card of the room was to change
        content = unloaded_scripts(call.urls, conversation, f"The scripts cannot be loaded. {error}")
        side = scripts_side(call.urls, conversation, content)
        if call.fragment:
            return HTMLResponse(render(side_room(side)), error.status)
        return await loaded_page(call, side=side, queue=())
    if wants_json:
        return JSONResponse(queue_data(call.urls, conversation, scripts))
    query = call.request.query_params
    content = script_room(
        call.urls,
        conversation,
        scripts,
        edit=query.get("edit"),
        show=query.get("show"),
        trust=call.chat.trust,
    )
    side = scripts_side(call.urls, conversation, content)
    if not call.fragment:
        return await loaded_page(call, side=side, queue=scripts)
    return HTMLResponse(render(side_room(side)))


@endpoint
async def queue(call: Call) -> Response:
    """Queue a Python block of an answer, approve what waits of one answer, or clear what has ended."""
    conversation = await call.conversation()
    form = await call.form()
    if "clear" in form:
        await call.backend.clear_scripts(conversation.id)
        return _changed(call)
    if "approve-all" in form:
        for shown in form["approve-all"].split():
            id, _, shown_digest = shown.partition(":")
            await _change(call, _field(form, "run"), id, Approve(shown_digest))
        return _changed(call)
    script = await _queue_block(call, _field(form, "run"), _field(form, "block"), form.get("digest"))
    if call.fragment:
        return JSONResponse({"script": script.id}, headers=SCRIPTS_CHANGED)
    return see_other(f"{call.urls.scripts(conversation.id)}#script-{script.id}")


@endpoint
async def find(call: Call) -> Response:
    """The script's place: its card in the queue."""
    script = await _script(call)
    return see_other(f"{call.urls.scripts(script.conversation_id, show=script.id)}#script-{script.id}")


@endpoint
async def change(call: Call) -> Response:
    """Do something with a script. The form's button says what."""
    form = await call.form()
    action = _action(form, trust=call.chat.trust)
    script = await _change(call, call.run.id, call.request.path_params["script"], action)
    if isinstance(action, Claim | Renew | Abandon):
        # Only the page that runs the script asks for this, and it needs nothing more.
        answer = {"code": script.code, "digest": digest(script.code)} if isinstance(action, Claim) else {}
        return JSONResponse(answer)
    return _changed(call, script)


@endpoint
async def finish(call: Call) -> Response:
    """Take the result of a script from the page that ran it."""
    if call.request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise BadRequest("Send the result as application/json.")
    data = read_body(await call.request.body())
    if not isinstance(data, dict):
        raise InvalidInput("Send an object with runner and result.")
    runner = _runner(data.get("runner"))
    action = Finish(runner, parse_result(data.get("result")))
    await _change(call, call.run.id, call.request.path_params["script"], action)
    return JSONResponse({})


@endpoint
async def picture(call: Call) -> Response:
    """A picture that a script drew."""
    script = await _script(call)
    drawn = script.result.images if script.result else ()
    number = _number(call.request.path_params["number"], drawn)
    headers = {**_PICTURE, "Cache-Control": "private, max-age=3600"}
    return Response(drawn[number].data, media_type=drawn[number].type, headers=headers)


@endpoint
async def download(call: Call) -> Response:
    """A file of a script: its code, its output, its table, or all of the result."""
    script = await _script(call)
    name = call.request.path_params["file"]
    text = file_text(script, name)
    if text is None:
        raise NotFound
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, media_type=f"{_FILES[name]}; charset=utf-8", headers=headers)


async def _queue_block(call: Call, run_id: str, number: str, shown: str | None) -> Script:
    """Queue a block. The code is the stored answer's own; the page only says which block, and what it showed."""
    transcript = await call.transcript()
    turn = next((turn for turn in transcript.turns if turn.run is not None and turn.run.id == run_id), None)
    texts = [part.text for part in fold(turn.events).parts if isinstance(part, Text)] if turn else []
    blocks = [block for text in texts for block in call.chat.markdown.python_blocks(text)]
    index = _number(number, blocks)
    code = blocks[index]
    if shown is not None and shown != digest(code):
        raise Conflict(CHANGED)
    title = f"Block {index + 1} of the answer" if len(blocks) > 1 else "From the answer"
    return await call.backend.queue_block(run_id, index, code, title)


def _action(form: Mapping[str, str], *, trust: bool) -> ScriptAction:
    if "approve" in form:
        trusted = "trusted" in form
        if trusted and not trust:
            raise NotAllowed("This chat asks before it runs a script.")
        return Approve(_field(form, "digest"), form.get("code"), trusted=trusted)
    if "save" in form:
        return Edit(_field(form, "digest"), _field(form, "code"))
    if "reject" in form:
        return Reject()
    if "cancel" in form:
        return Cancel()
    if "rerun" in form:
        return Rerun(_field(form, "digest"))
    if "claim" in form:
        return Claim(_runner(form["claim"]), _field(form, "digest"))
    if "renew" in form:
        return Renew(_runner(form["renew"]))
    if "abandon" in form:
        return Abandon(_runner(form["abandon"]))
    raise BadRequest("The form does not say what to do with the script.")


async def _change(call: Call, run_id: str, script_id: str, action: ScriptAction) -> Script:
    return await call.backend.change_script(run_id, script_id, action)


async def _script(call: Call) -> Script:
    scripts = await call.backend.list_scripts(call.conversation_id)
    for script in scripts:
        if script.id == call.request.path_params["script"] and script.run_id == call.run.id:
            return script
    raise NotFound


def _changed(call: Call, script: Script | None = None) -> Response:
    if call.fragment:
        return Response(status_code=204, headers=SCRIPTS_CHANGED)
    if script is None:
        return see_other(call.urls.scripts(call.conversation_id))
    anchor = "" if script.state is ScriptState.REJECTED else f"#script-{script.id}"
    return see_other(f"{call.urls.scripts(script.conversation_id)}{anchor}")


def _number(text: str, of: Sequence[object]) -> int:
    """Return the number of one of these things.

    Raises:
        NotFound: It has none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) < len(of)):
        raise NotFound
    return int(text)


def _field(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise BadRequest(f"The form has no field named {name}.")
    return form[name]


def _runner(value: object) -> str:
    if not isinstance(value, str) or not _RUNNER.fullmatch(value):
        raise InvalidInput("A runner is named by up to 64 letters and digits.")
    return value
