"""Routes for POST requests, with their limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from starlette.routing import Match, Route
from starlette.types import Scope

ErrorPlace: TypeAlias = Literal["composer", "scripts"]


class PostRoute(Route):
    """A route that takes a form or a result.

    Args:
        body: The largest body, in bytes.
        errors: Where the page shows an error: at the composer, or in the scripts room.
    """

    def __init__(self, path: str, endpoint: Any, *, name: str, body: int, errors: ErrorPlace) -> None:
        super().__init__(path, endpoint, methods=["POST"], name=name)
        self.body = body
        self.errors = errors


def largest_body(otherwise: int) -> Callable[[Scope], int]:
    """Return a function that returns the largest body of a request: its route's limit, or `otherwise`."""

    def limit(scope: Scope) -> int:
        route = _post_route(scope)
        return route.body if route else otherwise

    return limit


def error_place(scope: Scope) -> ErrorPlace:
    """Return where the page shows a request's error."""
    route = _post_route(scope)
    return route.errors if route else "composer"


def _post_route(scope: Scope) -> PostRoute | None:
    # The guards run before the router has set the scope's route.
    routes = (route for route in scope["app"].routes if isinstance(route, PostRoute))
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)
