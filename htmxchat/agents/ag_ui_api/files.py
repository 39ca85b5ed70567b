"""Files of users as AG-UI's parts of a message. Pure.

What is kept between two runs of the server's has a mark in place of each content: the journal has that already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...events import JSON
from ...files.file import File
from .. import attachments
from ..attachments import Given
from .translation.fields import known, mapping, objects
from .translation.messages import Message

_MARK = "htmxchat-file:"
_KINDS = ("image", "audio", "video")


def content_of(text: str, files: Iterable[File], given: Mapping[str, Given]) -> JSON:
    """Return the content of a message: its text alone, or parts."""
    found = attachments.of(files, given)
    whole = "\n\n".join(filter(None, [text, *(each.words for each in found)]))
    parts = [_part(each) for each in found if each.content is not None and each.text is None]
    return [{"type": "text", "text": whole}, *parts] if parts else whole


def filled(messages: Iterable[Message], given: Mapping[str, Given]) -> list[Message]:
    """Return messages with the content of files; a file for which there is no room is only named."""

    def part(part: dict[str, Any]) -> dict[str, Any] | None:
        value = known(mapping(part.get("source")).get("value"))
        if not value.startswith(_MARK):
            return part
        found = given.get(value.removeprefix(_MARK))
        if found is None or found.content is None:
            return None
        return {**part, "source": {**part["source"], "value": found.encoded}}

    return [_with_parts(each, part) for each in messages]


def marked(messages: Iterable[Message], given: Mapping[str, Given]) -> list[Message]:
    """Undo `filled`: a server may send the messages back."""
    marks = {each.encoded: f"{_MARK}{id}" for id, each in given.items() if each.content}

    def part(part: dict[str, Any]) -> dict[str, Any]:
        mark = marks.get(known(mapping(part.get("source")).get("value")))
        return part if mark is None else {**part, "source": {**part["source"], "value": mark}}

    return [_with_parts(each, part) for each in messages]


def _part(given: Given) -> JSON:
    kind = given.file.media_type.partition("/")[0]
    source = {"type": "data", "value": f"{_MARK}{given.file.id}", "mimeType": given.file.media_type}
    metadata = {"filename": given.file.name}
    return {"type": kind if kind in _KINDS else "document", "source": source, "metadata": metadata}


def _with_parts(message: Message, change: Any) -> Message:
    if not isinstance(message.get("content"), list):
        return message
    parts = [change(part) for part in objects(message, "content")]
    return {**message, "content": [part for part in parts if part is not None]}
