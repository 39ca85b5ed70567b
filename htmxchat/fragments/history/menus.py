"""What can be done with a conversation: the menu of its row and of its page, and how it is undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...html import FT, Child, icon, tag
from ...kinds import check_fields
from ...models import Conversation
from ...urls import Urls
from ..controls import get_link, post_form

button, div, input_, p, template = map(tag, ["button", "div", "input", "p", "template"])

_ROW = "conversation-id"


@dataclass(frozen=True, slots=True)
class Actions:
    """What the backend can do with a conversation of the list."""

    pin: bool = False
    archive: bool = False
    rename: bool = False
    delete: bool = False

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def any(self) -> bool:
        return self.pin or self.archive or self.rename or self.delete

    @property
    def several(self) -> bool:
        """Whether there is something that can be done with several at once."""
        return self.pin or self.archive or self.delete


def shelf_of(conversation: Conversation) -> str:
    """Return where a conversation stands: `pinned`, `archived` or `listed`."""
    return "pinned" if conversation.pinned else "archived" if conversation.archived else "listed"


def row_menus(urls: Urls, actions: Actions) -> FT:
    """Return the menu of every row. The page's script puts it into a row that is opened, without what does not apply.

    Hooks: `template#row-menu`.
    """
    rename = get_link(
        urls.rename(_ROW),
        icon("edit"),
        "Rename",
        target="#conversation",
        hx_push_url=urls.conversation(_ROW),
        cls="button",
        data_kind="quiet",
    )
    return template(
        div(
            pin_form(urls, _ROW, True, False) if actions.pin else None,
            rename if actions.rename else None,
            archive_form(urls, _ROW, True, False) if actions.archive else None,
            delete_form(urls, _ROW, stay=True) if actions.delete else None,
            cls="menu",
        ),
        id="row-menu",
    )


def pin_form(urls: Urls, id: str, *pinned: bool) -> FT:
    """Return the form that pins a conversation or ends its pin, with a button for each."""
    words = {True: "Pin", False: "Unpin"}
    return post_form(urls.pin(id), [_choice("pinned", each, "pin", words[each]) for each in pinned])


def archive_form(urls: Urls, id: str, *archived: bool) -> FT:
    """Return the form that archives a conversation or brings it back, with a button for each."""
    words = {True: "Archive", False: "Unarchive"}
    return post_form(urls.archive(id), [_choice("archived", each, "archive", words[each]) for each in archived])


def _choice(name: str, yes: bool, shape: str, words: str) -> FT:
    value = "yes" if yes else "no"
    return button(icon(shape), words, cls="button", data_kind="quiet", type="submit", name=name, value=value)


def delete_form(urls: Urls, id: str, *, stay: bool = False) -> FT:
    """Return the form that deletes a conversation; with `stay`, the page keeps what it shows."""
    return post_form(
        urls.delete(id),
        # Without it the page continues to a new conversation; the script takes it away from the one that is open.
        input_(type="hidden", name="stay", value="yes") if stay else None,
        button(icon("trash"), "Delete", cls="button", data_kind="quiet", type="submit"),
    )


def undo(urls: Urls, conversation_id: str, notice: str) -> FT:
    """Return the form that restores a conversation that was deleted."""
    return _undo(urls.restore(conversation_id), notice)


def undo_several(urls: Urls, ids: Sequence[str], action: str, notice: str) -> FT:
    """Return the form that does `action` with conversations, to undo what was done with them."""
    fields = [input_(type="hidden", name="conversation", value=id) for id in ids]
    return _undo(urls.selected(), notice, input_(type="hidden", name="action", value=action), fields)


def _undo(url: str, notice: str, *fields: Child) -> FT:
    return post_form(url, fields, p(notice), button("Undo", cls="button", type="submit", autofocus=True), cls="undo")
