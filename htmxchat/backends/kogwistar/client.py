"""The server's HTTP interface: one pool of connections, typed replies, plain errors."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from httpx_sse import EventSource, SSEError

from ...errors import BackendError, BackendUnavailable, NotAllowed, NotFound, NotSignedIn
from . import problems, replies
from .replies import Account, ServerConversation, ServerEvent, ServerRun, ServerTurn, Step, Submitted
from .tokens import claims, expired

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_TRIES = 3
_FIRST_PAUSE = 0.15
_LARGEST_ERROR = 65_536
_POLLED = 500


class Client:
    """Talks to one server for many users; every call takes the token of who asks. asyncio only.

    Reads are tried three times, with growing and jittered pauses. Calls that change something are made once: the
    server would do them twice.

    Args:
        base_url: Where the server is: `http://host:port`, with a path if it has one.
        timeout: Seconds that the server may be silent while it answers.
        resume_timeout: The same for `resume`, which answers when the rest of the workflow has run.
        transport: For tests and for special networks.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 10.0,
        resume_timeout: float = 600.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        url = httpx.URL(base_url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"base_url must be an http or https address, not {base_url!r}")
        self._base = str(url).rstrip("/")
        self._timeout = httpx.Timeout(timeout)
        self._long = httpx.Timeout(timeout, read=resume_timeout)
        self._transport = transport
        self._http: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Close all connections. The next call opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    # Reads

    async def account(self, token: str) -> Account:
        """Return who the token belongs to."""
        return await self._read(token, "/api/auth/me", replies.read_account)

    async def conversations(self, token: str) -> tuple[ServerConversation, ...]:
        """Return the user's conversations. The server reads all of all of them to say so: ask seldom."""
        return await self._read(
            token,
            "/api/conversations",
            lambda data: tuple(replies.read_conversation(item) for item in data["conversations"]),
            slow=True,
        )

    async def conversation(self, token: str, id: str) -> ServerConversation:
        return await self._read(token, f"/api/conversations/{_part(id)}", replies.read_conversation, slow=True)

    async def turns(self, token: str, id: str) -> tuple[ServerTurn, ...]:
        return await self._read(token, f"/api/conversations/{_part(id)}/turns", replies.read_turns, slow=True)

    async def run(self, token: str, id: str) -> ServerRun:
        return await self._read(token, f"/api/runs/{_part(id)}", replies.read_run)

    async def steps(self, token: str, id: str) -> tuple[Step, ...]:
        return await self._read(token, f"/api/runs/{_part(id)}/steps", replies.read_steps)

    async def last_state(self, token: str, id: str) -> Mapping[str, Any]:
        """Return the workflow state at the last checkpoint; empty when there is none."""
        path = f"/api/runs/{_part(id)}"
        contract = await self._read(token, f"{path}/resume-contract", replies.mapping)
        number = contract.get("latest_checkpoint_step_seq")
        if isinstance(number, int):
            found = await self._read(token, f"{path}/checkpoints/{number}", replies.mapping)
            return replies.mapping(found.get("state"))
        listed = (await self._read(token, f"{path}/checkpoints", replies.mapping)).get("checkpoints")
        last = replies.mapping(listed[-1]) if isinstance(listed, list) and listed else {}
        return replies.mapping(last.get("state"))

    async def evidence(self, token: str, id: str) -> dict[str, str]:
        """Return the summaries of what an answer rests on, by reference; servers before this route have none."""
        try:
            data = await self._read(token, f"/api/runs/{_part(id)}/evidence", replies.mapping)
        except NotFound:
            return {}
        refs = [replies.mapping(ref) for ref in data.get("evidence_refs") or ()]
        return {replies.text_at(ref, "ref"): replies.text_at(ref, "summary") for ref in refs}

    async def events(self, token: str, run_id: str, after: int) -> AsyncIterator[ServerEvent]:
        """Yield the events of a run after a number, as they come, until the server ends the stream.

        The end says nothing about the run. Silence has no limit here: whoever reads watches the clock.
        """
        url = f"{self._base}/api/runs/{_part(run_id)}/events"
        headers = {**_headers(token), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        timeout = httpx.Timeout(self._timeout.connect, read=None)
        try:
            async with self._client().stream(
                "GET", url, params={"after_seq": after}, headers=headers, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    raise await self._refused(token, response)
                # Splits on CR and LF only: the server sends U+2028 and its like raw.
                async for frame in EventSource(response).aiter_sse():
                    if frame.data and (event := _event(frame.data, frame.id, frame.event)) is not None:
                        yield event
        except SSEError:
            raise BackendError(problems.NOT_UNDERSTOOD) from None
        except httpx.HTTPError as error:
            raise _unreachable(error) from None

    async def poll(self, token: str, run_id: str, after: int) -> tuple[ServerEvent, ...]:
        """Return at most 500 events of a run after a number, without waiting."""
        path = f"/api/runs/{_part(run_id)}/events/poll?after_seq={after}&limit={_POLLED}"
        return await self._read(
            token, path, lambda data: tuple(replies.read_event(event) for event in data["events"])
        )

    # Changes

    async def create_conversation(self, token: str, id: str, user_id: str) -> ServerConversation:
        body = {"conversation_id": id, "user_id": user_id}
        return await self._post(token, "/api/conversations", replies.read_conversation, body)

    async def answer(self, token: str, conversation_id: str, text: str, workflow_id: str) -> Submitted:
        """Store a user's turn and begin to answer it."""
        path = f"/api/conversations/{_part(conversation_id)}/turns:answer"
        return await self._post(token, path, replies.read_submitted, {"text": text, "workflow_id": workflow_id})

    async def start_workflow(
        self, token: str, conversation_id: str, workflow_id: str, initial_state: Mapping[str, Any]
    ) -> Submitted:
        body = {"workflow_id": workflow_id, "conversation_id": conversation_id, "initial_state": dict(initial_state)}
        return await self._post(token, "/api/workflow/runs", replies.read_submitted, body)

    async def cancel(self, token: str, run_id: str) -> str:
        """Ask a run to stop; returns its status. It ends when its present step does."""
        path = f"/api/runs/{_part(run_id)}/cancel"
        return await self._post(token, path, lambda data: replies.text_at(replies.mapping(data), "status"), None)

    async def resume(self, token: str, run_id: str, body: Mapping[str, Any], *, workflow: bool) -> Mapping[str, Any]:
        """Answer a suspended run; returns what came of it, when the rest of the workflow has run."""
        kind = "workflow/runs" if workflow else "runs"
        path = f"/api/{kind}/{_part(run_id)}/resume"
        return await self._post(token, path, replies.mapping, dict(body), timeout=self._long)

    # How

    async def _read(self, token: str, path: str, read: Callable[[Any], T], *, slow: bool = False) -> T:
        # A read that is slow because the server works is not helped by asking again.
        tries = 2 if slow else _TRIES
        timeout = httpx.Timeout(self._timeout.connect, read=30.0) if slow else self._timeout
        for number in range(1, tries + 1):
            try:
                return await self._call("GET", token, path, read, timeout=timeout)
            except BackendUnavailable:
                if number == tries:
                    raise
            pause = _FIRST_PAUSE * 2**number
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable")

    async def _post(
        self, token: str, path: str, read: Callable[[Any], T], body: Any, *, timeout: httpx.Timeout | None = None
    ) -> T:
        return await self._call("POST", token, path, read, body=body, timeout=timeout or self._long_enough())

    def _long_enough(self) -> httpx.Timeout:
        # Giving up on a change too early leaves it unknown whether it happened.
        return httpx.Timeout(self._timeout.connect, read=60.0)

    async def _call(
        self, method: str, token: str, path: str, read: Callable[[Any], T], *, timeout: httpx.Timeout, body: Any = None
    ) -> T:
        try:
            async with self._client().stream(
                method, self._base + path, headers=_headers(token), json=body, timeout=timeout
            ) as response:
                if not response.is_success:
                    raise await self._refused(token, response)
                content = await response.aread()
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        try:
            return read(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            log.warning("The kogwistar server's answer to %s %s was not understood.", method, path.partition("?")[0])
            raise BackendError(problems.NOT_UNDERSTOOD) from None

    async def _refused(self, token: str, response: httpx.Response) -> Exception:
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST_ERROR:
                break
        error = problems.refusal(response.status_code, body)
        if response.status_code >= 500:
            # What it said may hold its paths; it is for its own log.
            log.error("The kogwistar server answered %d to %s.", response.status_code, response.request.url.path)
        if isinstance(error, NotAllowed):
            return await self._why_not(token, error)
        if isinstance(error, NotSignedIn) and claims(token) and "user_id" not in claims(token):
            return NotSignedIn(problems.NO_USER)
        return error

    async def _why_not(self, token: str, error: NotAllowed) -> Exception:
        """The server says 403 to a bad token as to one that is not allowed; only one route tells them apart."""
        if expired(token):
            return NotSignedIn(problems.SIGN_IN_AGAIN)
        if claims(token) and "user_id" not in claims(token):
            return error
        try:
            url = f"{self._base}/api/auth/me"
            known = await self._client().get(url, headers=_headers(token), timeout=self._timeout)
        except httpx.HTTPError:
            return error
        return NotSignedIn(problems.NO_TOKEN) if known.status_code in (401, 404) else error

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._http is None or loop is not self._loop:
            # Connections belong to one event loop, but an object made at import time may see several.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
            self._http = httpx.AsyncClient(transport=self._transport, limits=limits)
            self._loop = loop
        return self._http


def _headers(token: str) -> dict[str, str]:
    if not token:
        raise NotSignedIn(problems.NO_TOKEN)
    if not token.isascii() or not token.isprintable():
        raise NotSignedIn(problems.NO_TOKEN)
    if expired(token):
        raise NotSignedIn(problems.SIGN_IN_AGAIN)
    return {"Authorization": f"Bearer {token}"}


def _part(id: str) -> str:
    """Return an id as one part of a path. The server cannot find ids with a slash, whatever is asked."""
    if not id or id in (".", "..") or "/" in id:
        raise NotFound
    return quote(id.encode("utf-8", "replace"), safe="")


def _event(data: str, id: str, name: str) -> ServerEvent | None:
    try:
        number = int(id) if id.isascii() and id.isdigit() else None
        return replies.read_event(json.loads(data), number, "" if name == "message" else name)
    except (ValueError, KeyError, TypeError, RecursionError):
        log.warning("An event of the kogwistar server was not understood.")
        return None


def _unreachable(error: httpx.HTTPError) -> BackendUnavailable:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol):
        return BackendUnavailable(problems.NOT_REACHED)
    slow = isinstance(error, httpx.TimeoutException)
    return problems.Uncertain(problems.TOO_SLOW if slow else problems.NOT_REACHED)
