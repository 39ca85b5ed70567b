"""Settings of an agent that may depend on the request: a value, or a function of it."""

from __future__ import annotations

import inspect
from typing import Any

from ..agent import Request


async def setting_for(setting: Any, request: Request) -> Any:
    """Return a setting's value for a request: a function is called, and its result awaited if it is a coroutine."""
    value = setting(request) if callable(setting) else setting
    return await value if inspect.isawaitable(value) else value
