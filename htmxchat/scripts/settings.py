"""The host's settings for scripts in the browser."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from ..kinds import check_fields

_MEGABYTE = 1024 * 1024
_ORIGIN = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """How Python runs in the user's browser, in a sandbox without a network.

    Attributes:
        pyodide_url: The folder of Pyodide's core files, if not those in htmxchat: a path on this site, `"/pyodide/"`,
            or a URL whose host allows the chat's origin (CORS).
        packages_url: The folder of a full Pyodide distribution of the same version, as a path or URL. Imported packages
            are loaded from it. Without it, scripts have only the standard library.
        timeout: The most seconds that a script may run.
        load_timeout: The most seconds without progress while Python or a package is loaded.
        idle_timeout: Seconds without a script after which a page frees Python's memory.
        memory: The most bytes that a script's Python may use, from 64 MB to 4 GB.
        trust: Whether users may approve all scripts of a conversation in advance. If not, each needs approval.

    Raises:
        ValueError: A setting is invalid.
    """

    pyodide_url: str | None = None
    packages_url: str | None = None
    timeout: float = 30.0
    load_timeout: float = 60.0
    idle_timeout: float = 300.0
    memory: int = 512 * _MEGABYTE
    trust: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("pyodide_url", "packages_url"):
            url = getattr(self, name)
            if url is not None:
                _check_folder(name, url)
        for field in fields(self):
            if field.name.endswith("timeout"):
                seconds = getattr(self, field.name)
                if not (math.isfinite(seconds) and 0 < seconds <= 86_400):
                    raise ValueError(
                        f"{field.name} must be a number of seconds above 0, a day at most, not {seconds!r}."
                    )
        if not 64 * _MEGABYTE <= self.memory <= 4096 * _MEGABYTE:
            raise ValueError(f"memory must be a number of bytes from 64 MB to 4 GB, not {self.memory!r}.")

    @property
    def origins(self) -> tuple[str, ...]:
        """The other origins from which pages load Python, for the Content-Security-Policy."""
        urls = [urlsplit(url) for url in (self.pyodide_url, self.packages_url) if url]
        return tuple(dict.fromkeys(f"{url.scheme}://{url.netloc}" for url in urls if url.netloc))


def _check_folder(name: str, url: str) -> None:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    known = _ORIGIN.fullmatch(origin) if parts.netloc else url.startswith("/")
    if not known or parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f'{name} must be the address of a folder, "https://host/folder/" or "/folder/", not {url!r}.')
    if not url.endswith("/"):
        raise ValueError(f"{name} must end with a slash, {url + '/'!r}.")
