"""The page of a shared conversation. No one is asked who reads it, and nothing of it can do anything.

`identify` is not called, no cookie is read or set, and what is not there is the same as what never was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from ..chat import Chat
from ..chat.reader import Reader
from ..errors import ChatError, LimitReached, NotFound
from ..fragments.export.document import TAIL, page_head
from ..fragments.export.turns import Reading, reading_turn
from ..fragments.turns.context import TurnContext
from ..fragments.turns.custom import orders
from ..fragments.turns.transcript import run_view
from ..http.attachment import attachment
from ..models import Turn
from ..sharing import SharedPage
from ..text.phrases import count
from ..text.zones import exact
from ..urls import Urls
from .archives import AT_ONCE, files_of
from .call import UntilSent, open_endpoint

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_LOCKED = {
    "Content-Security-Policy": _POLICY,
    "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_FILE_POLICY = "sandbox; default-src 'none'"
_NOT_THERE = "There is nothing at this address. It may have been shared once, and taken back."
_TOO_MANY = "Too many people read this at the moment. Try again in a minute."
_BROKEN = "<p>The page broke off here. Load it again.</p>"


@open_endpoint
async def show(request: Request) -> Response:
    """A shared conversation, as it was when it was shared."""
    chat: Chat = request.app.state.chat
    reader, urls = chat.reader, Urls.of(request.scope, chat.assets.version)
    try:
        page = await reader.open_share(request.path_params["key"])
        first = await reader.read_shared(page, page.turn_ids[:AT_ONCE])
    except NotFound:
        return _not_there(chat, urls)
    slot = chat.requests.take(f"shared {page.key}")
    if slot is None:
        raise LimitReached(_TOO_MANY)

    async def written() -> AsyncIterator[bytes]:
        yield page_head(page.title, _facts(chat, page), _sheets(chat, urls)).encode("utf-8", "replace")
        try:
            async for turn in _turns(reader, page, first):
                yield (await _drawn(chat, urls, page, turn)).encode("utf-8", "replace")
        except ChatError:
            yield _BROKEN.encode()
        yield TAIL.encode()

    return UntilSent(StreamingResponse(written(), media_type="text/html", headers=_LOCKED), slot)


@open_endpoint
async def download(request: Request) -> Response:
    """A file of a shared conversation."""
    chat: Chat = request.app.state.chat
    try:
        file, chunks = await chat.reader.open_shared_file(request.path_params["key"], request.path_params["file"])
    except NotFound:
        return _not_there(chat, Urls.of(request.scope, chat.assets.version))
    headers = {**_LOCKED, "Content-Security-Policy": _FILE_POLICY, "Content-Disposition": attachment(file.name)}
    kind = file.media_type if file.is_picture else "application/octet-stream"
    return StreamingResponse(_sent(chunks), headers={**headers, "Content-Length": str(file.size)}, media_type=kind)


async def _turns(reader: Reader, page: SharedPage, first: tuple[Turn, ...]) -> AsyncIterator[Turn]:
    for turn in first:
        yield turn
    for start in range(AT_ONCE, len(page.turn_ids), AT_ONCE):
        for turn in await reader.read_shared(page, page.turn_ids[start : start + AT_ONCE]):
            yield turn


async def _drawn(chat: Chat, urls: Urls, page: SharedPage, turn: Turn) -> str:
    context = replace(
        chat.turn_context(urls, conversation_id="", can_inspect=False),
        can_run_scripts=False,
        shared=True,
        inspector="elsewhere" if page.steps else None,
    )
    if chat.drawings is not None and turn.run is not None:
        view = run_view(turn)
        wanted = list(orders(turn.id, view, range(len(view.parts)), context))
        context = replace(context, drawings=await chat.drawings.draw(wanted))
    files = {file.id: urls.shared_file(page.key, file.id) for file in files_of(turn)}
    pictures = {file.id: files[file.id] for file in files_of(turn) if file.is_picture}
    return reading_turn(turn, _reading(context, page, pictures, files))


def _reading(context: TurnContext, page: SharedPage, pictures: dict[str, str], files: dict[str, str]) -> Reading:
    return Reading(context, steps=page.steps, pictures=pictures, addresses=files, asker="User")


def _facts(chat: Chat, page: SharedPage) -> list[str]:
    facts = [
        f"{chat.settings.title}, {count(len(page.turn_ids), 'turn')}, as shared {exact(page.shared_at, None)}",
    ]
    if page.imported:
        facts.append("This conversation was imported from a file. Nobody has checked that it was held like this.")
    return facts


def _sheets(chat: Chat, urls: Urls) -> list[str]:
    own = [urls.static(f"css/{name}.css") for name in ("chat", "turns", "forms", "reading")]
    return [*own, *map(urls.at_host, chat.settings.look.stylesheets)]


def _not_there(chat: Chat, urls: Urls) -> Response:
    document = page_head("Not found", [_NOT_THERE], _sheets(chat, urls)) + TAIL
    return HTMLResponse(document, NotFound.status, _LOCKED)


async def _sent(chunks: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk
