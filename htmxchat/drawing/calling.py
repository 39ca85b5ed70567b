"""Calls the host's functions. Whatever a function does, the result is HTML or a sentence."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from .. import checks
from ..html import FT, Child, NotStr, raw, render
from ..look import at_host
from ..urls import Urls
from .models import FENCE, Drawing, DrawPart, JsonObject, Order
from .nesting import misfit

_log = logging.getLogger("htmxchat")

_MAX_LENGTH = 500_000
_EXAMPLE = "def draw(data, context)"
_WANTED = "Return a component, P(…), text, which is escaped, or HTML with a method __html__."


class _Nonsense(Exception):
    """What a function returned cannot be shown; the words say why, without its name."""


def check_parts(parts: Any) -> Mapping[str, DrawPart]:
    """Return the functions of `create_chat_app(parts=…)`.

    Raises:
        TypeError: It is no mapping of names to functions of two arguments.
        ValueError: A name is empty, or one of fenced code has no language in lower case.
    """
    if not isinstance(parts, Mapping):
        raise TypeError(f'parts must be a mapping, {{"get_forecast": draw_forecast}}, not {checks.kind(parts)}.')
    for name, function in parts.items():
        checks.text("A name in parts", name, empty=False)
        language = name.removeprefix(FENCE)
        if language != name and (language.split() != [language] or language != language.lower()):
            raise ValueError(f'{called(name)} must be named after one language in lower case: "```mermaid".')
        checks.synchronous(called(name), function, _EXAMPLE)
        if not checks.takes(function, 2):
            raise TypeError(f"{called(name)} is called with data and a context: write {_EXAMPLE}.")
    return MappingProxyType(dict(parts))


def called(name: str) -> str:
    """Return what the function for a name is called in sentences."""
    return f"parts[{checks.shown(name)}]"


def draw(function: DrawPart, order: Order) -> Drawing:
    """Call the function. What goes wrong is in the log."""
    who, context = called(order.context.name), order.context
    try:
        # Copies: what the function does to them is no one else's business.
        written = json.dumps([order.data, context.arguments], skipkeys=True, default=str)
        copies = json.loads(written, object_hook=JsonObject)
        return Drawing(_html(function(copies[0], replace(context, arguments=copies[1])), context.root))
    except _Nonsense as error:
        _log.error("%s %s It draws %s.", who, error, context.id)
        return Drawing("", f"{who} {error}")
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        _log.exception("%s failed. It draws %s", who, context.id)
        return Drawing("", f"{who} raised {type(error).__name__}. The server's log has the traceback.")


def _html(returned: Any, root: str) -> str:
    html = render(at_host(_content(returned), Urls(host=root)))
    if len(html) > _MAX_LENGTH:
        raise _Nonsense(f"returned {len(html):,} characters of HTML. Return {_MAX_LENGTH:,} at most.")
    if problem := misfit(html):
        raise _Nonsense(f"returned HTML that {problem}.")
    return html


def _content(returned: Any) -> Child:
    if isinstance(returned, FT | NotStr):
        return returned
    if isinstance(returned, list | tuple):
        return [_content(each) for each in returned]
    if hasattr(returned, "__html__") and not isinstance(returned, type):
        return raw(str(returned.__html__()))
    if hasattr(returned, "__ft__") and not isinstance(returned, type):
        return _content(returned.__ft__())
    if isinstance(returned, str):
        return returned
    if inspect.iscoroutine(returned):
        returned.close()  # or Python complains that no one has awaited it
    raise _Nonsense(f"returned {checks.kind(returned)}. {_WANTED}")
