"""The static files as an ASGI app: versioned URLs, immutable caching, compression."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .joining import import_joined, join_modules, join_styles

STATIC = Path(__file__).parents[1] / "static"

RUNTIME = "vendor/pyodide/"
"""The folder of the Python that runs in the browser."""

STYLES = (
    "tokens",
    "base",
    "controls",
    "layout",
    "history",
    "conversation",
    "files",
    "marks",
    "phone",
    "figures",
    "motion",
)
"""The modules `css/{name}.css` that make up `css/chat.css`, in the order of the cascade."""

TURN_STYLES = ("answers", "branches", "feedback", "cards", "prose", "proposals")
"""The modules `css/{name}.css` that make up `css/turns.css`, which only pages with turns need."""

LATE_STYLES = ("asides", "edit", "file-window", "forms", "inspector", "reading", "rooms", "scripts", "share")
"""The modules `css/{name}.css` that a page loads when it needs them: `js/late.js`, exports and shared pages."""

PAGE = (
    "element",
    "asides",
    "late",
    "htmx",
    "focus",
    "following",
    "page",
    "rooms",
    "attaching",
    "changes",
    "composer",
    "history",
    "live",
    "log",
    "pressing",
    "sending",
    "zone",
    "chat",
)
"""The modules `js/{name}.js` that every page needs, served as one, `js/chat.js`; each after those that it imports."""

HTMX = ("htmx", "hx-sse")
"""The files `vendor/{name}.min.js` that make up `vendor/htmx.js`: one request for what every page needs."""

_FOREVER = "public, max-age=31536000, immutable"
_GZIP_FROM = 256  # bytes; below, the headers cost more than compression saves
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".py": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}
_PACKED = ".gz"
_COMPRESSED = frozenset({".png", ".webp", ".whl", ".woff2", ".zip"})


class Assets:
    """Serves the files below `directory` at `/{version}/{path}`.

    Mounted as `Mount("/static", assets)`. A URL with the current `version` is cached as immutable. A URL with any other
    version, from a page older or newer than this process, gets the current file and must be revalidated, so no page
    breaks during a deployment. Large files have a compressed copy in the folder, `pyodide.asm.wasm.gz`, which
    `scripts/vendor` writes; others are compressed at the first request.

    The folder is read once, by the constructor, and served from memory. Hidden files are left out. The style modules in
    `STYLES` are served as one file, `css/chat.css`, those in `TURN_STYLES` as `css/turns.css`, the modules in `PAGE` as
    `js/chat.js`, and the files in `HTMX` also as `vendor/htmx.js`. The style sheets and `js/chat.js` are served without
    comments.

    Args:
        apart: Subfolders, each with a trailing slash, whose files are large and seldom change. They are read at the
            first request and are not part of the version. Browsers keep them across deployments and revalidate them.

    Attributes:
        version: Twelve hexadecimal digits that change when any file changes, except those in `apart`.
    """

    def __init__(self, directory: str | Path = STATIC, *, apart: Collection[str] = (RUNTIME,)) -> None:
        directory = Path(directory)
        self._main = _Folder(directory, without=apart)
        self._apart = {path: _Folder(directory / path) for path in apart}
        digest = hashlib.sha256()
        for path, file in sorted(self._main.files.items()):
            digest.update(f"{path}\0{file.digest}\n".encode())
        self.version = digest.hexdigest()[:12]

    def __contains__(self, path: str) -> bool:
        """Return whether there is such a file: `"css/chat.css" in assets`."""
        return self._find(path) is not None

    def content(self, path: str) -> bytes:
        """Return a file's served content.

        Raises:
            KeyError: There is no such file.
        """
        file = self._find(path)
        if file is None:
            raise KeyError(path)
        return file.content

    def _find(self, path: str) -> _File | None:
        for prefix, folder in self._apart.items():
            if path.startswith(prefix):
                return folder.files.get(path.removeprefix(prefix))
        return self._main.files.get(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(scope)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return _plain("Method not allowed", 405, {"Allow": "GET, HEAD"})
        version, path = _address(scope)
        file = self._find(path)
        if file is None:
            return _plain("Not found", 404)
        request = Headers(scope=scope)
        body, encoding = file.content, ""
        if _accepts_gzip(request.get("accept-encoding", "")):
            body, encoding = file.compressed
        etag = f'"{file.digest[:16]}{"-" if encoding else ""}{encoding}"'
        headers = {
            "Cache-Control": _FOREVER if version == self.version and path in self._main.files else "no-cache",
            "ETag": etag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if _matches(request.getlist("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        headers |= {"Content-Type": file.type, "Content-Length": str(len(body))}
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(b"" if scope["method"] == "HEAD" else body, headers=headers)


class _Folder:
    """The files of a folder, read at the first access."""

    def __init__(self, directory: Path, without: Collection[str] = ()) -> None:
        self._directory = directory
        self._without = tuple(without)

    @cached_property
    def files(self) -> dict[str, _File]:
        contents = _read(self._directory, self._without)
        packed = {path: contents.pop(path + _PACKED) for path in list(contents) if path + _PACKED in contents}
        return {path: _File(path, content, packed.get(path)) for path, content in contents.items()}


class _File:
    def __init__(self, path: str, content: bytes, packed: bytes | None) -> None:
        suffix = Path(path).suffix.lower()
        self.content = content
        self.digest = hashlib.sha256(content).hexdigest()
        self.type = _TYPES.get(suffix, "application/octet-stream" if suffix else "text/plain; charset=utf-8")
        self._packed = packed
        self._worth_a_try = suffix not in _COMPRESSED and len(content) >= _GZIP_FROM

    @cached_property
    def compressed(self) -> tuple[bytes, str]:
        """The content for a client that accepts gzip, and its `Content-Encoding` (empty if not compressed)."""
        if not self._worth_a_try:
            return self.content, ""
        smaller = self._packed or gzip.compress(self.content, mtime=0)
        return (smaller, "gzip") if len(smaller) < len(self.content) else (self.content, "")


def _read(directory: Path, without: tuple[str, ...] = ()) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for file in sorted(directory.rglob("*")):
        path = file.relative_to(directory)
        hidden = any(part.startswith(".") for part in path.parts)
        if file.is_file() and not hidden and not path.as_posix().startswith(without):
            contents[path.as_posix()] = file.read_bytes()
    for name, names in {"chat": STYLES, "turns": TURN_STYLES}.items():
        if styles := _take(contents, "css/{}.css", names):
            contents[f"css/{name}.css"] = join_styles(styles).encode()
    for name, style in _take(contents, "css/{}.css", LATE_STYLES).items():
        contents[f"css/{name}.css"] = join_styles({name: style}).encode()
    if "js/chat.js" in contents:
        modules = _take(contents, "js/{}.js", PAGE)
        for script in [each for each in contents if each.startswith("js/") and each.endswith(".js")]:
            contents[script] = import_joined(contents[script].decode(), modules.keys(), PAGE[-1]).encode()
        contents["js/chat.js"] = join_modules(modules).encode()
    scripts = [contents[f"vendor/{name}.min.js"] for name in HTMX if f"vendor/{name}.min.js" in contents]
    if scripts:
        contents["vendor/htmx.js"] = b";\n".join(scripts)
    return contents


def _take(contents: dict[str, bytes], pattern: str, names: Collection[str]) -> dict[str, str]:
    """Take out the files of these names, those that are there."""
    paths = {name: pattern.format(name) for name in names}
    return {name: contents.pop(path).decode() for name, path in paths.items() if path in contents}


def _address(scope: Scope) -> tuple[str, str]:
    """Return the version and the file's path from the request's path below the mount."""
    path = str(scope["path"])
    root = str(scope.get("root_path", ""))
    if path.startswith(f"{root}/"):
        path = path[len(root) :]
    version, _, name = path.removeprefix("/").partition("/")
    return version, name


def _accepts_gzip(header: str) -> bool:
    """Parse `Accept-Encoding` (RFC 9110, section 12.5.3): a named coding overrides `*`, and `q=0` excludes it."""
    accepted: dict[str, bool] = {}
    for entry in header.lower().split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        accepted[coding] = not any(_refuses(parameter) for parameter in parameters)
    return accepted.get("gzip", accepted.get("x-gzip", accepted.get("*", False)))


def _refuses(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return False
    try:
        return not float(value) > 0
    except ValueError:
        return True


def _matches(fields: list[str], etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for field in fields for tag in field.split(",")}
    return etag in tags or "*" in tags


def _plain(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status, {"Cache-Control": "no-store", **(headers or {})}, "text/plain")
