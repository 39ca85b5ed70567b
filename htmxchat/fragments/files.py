"""Files: those that wait in the composer, and those that were sent.

Hooks: `#composer-files` holds what is to be sent, each a `.file` with `id="file-…"`, `data-state` and, in the composer,
an `input[name=file]`; `input[name=upload]` takes files where the page's script does not run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..files import File, Files
from ..html import FT, tag
from ..kinds import checked
from ..text.phrases import byte_size
from ..urls import Urls

a, div, input_, label, span = map(tag, ["a", "div", "input", "label", "span"])

DRAFTS = "composer-files"
"""The id of the place for what is to be sent with the next message."""


@checked
def file_fields(files: Files, drafts: Sequence[File], urls: Urls) -> list[FT]:
    """Return what of the composer takes files, and holds those that it has got."""
    return [
        div([draft_tile(each, urls) for each in drafts], cls="files", id=DRAFTS),
        label("Files", cls="hidden", for_="upload"),
        input_(
            type="file",
            name="upload",
            id="upload",
            multiple=files.max_number > 1,
            accept=files.accept or None,
        ),
    ]


@checked
def draft_tile(file: File, urls: Urls) -> FT:
    """Return a file that is to be sent."""
    return _tile(file, urls, "draft", input_(type="hidden", name="file", value=file.id, form="composer"))


@checked
def sent_files(files: Sequence[File], urls: Urls, *, id: str | None = None) -> FT:
    """Return files that stand together in a turn."""
    return div([sent_tile(each, urls) for each in files], cls="files", id=id)


@checked
def sent_tile(file: File, urls: Urls) -> FT:
    """Return a file that was sent."""
    return _tile(file, urls, "sent")


def _tile(file: File, urls: Urls, state: str, *more: FT) -> FT:
    link = a(file.name, href=urls.file(file.id), download=file.name, dir="auto")
    return div(
        link, " ", span(byte_size(file.size), cls="size"), *more, cls="file", id=f"file-{file.id}", data_state=state
    )
