"""The server's routes, as typed calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from typing import Any, Concatenate, TypeVar
from urllib.parse import quote

import httpx

from ....errors import BackendError, NotFound
from ....text.cleaning import read_json
from ...event_stream import ServerEvent as Frame
from ...event_stream import TooLarge, events_in
from ..translation import problems, replies
from ..translation.replies import ServerEvent, ServerRun
from .http import Http, unreachable

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_TIMEOUT, _RESUME = 10.0, 600.0  # seconds


def _reads(
    path: str, read: Callable[[Any], T], *, slow: bool = False
) -> Callable[Concatenate[Client, str, ...], Coroutine[Any, Any, T]]:
    """Return a method that takes a token and what goes into the path.

    Args:
        slow: The server reads a whole conversation for it.
    """

    async def ask(self: Client, token: str, *parts: str | int) -> T:
        return await self._http.get(token, _path(path, *parts), read, slow=slow)

    return ask


class Client:
    """Talks to one server for many users; every call takes the user's token. asyncio only.

    Args:
        base_url: Where the server is: `http://host:port`, with a path if it has one.
        poll: Seconds between two polls for events; `None` to get them as a stream.
        transport: For tests and for special networks.
    """

    def __init__(
        self, base_url: str, *, poll: float | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = Http(base_url, _TIMEOUT, transport)
        self._poll = poll

    async def close(self) -> None:
        """Close all connections. The next call opens new ones."""
        await self._http.close()

    account = _reads("/api/auth/me", replies.read_account)
    # The server reads all conversations of a user completely to list them: ask seldom.
    conversations = _reads("/api/conversations", replies.read_conversations, slow=True)
    conversation = _reads("/api/conversations/{}", replies.read_conversation, slow=True)
    turns = _reads("/api/conversations/{}/turns", replies.read_turns, slow=True)
    run = _reads("/api/runs/{}", replies.read_run)
    steps = _reads("/api/runs/{}/steps", replies.read_steps)
    # The events after a number, without waiting.
    poll = _reads("/api/runs/{}/events/poll?after_seq={}&limit=500", replies.read_events)
    resume_contract = _reads("/api/runs/{}/resume-contract", replies.mapping)
    # The workflow's state after a step; `NotFound` if the server did not store it.
    checkpoint = _reads("/api/runs/{}/checkpoints/{}", replies.read_state)
    _checkpoints = _reads("/api/runs/{}/checkpoints", replies.read_last_state)
    # Some servers do not have this route, and 0.6 refuses it on its usual database.
    evidence = _reads("/api/runs/{}/evidence", replies.read_evidence)

    async def last_state(self, token: str, id: str) -> Mapping[str, Any]:
        """Return the workflow's state at the last checkpoint; empty if there is none."""
        number = (await self.resume_contract(token, id)).get("latest_checkpoint_step_seq")
        return await (self.checkpoint(token, id, number) if isinstance(number, int) else self._checkpoints(token, id))

    async def events(self, token: str, run_id: str, after: int) -> AsyncGenerator[ServerEvent, None]:
        """Yield the events of a run after a number, as they come, until the server ends the stream.

        The end of the stream says nothing about the run. There is no read timeout: the reader has its own.
        """
        while self._poll is not None:
            for polled in await self.poll(token, run_id, after):
                yield polled
                after = polled.seq
            await asyncio.sleep(self._poll)
        try:
            async with self._http.stream(token, _path("/api/runs/{}/events?after_seq={}", run_id, after)) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise await self._http.refused(token, response)
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    raise BackendError(problems.NOT_UNDERSTOOD)
                async for frame in events_in(response.aiter_bytes()):
                    if (event := _event(frame)) is not None:
                        yield event
        except TooLarge:
            raise BackendError(problems.NOT_UNDERSTOOD) from None
        except httpx.HTTPError as error:
            raise unreachable(error) from None

    async def create_conversation(self, token: str, id: str, user_id: str) -> None:
        body = {"conversation_id": id, "user_id": user_id}
        await self._http.post(token, "/api/conversations", replies.read_conversation, body)

    async def answer(self, token: str, conversation_id: str, text: str, workflow_id: str) -> ServerRun:
        """Store a user's turn and start the run that answers it."""
        path = _path("/api/conversations/{}/turns:answer", conversation_id)
        return await self._http.post(token, path, replies.read_run, {"text": text, "workflow_id": workflow_id})

    async def start_workflow(
        self, token: str, conversation_id: str, workflow_id: str, initial_state: Mapping[str, Any]
    ) -> ServerRun:
        body = {"workflow_id": workflow_id, "conversation_id": conversation_id, "initial_state": dict(initial_state)}
        return await self._http.post(token, "/api/workflow/runs", replies.read_run, body)

    async def cancel(self, token: str, run_id: str) -> None:
        """Ask a run to stop. It ends when its present step does."""
        await self._http.post(token, _path("/api/runs/{}/cancel", run_id), replies.mapping)

    async def resume(self, token: str, run_id: str, body: Mapping[str, Any], *, workflow: bool) -> Mapping[str, Any]:
        """Answer a suspended run; returns its result, when the rest of the workflow has run."""
        path = _path("/api/workflow/runs/{}/resume" if workflow else "/api/runs/{}/resume", run_id)
        return await self._http.post(token, path, replies.mapping, dict(body), seconds=_RESUME)


def _path(path: str, *parts: str | int) -> str:
    """Return a path with ids in it, one segment each. The server finds no ids with a slash."""
    ids = [str(part) for part in parts]
    if any(not id or id in (".", "..") or "/" in id for id in ids):
        raise NotFound
    return path.format(*(quote(id.encode("utf-8", "replace"), safe="") for id in ids))


def _event(frame: Frame) -> ServerEvent | None:
    try:
        number = int(frame.id) if frame.id.isascii() and frame.id.isdigit() else None
        return replies.read_event(read_json(frame.data), number, frame.type)
    except (ValueError, KeyError, TypeError):
        log.warning("An event of the kogwistar server was not understood.")
        return None
