"""Files: upload before the message, preview, download, discard."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from starlette.responses import HTMLResponse, Response, StreamingResponse

from ..errors import NotAllowed, NotFound
from ..files import File
from ..files.ability import KeepsFiles
from ..fragments.files import draft_tile
from ..fragments.preview import PREVIEW, preview
from ..html import render
from ..http.attachment import attachment
from .call import Call, endpoint, see_other
from .posting import read_uploads

_NONE = "This chat takes no files."
_RANGE = re.compile(r"bytes=(\d{1,15})?-(\d{1,15})?")
# Whatever it is, it can do nothing in the chat's name, and no other site can show it.
_LOCKED = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # Asked for each time, so that what was deleted or signed out of is gone; what has not changed is not sent again.
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
}


@endpoint
async def upload(call: Call) -> Response:
    """Take files that a message is to bring later."""
    files = call.chat.files
    if files is None:
        raise NotAllowed(_NONE)
    stored = await read_uploads(call, files)
    return HTMLResponse("".join(render(draft_tile(file, call.urls)) for file in stored))


@endpoint
async def drafts(call: Call) -> Response:
    """The tiles of files that a page has taken before, as far as they are still there."""
    files = call.chat.files
    if files is None:
        raise NotAllowed(_NONE)
    ids = list(dict.fromkeys(call.request.query_params.getlist("file")))[: files.max_number]
    found: list[File] = []
    for id in ids:
        with suppress(NotFound):
            found += await call.backend.find_files([_checked(id)])
    return HTMLResponse("".join(render(draft_tile(file, call.urls)) for file in found))


@endpoint
async def discard(call: Call) -> Response:
    """Take back a file that was not sent."""
    await call.backend.discard_file(_id(call))
    return Response(status_code=204) if call.fragment else see_other(call.urls.home())


@endpoint
async def download(call: Call) -> Response:
    """A file, as it was sent."""
    call.backend.require(KeepsFiles)
    (file,) = await call.backend.find_files([_id(call)])
    tag = f'"{file.digest}"'
    headers = {**_LOCKED, "ETag": tag, "Content-Disposition": attachment(file.name)}
    if tag in (each.strip() for each in call.request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    wanted = call.request.headers.get("range", "")
    if call.request.headers.get("if-range", tag) != tag:
        wanted = ""
    start, end = 0, file.size
    status = 200
    if wanted:
        span = _span(wanted, file.size)
        if span is None:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
        if span != (0, file.size):
            (start, end), status = span, 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    # What browsers could take for a page, or hand to a program, has no type of its own.
    kind = file.media_type if file.is_picture else "application/octet-stream"
    if call.request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=kind)
    _, chunks = await call.backend.open_file(file.id, start=start, end=end)
    return StreamingResponse(_sent(chunks), status, headers, kind)


@endpoint
async def look(call: Call) -> Response:
    """What can be shown of a file: a fragment."""
    file, chunks = await call.backend.open_file(_id(call), end=PREVIEW)
    async with aclosing(chunks):
        head = b"".join([chunk async for chunk in chunks]) if file.is_text else b""
    return HTMLResponse(render(preview(file, head, call.urls)), headers={"Cache-Control": "private, no-cache"})


async def _sent(chunks: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """Return what a `Range` asks for: `None` for what is not there, all of it for what need not be understood."""
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or (found[1] is None and found[2] is None):
        return 0, size
    if found[1] is None:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
        if found[2] and int(found[2]) < int(found[1]):
            return 0, size
    return (start, end) if start < end else None


def _id(call: Call) -> str:
    return _checked(call.request.path_params["file"])


def _checked(id: str) -> str:
    if len(id) > 200 or not id.isprintable():
        raise NotFound
    return id
