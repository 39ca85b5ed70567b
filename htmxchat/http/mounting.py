"""Where the chat is mounted, told in the one way that the rest of it relies on."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class WholePath:
    """ASGI middleware that puts `root_path` back where it belongs, at the beginning of `path`.

    ASGI has it so, and uvicorn's `--root-path` does it. `FastAPI(root_path=...)` and some servers name a prefix that a
    proxy takes off without putting it before the path: then a mounted application would find none of its routes.
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
