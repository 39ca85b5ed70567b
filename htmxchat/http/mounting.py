"""Normalizes the mount path, so that the rest of the chat can rely on it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class WholePath:
    """ASGI middleware that ensures that `path` begins with `root_path`.

    ASGI requires this, and uvicorn's `--root-path` does it. `FastAPI(root_path=...)` and some servers set `root_path`
    to a prefix that a proxy strips, but do not add it to `path`: then a mounted application would not find its routes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root = str(scope.get("root_path", "")).rstrip("/")
            outer = str(scope.get("app_root_path", root)).rstrip("/")
            whole = outer + scope["path"]
            if not _below(scope["path"], root) and _below(whole, root):
                scope = {**scope, "path": whole}
        await self._app(scope, receive, send)


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
