"""The list of conversations, for the pages that have it."""

from __future__ import annotations

from datetime import UTC, datetime

from ..arranging import CanArchive, CanPin
from ..backend import CanDelete, CanRename, CanSearch
from ..errors import ChatError
from ..fragments.history.menus import Actions
from ..fragments.history.room import history
from ..fragments.login import sign_out_form, sign_out_link
from ..html import FT
from ..models import Conversation, ConversationPage
from .call import Call


def draw_history(
    call: Call,
    found: ConversationPage,
    failure: ChatError | None,
    *,
    query: str = "",
    current: Conversation | None = None,
    deleted: str | None = None,
    archived: bool = False,
    select: bool = False,
) -> FT:
    """Return the history with what `load_history` found, or with a sentence in place of the list."""
    return history(
        found,
        urls=call.urls,
        brand=call.chat.settings.title,
        logo=call.chat.logo(call.urls),
        query=query,
        current=current.id if current else None,
        user_name=call.user.name,
        sign_out=_sign_out(call),
        can_search=call.backend.can(CanSearch),
        can_rename=call.backend.can(CanRename),
        can_delete=call.backend.can(CanDelete),
        can_pin=call.backend.can(CanPin),
        can_archive=call.backend.can(CanArchive),
        archived=archived,
        select=select,
        deleted=deleted,
        deletion_notice=call.chat.deletion_notice,
        can_import=call.chat.imports is not None,
        failure=str(failure) if failure else None,
        now=datetime.now(UTC),
        zone=call.zone,
    )


def _sign_out(call: Call) -> FT | None:
    if call.chat.login:
        return sign_out_form(urls=call.urls)
    pages = call.chat.settings.login_pages
    url = pages and pages.logout_url
    return sign_out_link(call.urls.at_host(url)) if url else None


def list_actions(call: Call) -> Actions:
    """Return what can be done with the conversations of the list."""
    return Actions(*(call.backend.can(ability) for ability in (CanPin, CanArchive, CanRename, CanDelete)))


async def load_history(
    call: Call, *, query: str = "", cursor: str | None = None, limit: int = 30, archived: bool = False
) -> tuple[ConversationPage, ChatError | None]:
    """Return a stretch of the user's conversations, or of those that are archived, and what went wrong instead."""
    try:
        if archived:
            return await call.backend.list_archived(query, limit=limit, cursor=cursor), None
        if query and call.backend.can(CanSearch):
            return await call.backend.search_conversations(query, limit=limit, cursor=cursor), None
        return await call.backend.list_conversations(limit=limit, cursor=cursor), None
    except ChatError as error:
        return ConversationPage(()), error
