"""Reads posted messages, with their files if the page has not uploaded them before."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass

from ..errors import BadRequest, BodyTooLarge, BodyTooSlow, ChatError, InvalidInput, NotFound
from ..files import File, Files
from ..files.types import HEAD, media_type
from ..http.multipart import Part, read_parts
from ..http.routing import has_files
from .call import Call
from .form import MAX_FIELDS, decoded, read_pairs, submission_of

_MAX_ID = 200
_GONE = "A file of this message is not there any more. Attach it again."


@dataclass(frozen=True, slots=True)
class Message:
    """A posted message.

    Attributes:
        text: As it was sent; empty when the form has none.
        submission: What the page calls it.
        files: What comes with it, all of it kept.
        agent: The name of the agent that is to answer; empty if none was chosen.
        error: Why it cannot be sent.
        names_files: Whether the form says which files come with it, also when there are none.
    """

    text: str = ""
    submission: str | None = None
    files: tuple[File, ...] = ()
    agent: str = ""
    error: ChatError | None = None
    names_files: bool = False


async def read_message(call: Call) -> Message:
    """Return the message that a form brings. What it cannot be sent for is in it, beside all that is worth keeping.

    Raises:
        BadRequest: It is not a form, or did not come to its end; nothing that came with it is kept.
        BodyTooLarge, BodyTooSlow: The same.
    """
    files = call.chat.files
    most = MAX_FIELDS + (files.max_number if files else 0)
    if files is None or not has_files(call.request.headers):
        fields = await read_pairs(call.request, most)
        return await _message(call, fields, ())
    fields, stored, error = await _read_form(call, files)
    return await _message(call, fields, stored, error)


async def read_uploads(call: Call, files: Files) -> tuple[File, ...]:
    """Return the files that a form brings, kept as drafts: all of them, or none.

    Raises:
        ChatError: One cannot be taken.
    """
    if not has_files(call.request.headers):
        raise BadRequest("Send files as a form (multipart/form-data).")
    _, stored, error = await _read_form(call, files)
    if error is None and not stored:
        error = InvalidInput("Choose a file first.")
    if error is not None:
        await _discard(call, stored)
        raise error
    return stored


async def _message(
    call: Call, fields: list[tuple[str, str]], stored: tuple[File, ...], error: ChatError | None = None
) -> Message:
    form = dict(fields)
    ids = list(dict.fromkeys(value for name, value in fields if name == "file"))
    known: tuple[File, ...] = ()
    try:
        if any(len(id) > _MAX_ID for id in ids):
            raise NotFound
        if ids:
            known = await call.backend.find_files(ids)
        if call.chat.files:
            call.chat.files.check_number(len(known) + len(stored))
    except NotFound:
        error = error or InvalidInput(_GONE)
    except ChatError as problem:
        error = error or problem
    if error is None and "text" not in form:
        error = BadRequest("The form has no field named text.")
    found, agent = (*known, *stored), form.get("agent", "")
    return Message(form.get("text", ""), submission_of(form), found, agent, error, "files" in form)


async def _read_form(call: Call, files: Files) -> tuple[list[tuple[str, str]], tuple[File, ...], ChatError | None]:
    """Return the fields of a form, the files that came with it and are kept, and why one of them is not."""
    fields: list[tuple[str, str]] = []
    stored: list[File] = []
    error: ChatError | None = None
    room = call.chat.settings.limits.body
    content_type = call.request.headers["content-type"]
    try:
        async for part in read_parts(content_type, call.request.stream(), MAX_FIELDS + 2 * files.max_number):
            if part.filename is None:
                value = await _value(part, room)
                room -= len(value)
                fields.append((part.name, decoded(value)))
            elif part.name == "upload" and error is None:
                try:
                    if (file := await _store(call, files, part, len(stored))) is not None:
                        stored.append(file)
                except (BadRequest, BodyTooLarge, BodyTooSlow):
                    raise
                except ChatError as problem:
                    error = problem
    except BaseException:
        await _discard(call, stored)
        raise
    return fields, tuple(stored), error


async def _store(call: Call, files: Files, part: Part, before: int) -> File | None:
    """Store a file while it arrives; `None` for a file field without a file."""
    name = part.filename or ""
    head = b""
    async for chunk in part.chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    if not name and not head:
        return None
    files.check_number(before + 1)
    shown = name or "file"
    files.check_type(shown, media_type(head, name))
    return await call.backend.store_file(name, _bounded(files, shown, head, part.chunks), files.max_kept)


async def _bounded(files: Files, name: str, head: bytes, rest: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    size = len(head)
    files.check_size(name, size)
    yield head
    async for chunk in rest:
        size += len(chunk)
        files.check_size(name, size)
        yield chunk


async def _value(part: Part, room: int) -> bytes:
    value = bytearray()
    async for chunk in part.chunks:
        value += chunk
        if len(value) > room:
            raise BadRequest("The form's fields are too long.")
    return bytes(value)


async def _discard(call: Call, files: Iterable[File]) -> None:
    for file in files:
        with suppress(ChatError):
            await call.backend.discard_file(file.id)
