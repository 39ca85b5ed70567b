"""What a model is given of the files of a conversation: their content, as far as there is room, or words about them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..agent import Request
from ..errors import ChatError
from ..files.file import File
from ..models import Turn
from ..text.phrases import byte_size

MOST = 8 * 1024 * 1024
"""So many bytes of files a model is given, the latest first."""

UNSEEN = "you cannot see pictures"
UNREAD = "you cannot read files of this type"
_NO_ROOM = "it is too large to be shown to you"
_GONE = "it cannot be read now"


@dataclass(frozen=True, slots=True)
class Given:
    """A file as a model is given it.

    Attributes:
        content: Its bytes; `None` when it is not given.
        why: Why not, in words for the model.
    """

    file: File
    content: bytes | None = None
    why: str = ""

    @property
    def text(self) -> str | None:
        """The content of a text."""
        if self.content is None or not self.file.is_text:
            return None
        return self.content.decode("utf-8", "replace")

    @property
    def url(self) -> str:
        """The content as a `data:` URL."""
        return f"data:{self.file.media_type};base64,{self.encoded}"

    @property
    def encoded(self) -> str:
        return base64.b64encode(self.content or b"").decode()

    @property
    def words(self) -> str:
        """What a model is told of a file: the text, or that there is one which it does not get."""
        described = f"“{self.file.name}” ({self.file.media_type}, {byte_size(self.file.size)})"
        if (text := self.text) is not None:
            fence = max(re.findall("`{3,}", text), key=len, default="``") + "`"
            return f"[The user attached {described}:]\n{fence}\n{text}\n{fence}"
        why = f", but {self.why}" if self.why else ""
        return f"[The user attached {described}{why}.]"


Wanted = Callable[[File], str]
"""Says why a model is not given a file, in words for it; empty when it is."""


async def given_files(request: Request, turns: Sequence[Turn], wanted: Wanted, most: int = MOST) -> Mapping[str, Given]:
    """Return what a model is given of the files of a request and of earlier turns, by their ids.

    Args:
        most: How many bytes together. The latest come first.
    """
    found: dict[str, Given] = {}
    for file in reversed([*(file for turn in turns for file in turn.files), *request.files]):
        if file.id in found:
            continue
        why, content = wanted(file), None
        if not why and file.size > most:
            why = _NO_ROOM
        if not why:
            try:
                content = await file.read(limit=most)
                most -= file.size
            except (ChatError, RuntimeError):
                why = _GONE
        found[file.id] = Given(file, content, why)
    return found


def of(files: Iterable[File], given: Mapping[str, Given]) -> tuple[Given, ...]:
    """Return what a model is given of some files."""
    return tuple(given.get(file.id) or Given(file, why=_GONE) for file in files)


def with_words(text: str, given: Iterable[Given]) -> str:
    """Return a message with all that is told of files in words: texts, and what is not given."""
    told = [each.words for each in given if each.content is None or each.text is not None]
    return "\n\n".join(filter(None, [text, *told]))


def sent_words(files: Iterable[File]) -> str:
    """Return what a model is told of files that it has sent itself."""
    return f"[Sent to the user: {', '.join(file.name for file in files)}]"


def media_file(number: int, media_type: str) -> str:
    """Return what a file is called that a model sends without a name."""
    ending = re.sub(r"[^a-z0-9]", "", media_type.partition("/")[2].partition("+")[0].partition(";")[0].lower())[:8]
    kind = "picture" if media_type.startswith("image/") else "file"
    return f"{kind}-{number}.{'jpg' if ending == 'jpeg' else ending or 'bin'}"


def decoded(url: object, most: int = MOST) -> tuple[str, bytes] | None:
    """Return the type and the content of a `data:` URL; `None` when it is none, or too long."""
    if not isinstance(url, str) or len(url) > most * 4 // 3 + 200:
        return None
    found = re.match(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.-]+)*;base64,", url)
    if found is None:
        return None
    try:
        return found[1], base64.b64decode(url[found.end() :], validate=True)
    except ValueError:
        return None
