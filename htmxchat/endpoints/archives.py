"""A conversation to take along: as Markdown, as one HTML file, as JSON; and what such JSON makes again."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio
from starlette.responses import HTMLResponse, Response, StreamingResponse

from ..archive import Archive, CanExport, Imports, read_archive, writing
from ..errors import BodyTooLarge, BodyTooSlow, ChatError, FilesFull, InvalidInput, NotAllowed
from ..files import File, Files
from ..files.ability import KeepsFiles
from ..files.names import clean_name
from ..files.sent import FileSent
from ..files.types import HEAD, media_type
from ..fragments.export.document import TAIL, file_head
from ..fragments.export.importing import import_page
from ..fragments.export.markdown import markdown_head, markdown_turn
from ..fragments.export.turns import Reading, reading_turn
from ..http.attachment import attachment
from ..http.multipart import read_parts
from ..http.routing import has_files
from ..models import Turn
from ..scripts.models import Script
from ..scripts.result import ScriptResult
from ..text.phrases import byte_size, count
from ..text.zones import exact
from .call import Call, endpoint, see_other
from .drawing import drawn
from .form import MAX_FIELDS
from .queue import queue_of

AT_ONCE = 20
"""So many turns are in memory at a time."""

_PICTURE = 2 * 1024 * 1024  # bytes of a picture that is in the HTML file
_PICTURES = 24 * 1024 * 1024  # bytes of all of them
_PIECE = 3 * 64 * 1024  # base64 makes four bytes of three
_BROKEN = "The export broke off here. Try again."


@endpoint
async def markdown(call: Call) -> Response:
    """The branch that is shown, as Markdown."""
    branch = await _branch(call)

    async def written() -> AsyncIterator[str]:
        yield markdown_head(branch.title, _facts(call, branch))
        async for turn in branch.turns():
            yield markdown_turn(turn, agent=call.turn_context.agent, steps=call.can_inspect, zone=call.zone)

    return _file(call, branch.title, "md", "text/markdown", written(), f"\n\n{_BROKEN}\n")


@endpoint
async def html(call: Call) -> Response:
    """The branch that is shown, as one HTML file that needs nothing else."""
    branch = await _branch(call)
    sheets = [call.chat.assets.content(f"css/{name}.css") for name in ("chat", "turns", "forms", "reading")]
    styles = b"\n".join(sheets).decode()

    async def written() -> AsyncIterator[str]:
        room = _PICTURES
        yield file_head(branch.title, _facts(call, branch), styles)
        results = results_of(branch.scripts)
        async for turn in branch.turns():
            context = replace(await drawn(call, [turn]), can_run_scripts=False)
            pictures, room = await _pictures(call, turn, room)
            yield reading_turn(turn, Reading(context, pictures=pictures, results=results, zone=call.zone))
        yield TAIL

    return _file(call, branch.title, "html", "text/html", written(), f"<p>{_BROKEN}</p>{TAIL}")


@endpoint
async def whole(call: Call) -> Response:
    """All branches, as JSON; `?files=content` has the bytes of files too."""
    outline = await call.backend.outline(call.conversation_id)
    scripts = await queue_of(call.backend, call.conversation_id)
    contents = call.request.query_params.get("files") == "content" and call.backend.can(KeepsFiles)

    async def written() -> AsyncIterator[str]:
        yield writing.head(outline, datetime.now(UTC))
        places, first = {node.id: node for node in outline.nodes}, True
        seen: set[str] = set()
        async for turn in _read(call, [node.id for node in outline.nodes], scripts, steps=call.can_inspect):
            for piece in writing.turn_json(places[turn.id], turn, first=first):
                if isinstance(piece, str):
                    yield piece
                    continue
                async for part in _file_json(call, piece, contents and piece.id not in seen):
                    yield part
                seen.add(piece.id)
            first = False
        yield writing.TAIL

    return _file(call, outline.conversation.title, "json", "application/json", written(), "")


@endpoint
async def ask_import(call: Call) -> Response:
    """The page that takes a conversation that was exported."""
    _settings(call)
    return _import_page(call)


@endpoint
async def take(call: Call) -> Response:
    """Make a conversation of a file that was exported."""
    imports = _settings(call)
    try:
        data = await _upload(call, imports)
        files = call.chat.files
        archive = await anyio.to_thread.run_sync(
            lambda: read_archive(data, imports, datetime.now(UTC), files=files is not None)
        )
        if files is not None:
            _check_files(archive, files)
        conversation = await call.backend.import_conversation(archive, files.max_kept if files else None)
    except (BodyTooLarge, BodyTooSlow):
        raise
    except (InvalidInput, FilesFull) as error:
        return _import_page(call, error)
    return see_other(call.urls.conversation(conversation.id))


def _check_files(archive: Archive, files: Files) -> None:
    """Refuse an archive with files that could not be sent; those of its agents come from who imports, too."""
    for turn in archive.turns:
        files.check_number(len(turn.files))
    for each in [*(file for turn in archive.turns for file in turn.files), *archive.sent]:
        files.check_size(each.name, len(each.content))
        files.check_type(each.name, media_type(each.content[:HEAD], each.name))


@dataclass(frozen=True, slots=True)
class _Branch:
    """The branch that is shown, to be read a few turns at a time."""

    title: str
    length: int
    scripts: tuple[Script, ...]
    turns: Callable[[], AsyncIterator[Turn]]


async def _branch(call: Call) -> _Branch:
    if not call.backend.can(CanExport):
        transcript = await call.transcript()
        scripts = await queue_of(call.backend, call.conversation_id)

        async def given() -> AsyncIterator[Turn]:
            for turn in transcript.turns:
                yield _presentable(turn, scripts, steps=True)

        return _Branch(transcript.conversation.title, len(transcript.turns), scripts, given)
    outline = await call.backend.outline(call.conversation_id)
    scripts = await queue_of(call.backend, call.conversation_id)

    def read() -> AsyncIterator[Turn]:
        return _read(call, outline.shown, scripts, steps=True)

    return _Branch(outline.conversation.title, len(outline.shown), scripts, read)


async def _read(call: Call, ids: Sequence[str], scripts: tuple[Script, ...], *, steps: bool) -> AsyncIterator[Turn]:
    for start in range(0, len(ids), AT_ONCE):
        for turn in await call.backend.read_turns(call.conversation_id, ids[start : start + AT_ONCE]):
            yield _presentable(turn, scripts, steps=steps)


def _presentable(turn: Turn, scripts: tuple[Script, ...], *, steps: bool) -> Turn:
    return writing.presentable(writing.with_results(turn, scripts), tools=steps)


def results_of(scripts: Iterable[Script]) -> dict[tuple[str, str], ScriptResult]:
    """Return what came of scripts that agents proposed, by run and by their id in it."""
    return {(each.run_id, each.proposal): each.result for each in scripts if each.proposal and each.result is not None}


def _facts(call: Call, branch: _Branch) -> list[str]:
    when = exact(datetime.now(UTC), call.zone)
    return [f"{call.chat.settings.title}, exported {when}", count(branch.length, "message")]


def _file(
    call: Call, title: str, ending: str, media_type: str, written: AsyncIterator[str], broken: str
) -> StreamingResponse:
    """Return a file that is sent as it is written; `broken` is its end when it cannot be written to the end."""

    async def encoded() -> AsyncIterator[bytes]:
        try:
            async for piece in written:
                yield piece.encode("utf-8", "replace")
        except ChatError:
            yield broken.encode()

    name = clean_name(f"{title}.{ending}")
    return StreamingResponse(encoded(), media_type=media_type, headers={"Content-Disposition": attachment(name)})


async def _pictures(call: Call, turn: Turn, room: int) -> tuple[dict[str, str], int]:
    """Return the pictures of a turn as addresses that hold them, and how much room is left for others."""
    pictures: dict[str, str] = {}
    for file in files_of(turn):
        if file.is_picture and file.size <= min(_PICTURE, room) and call.backend.can(KeepsFiles):
            room -= file.size
            try:
                _, chunks = await call.backend.open_file(file.id)
                async with aclosing(chunks):
                    data = b"".join([chunk async for chunk in chunks])
            except ChatError:
                continue
            pictures[file.id] = f"data:{file.media_type};base64,{base64.b64encode(data).decode()}"
    return pictures, room


def files_of(turn: Turn) -> list[File]:
    """Return the files that came with a turn, or that it gave."""
    return [*turn.files, *(event.body.file for event in turn.events if isinstance(event.body, FileSent))]


async def _file_json(call: Call, file: File, content: bool) -> AsyncIterator[str]:
    known = writing.file_json(file)
    if not content:
        yield known
        return
    _, chunks = await call.backend.open_file(file.id)
    yield f'{known[:-1]}, "content": "'
    left = b""
    async with aclosing(chunks):
        async for chunk in chunks:
            left += chunk
            whole = len(left) - len(left) % 3
            yield base64.b64encode(left[:whole]).decode()
            left = left[whole:]
    yield f'{base64.b64encode(left).decode()}"}}'


def _settings(call: Call) -> Imports:
    if call.chat.imports is None:
        raise NotAllowed("This chat imports no conversations.")
    return call.chat.imports


def _import_page(call: Call, error: ChatError | None = None) -> HTMLResponse:
    imports = _settings(call)
    document = import_page(
        urls=call.urls,
        frame=call.chat.frame(call.urls, call.user),
        limit=byte_size(imports.max_size),
        error=str(error) if error else None,
    )
    return HTMLResponse(document, error.status if error else 200)


async def _upload(call: Call, imports: Imports) -> bytes:
    if not has_files(call.request.headers):
        raise InvalidInput("Choose a file first.")
    data: bytes | None = None
    async for part in read_parts(call.request.headers["content-type"], call.request.stream(), MAX_FIELDS):
        content = bytearray()
        async for chunk in part.chunks:
            content += chunk
            if len(content) > imports.max_size:
                raise InvalidInput(f"This file is too large: {byte_size(imports.max_size)} are allowed.")
        if part.name == "upload" and content:
            data = bytes(content)
    if data is None:
        raise InvalidInput("Choose a file first.")
    return data
