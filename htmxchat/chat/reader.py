"""The backend as the readers of shared pages ask it: they are no users."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import TypeVar

from ..backend import Backend
from ..errors import NotFound
from ..files.file import File
from ..models import Turn
from ..sharing import CanShare, SharedPage
from .bound import answered

T = TypeVar("T")


class Reader:
    """Asks for what a key leads to, with a timeout and every failure as a `ChatError`.

    Where nothing is shared, every key leads nowhere: `NotFound`.
    """

    def __init__(self, backend: Backend, seconds: float) -> None:
        self._backend = backend if isinstance(backend, CanShare) else None
        self._seconds = seconds

    async def open_share(self, key: str) -> SharedPage:
        return await self._ask(self._shares.open_share(key))

    async def read_shared(self, page: SharedPage, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        return await self._ask(self._shares.read_shared(page, turn_ids))

    async def open_shared_file(self, key: str, file_id: str) -> tuple[File, AsyncGenerator[bytes, None]]:
        return await self._ask(self._shares.open_shared_file(key, file_id))

    @property
    def _shares(self) -> CanShare:
        if self._backend is None:
            raise NotFound
        return self._backend

    async def _ask(self, answer: Awaitable[T]) -> T:
        return await answered(answer, self._seconds)
