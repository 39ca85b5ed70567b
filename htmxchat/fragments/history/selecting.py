"""Several conversations at once: a form below which each row has a checkbox.

Hooks: `a[name=select]`; `form#selected`; `input[name=conversation]`.
"""

from __future__ import annotations

from ...html import FT, Child, icon, tag
from ...models import Conversation
from ...urls import Urls
from ..controls import icon_only, post_form, swaps
from .menus import Actions

a, button, div, input_, p = map(tag, ["a", "button", "div", "input", "p"])

_FORM = "selected"


def select_link(urls: Urls, *, query: str, archived: bool) -> FT:
    """Return the link that begins to select."""
    url = urls.history(query, archived=archived, select=True)
    return a("Select", cls="button select", data_kind="quiet", name="select", **_in_list(url))


def selection(urls: Urls, actions: Actions, *, query: str, archived: bool) -> FT:
    """Return the form with what can be done with the rows that are selected."""
    back = urls.history(query, archived=archived)
    return post_form(
        urls.selected(),
        input_(type="hidden", name="view", value="archived") if archived else None,
        # Which one is open, so that the page leaves it when it is deleted; the page's script says it.
        input_(type="hidden", name="open", value=""),
        p("None selected", cls="count", data_none="None selected"),
        div(
            button("All", cls="button", data_kind="quiet", name="all", type="button"),
            _act("pin", "pin", "Pin") if actions.pin and not archived else None,
            _act("unarchive" if archived else "archive", "archive", "Unarchive" if archived else "Archive")
            if actions.archive
            else None,
            _act("delete", "trash", "Delete") if actions.delete else None,
            a(icon("cross"), cls="button", name="done", **icon_only("Stop selecting"), **_in_list(back)),
            cls="actions",
        ),
        id=_FORM,
        cls="selecting",
        aria_label="Selected conversations",
    )


def checkbox(conversation: Conversation) -> FT:
    """Return the checkbox of a row."""
    return input_(
        type="checkbox",
        name="conversation",
        value=conversation.id,
        form=_FORM,
        id=f"select-{conversation.id}",
        aria_label=f"Select {conversation.title}",
        autocomplete="off",
    )


def _act(action: str, shape: str, words: str) -> FT:
    shown: Child = icon(shape)
    return button(shown, cls="button", name="action", value=action, type="submit", **icon_only(words))


def _in_list(url: str) -> dict[str, str]:
    return {**swaps(url, "#history-list"), "hx_swap": "outerMorph"}
