"""Routes that take something, and what the route table says of them."""

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
        errors: Where the page shows why it was refused: beside the composer, or in the room of scripts.
    """

    def __init__(self, path: str, endpoint: Any, *, name: str, body: int, errors: ErrorPlace) -> None:
        super().__init__(path, endpoint, methods=["POST"], name=name)
        self.body = body
        self.errors = errors


def largest_body(otherwise: int) -> Callable[[Scope], int]:
    """Return what tells the largest body of a request; `otherwise` holds for those that no route takes."""

    def limit(scope: Scope) -> int:
        route = _post_route(scope)
        return route.body if route else otherwise

    return limit


def error_place(scope: Scope) -> ErrorPlace:
    """Return where the page shows why a request was refused."""
    route = _post_route(scope)
    return route.errors if route else "composer"


def _post_route(scope: Scope) -> PostRoute | None:
    # Guards refuse requests before the application has looked for their route.
    routes = (route for route in scope["app"].routes if isinstance(route, PostRoute))
    return next((route for route in routes if route.matches(scope)[0] is Match.FULL), None)
