"""The backend as the chat asks it: who the user is comes first, before each call."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from functools import wraps
from typing import Any

from htmxchat import User
from htmxchat.agents import kogwistar


class KogwistarBackend(kogwistar.KogwistarBackend):
    """Takes users as the host knows them, so that a test need not ask for their accounts."""


def _asking(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def ask(self: KogwistarBackend, user: User, *args: Any, **kwargs: Any) -> Any:
        return await method(self, await self.account(user), *args, **kwargs)

    @wraps(method)
    async def read(self: KogwistarBackend, user: User, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        async for batch in method(self, await self.account(user), *args, **kwargs):
            yield batch

    return ask if inspect.iscoroutinefunction(method) else read


for _name, _method in inspect.getmembers(kogwistar.KogwistarBackend, inspect.isfunction):
    if "user" in inspect.signature(_method).parameters and _name != "account" and not _name.startswith("_"):
        setattr(KogwistarBackend, _name, _asking(_method))
