"""`--agent module:object`: an agent of the user's own, whatever it is made with."""

from __future__ import annotations

from functools import reduce
from importlib import import_module
from typing import Any

import click

from .. import Backend, LocalBackend, Store
from .agents import Answering, Options


def python_object(options: Options, store: Store) -> Answering:
    """What stands at a place such as `agent:respond`: an agent, a responder, a framework's object, or a backend."""
    found = _find(options.agent)
    if isinstance(found, Backend) and not isinstance(found, type):
        if options.db:
            raise click.UsageError(f"{options.agent} is a backend, which has a store of its own: leave --db out")
        return Answering(found)
    try:
        return Answering(LocalBackend(_as_agent(found), store))
    except TypeError as error:
        raise click.UsageError(f"{options.agent} cannot answer: {error}") from None


def _find(place: str) -> Any:
    module, _, path = place.partition(":")
    if not module or not path:
        raise click.UsageError(f"--agent {place}: write module:object, such as agent:respond")
    try:
        there = import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        where = " here" if module.split(".")[0] == missing.split(".")[0] else f", which {module} imports"
        raise click.ClickException(f"There is no module {missing}{where}.") from None
    try:
        return reduce(getattr, path.split("."), there)
    except AttributeError as error:
        raise click.ClickException(f"{place} is not there: {error}.") from None


def _as_agent(found: Any) -> Any:
    # By the names of its classes' modules: what an object does not come from is not imported.
    frameworks = {kind.__module__.partition(".")[0] for kind in type(found).__mro__}
    if "pydantic_ai" in frameworks:
        from ..agents import pydantic_ai

        return pydantic_ai(found)
    if "langgraph" in frameworks:
        from ..agents import langgraph

        return langgraph(found)
    return found
