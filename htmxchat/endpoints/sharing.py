"""Sharing a conversation: whether, for how long and what of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.responses import HTMLResponse, Response

from ..errors import BadRequest, ChatError, InvalidInput, NotAllowed
from ..fragments.sharing import share_page, share_window, shares_page
from ..html import render
from ..models import Conversation
from ..sharing import Share, SharedLink
from .call import Call, endpoint, see_other


@endpoint
async def show(call: Call) -> Response:
    """How a conversation is shared."""
    settings, conversation = _settings(call), await call.conversation()
    return _window(call, settings, conversation, await call.backend.find_share(conversation.id))


@endpoint
async def change(call: Call) -> Response:
    """Share a conversation as it is now, or not any more."""
    settings, form, conversation = _settings(call), await call.form(), await call.conversation()
    if form.get("who") == "none":
        await call.backend.revoke_share(conversation.id)
        return _done(call, settings, conversation, None)
    days = form.get("days", str(settings.days[0] or 0))
    expires = await _expiry(call, settings, days)
    steps = settings.steps and call.can_inspect and "steps" in form
    files = settings.files and call.chat.files is not None and "files" in form
    try:
        shared = await call.backend.share_conversation(conversation.id, steps=steps, files=files, expires_at=expires)
    except InvalidInput as error:
        return _window(call, settings, conversation, None, error)
    return _done(call, settings, conversation, shared)


@endpoint
async def revoke(call: Call) -> Response:
    """Take back a shared page."""
    _settings(call)
    await call.backend.revoke_share((await call.conversation()).id)
    return see_other(call.urls.shares())


@endpoint
async def shares(call: Call) -> Response:
    """All that the user shares."""
    _settings(call)
    document = shares_page(
        urls=call.urls,
        frame=call.chat.frame(call.urls, call.user),
        shares=await call.backend.list_shares(),
        now=datetime.now(UTC),
        zone=call.zone,
    )
    return HTMLResponse(document)


async def _expiry(call: Call, settings: Share, days: str) -> datetime | None:
    """Return when a link is to end: after a number of days that may be chosen, or when it would end already."""
    if days == "keep":
        shared = await call.backend.find_share(call.conversation_id)
        if shared is not None and shared.expires_at is not None:
            return shared.expires_at
    allowed = {str(each or 0): each for each in settings.days}
    if days not in allowed:
        raise BadRequest("The link cannot work for as long as that.")
    lasts = allowed[days]
    return datetime.now(UTC) + timedelta(days=lasts) if lasts else None


def _settings(call: Call) -> Share:
    settings = call.chat.share
    if settings is None:
        raise NotAllowed("This chat shares no conversations.")
    return settings


def _done(call: Call, settings: Share, conversation: Conversation, shared: SharedLink | None) -> Response:
    if not call.fragment:
        return see_other(call.urls.share(conversation.id))
    return _window(call, settings, conversation, shared)


def _window(
    call: Call,
    settings: Share,
    conversation: Conversation,
    shared: SharedLink | None,
    error: ChatError | None = None,
) -> Response:
    window = share_window(
        urls=call.urls,
        conversation=conversation,
        settings=settings,
        shared=shared,
        address=str(call.request.url.replace(path=call.urls.shared(shared.key), query="")) if shared else "",
        may_steps=call.can_inspect,
        has_files=call.chat.files is not None,
        error=str(error) if error else None,
        zone=call.zone,
    )
    status = error.status if error and not call.fragment else 200
    if call.fragment:
        return HTMLResponse(render(window), status)
    return HTMLResponse(share_page(urls=call.urls, frame=call.chat.frame(call.urls, call.user), window=window), status)
