"""The page that takes a conversation that was exported.

Hooks: `form#import`.
"""

from __future__ import annotations

from ...html import tag
from ...kinds import checked
from ...urls import Urls
from ..shell import Frame, message_page

a, button, div, form, input_, label, p = map(tag, ["a", "button", "div", "form", "input", "label", "p"])


_SENTENCE = "It comes back with all its branches, answers and files. Nothing in it is run."


@checked
def import_page(*, urls: Urls, frame: Frame, limit: str, error: str | None = None) -> str:
    """Return the page.

    Args:
        limit: How large a file may be, in words.
        error: Why the last one could not be taken.
    """
    fields = form(
        label("A file made by “Export as JSON”", for_="import-file"),
        input_(
            type="file",
            name="upload",
            id="import-file",
            accept=".json,application/json",
            required=True,
            aria_describedby="import-limit" + (" import-error" if error else ""),
        ),
        p(f"Up to {limit}. It becomes a new conversation.", cls="meta", id="import-limit"),
        p(error, cls="wrong", id="import-error", role="alert", dir="auto") if error else None,
        div(
            button("Import", cls="button", data_kind="primary", type="submit"),
            a("Cancel", cls="button", data_kind="quiet", href=urls.home()),
            cls="actions",
        ),
        id="import",
        method="post",
        action=urls.import_conversation(),
        enctype="multipart/form-data",
    )
    return message_page(urls=urls, frame=frame, title="Import a conversation", sentence=_SENTENCE, action=fields)
