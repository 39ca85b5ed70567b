"""Pictures that a model makes: each is sent once, however often a server repeats it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ...agent import SendFile
from ..attachments import decoded, media_file

_MOST = 20


class Pictures:
    """The pictures of one reply."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def of(self, url: object) -> Iterator[SendFile]:
        """Yield the picture of a `data:` URL. An address is not fetched: it could be any."""
        found = decoded(url)
        if found is None or not found[0].startswith("image/") or len(self._seen) >= _MOST:
            return
        digest = hashlib.sha256(found[1]).digest()
        if digest not in self._seen:
            self._seen.add(digest)
            yield SendFile(media_file(len(self._seen), found[0]), found[1])
