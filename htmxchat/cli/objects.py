"""`--agent module:object`: the user's own agent, made with any framework."""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from typing import Any

import click

from .. import Backend, LocalBackend, Store
from .agents import Answering, Options


def python_object(options: Options, store: Store) -> Answering:
    """Import an object such as `agent:respond`: an agent, a responder, a framework's agent, or a backend."""
    found = _find(options.agent)
    if isinstance(found, Backend) and not isinstance(found, type):
        if options.db:
            raise click.UsageError(f"{options.agent} is a backend with its own store: omit --db")
        return Answering(found)
    try:
        return Answering(LocalBackend(_as_agent(found), store))
    except TypeError as error:
        raise click.UsageError(f"{options.agent} is not an agent: {error}") from None


def _find(place: str) -> Any:
    module, _, path = place.partition(":")
    if not module or not path:
        raise click.UsageError(f"--agent {place}: write module:object, such as agent:respond")
    try:
        there = import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        where = "" if module.split(".")[0] == missing.split(".")[0] else f", which {module} imports"
        raise click.ClickException(f"No module named {missing}{where}.") from None
    try:
        return reduce(getattr, path.split("."), there)
    except AttributeError as error:
        raise click.ClickException(f"{place} does not exist: {error}.") from None


def _as_agent(found: Any) -> Any:
    # By the names of its classes' modules, so that only the framework it uses is imported.
    frameworks = {kind.__module__.partition(".")[0] for kind in type(found).__mro__}
    if "pydantic_ai" in frameworks:
        from ..agents import pydantic_ai

        return pydantic_ai(found)
    if "langgraph" in frameworks:
        from ..agents import langgraph

        return langgraph(found)
    return found
