"""Routes for POST requests, with their limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.types import Scope

from .limits import Bounds

ErrorPlace: TypeAlias = Literal["composer", "scripts", "files"]


class PostRoute(Route):
    """A route that takes a form or a result.

    Args:
        body: The largest body, in bytes.
        errors: Where the page shows an error: at the composer, in the scripts room, or where the page's script for
            files shows it.
        files: The limits of a form with files; `None` if files are not accepted.
    """

    def __init__(
        self,
        path: str,
        endpoint: Any,
        *,
        name: str,
        body: int,
        errors: ErrorPlace,
        files: Bounds | None = None,
    ) -> None:
        super().__init__(path, endpoint, methods=["POST"], name=name)
        self.body = body
        self.errors = errors
        self.files = files


def body_bounds(usual: Bounds) -> Callable[[Scope], Bounds]:
    """Return what tells what bounds the body of a request; `usual` holds for those that no route takes."""

    def bounds(scope: Scope) -> Bounds:
        route = _post_route(scope)
        if route is None:
            return usual
        if route.files is not None and has_files(Headers(scope=scope)):
            return route.files
        return replace(usual, size=route.body)

    return bounds


def has_files(headers: Headers) -> bool:
    """Return whether a request says that its body is a form which may have files."""
    return headers.get("content-type", "").split(";")[0].strip().lower() == "multipart/form-data"


def error_place(scope: Scope) -> ErrorPlace:
    """Return where the page shows a request's error."""
    route = _post_route(scope)
    return route.errors if route else "composer"


def _post_route(scope: Scope) -> PostRoute | None:
    # The guards run before the router has set the scope's route.
    routes = (route for route in scope["app"].routes if isinstance(route, PostRoute))
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)
