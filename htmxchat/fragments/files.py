"""Files: the tiles that stand for them in the composer, in messages and in answers.

Hooks: `.files`, a list of `.file` with `data-file`; in the composer `#composer-files` and `chat-files`; in a message
that is being edited `#edit-files` and another `chat-files`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..files import File, Files
from ..html import FT, Child, icon, tag
from ..kinds import checked
from ..text.phrases import byte_size
from ..urls import Urls
from .controls import icon_only

a, b, button, img, input_ = map(tag, ["a", "b", "button", "img", "input"])
label, li, p, span, ul = map(tag, ["label", "li", "p", "span", "ul"])
chat_files = tag("chat-files")

DRAFTS = "composer-files"
"""The id of the list of what goes with the message that is being written."""

EDITED = "edit-files"
"""The id of the list of what goes with the message that is being edited."""

_LARGEST_THUMB = 8 * 1024 * 1024
"""Bytes of a picture that a page fetches to show it small."""

_KINDS = {
    "image/*": "images",
    "audio/*": "sound",
    "video/*": "video",
    "text/*": "text",
    "text/plain": "text",
    "text/csv": "CSV",
    "text/markdown": "Markdown",
    "application/pdf": "PDF",
    "application/json": "JSON",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "application/zip": "ZIP",
}


@checked
def draft_tile(file: File, urls: Urls, *, sent: bool = False) -> FT:
    """Return the tile of a file that goes with the message that is being written.

    Without the page's script, a box says whether it does; with it, `button[name=remove]` takes it away.

    Args:
        sent: Whether another version of the message has it too, so that it is not discarded when it is taken away.
    """
    return li(
        _inside(file, urls),
        input_(
            type="checkbox",
            name="file",
            value=file.id,
            checked=True,
            autocomplete="off",
            aria_label=f"Send {file.name}",
        ),
        button(icon("cross"), cls="button", type="button", name="remove", **icon_only(f"Remove {file.name}")),
        cls="file",
        data_file=file.id,
        data_state="draft",
        data_discard=None if sent else urls.discard_file(file.id),
    )


@checked
def sent_tile(file: File, urls: Urls) -> FT:
    """Return the tile of a file that was sent."""
    return li(_inside(file, urls), cls="file", data_file=file.id, data_state="sent")


@checked
def sent_files(files: Sequence[File], urls: Urls, *, id: str | None = None) -> FT | None:
    """Return the tiles of the files of a message or of an answer; nothing without any.

    In an answer (`id`), a picture is large enough to be looked at.
    """
    if not files:
        return None
    tiles = [_shown(file, urls) if id and _has_thumb(file) else sent_tile(file, urls) for file in files]
    return ul(tiles, cls="files", id=id, aria_label="Files")


@checked
def attach(files: Files, urls: Urls, *, before: Sequence[File] | None = None) -> FT:
    """Return what adds files to a message, with the limits that the page's script checks before it uploads any.

    Args:
        before: What the message had before it was edited; `None`: it is a new one.
    """
    words, limits_id = limits_in_words(files), "files-limits" if before is None else "edit-files-limits"
    return chat_files(
        label(
            icon("attach"),
            input_(
                type="file",
                name="upload",
                multiple=files.max_number > 1,
                accept=files.accept or None,
                aria_label="Attach files",
                aria_describedby=limits_id,
            ),
            cls="button attach",
            data_kind="icon",
            title=f"Attach files: {words}",
        ),
        span(cls="pending"),
        p(b("Drop to attach"), span(words, id=limits_id), cls="drop"),
        data_url=urls.files(),
        data_size=str(files.max_size),
        data_largest=byte_size(files.max_size),
        data_number=str(files.max_number),
        data_types=",".join(files.types) or None,
        data_before=None if before is None else " ".join(file.id for file in before),
    )


@checked
def drafts(files: Sequence[File], urls: Urls, *, before: Sequence[File] | None = None) -> FT:
    """Return the list of what goes with the message that is being written; `before` as for `attach`."""
    tiles = [draft_tile(file, urls, sent=file in (before or ())) for file in files]
    return ul(tiles, cls="files", id=DRAFTS if before is None else EDITED, aria_label="Attached files")


@checked
def limits_in_words(files: Files) -> str:
    """Return what may be sent: "Images, CSV and PDF, up to 25 MB each, 10 at a time"."""
    kinds = list(dict.fromkeys(_kind(each) for each in files.types)) or ["any file"]
    last = f" and {kinds.pop()}" if len(kinds) > 1 else ""
    what = ", ".join(kinds) + last
    size, number = byte_size(files.max_size), files.max_number
    return (
        f"{what[0].upper()}{what[1:]}, up to {size} each, {number} at a time" if number > 1 else f"{what}, up to {size}"
    )


def _kind(media_type: str) -> str:
    if media_type in _KINDS:
        return _KINDS[media_type]
    kind, _, name = media_type.partition("/")
    return kind if name == "*" else name.removeprefix("x-")


def _inside(file: File, urls: Urls) -> list[Child]:
    return [_thumb(file, urls), _name(file, urls), span(byte_size(file.size), cls="meta")]


def _name(file: File, urls: Urls) -> FT:
    """Return the name, which opens the file before one's eyes where that can be, and saves it otherwise."""
    opens = urls.file_preview(file.id) if file.is_picture or file.is_text else None
    return a(
        file.name,
        cls="name",
        href=urls.file(file.id),
        download=file.name,
        title=file.name,
        dir="auto",
        data_preview=opens,
    )


def _has_thumb(file: File) -> bool:
    return file.is_picture and file.size <= _LARGEST_THUMB


def _thumb(file: File, urls: Urls) -> FT:
    if not _has_thumb(file):
        return span(icon("file"), cls="thumb")
    return span(img(src=urls.file(file.id), alt="", loading="lazy", decoding="async"), cls="thumb")


def _shown(file: File, urls: Urls) -> FT:
    picture = img(src=urls.file(file.id), alt=file.name, loading="lazy", decoding="async")
    return li(
        span(picture, cls="thumb"),
        _name(file, urls),
        span(byte_size(file.size), cls="meta"),
        cls="file shown",
        data_file=file.id,
        data_state="sent",
    )
