"""The server's routes, as typed calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
from httpx_sse import EventSource, SSEError

from ....cleaning import read_json
from ....errors import BackendError, BackendUnavailable, ChatError, NotFound, NotSignedIn
from ..translation import problems, replies
from ..translation.replies import ServerConversation, ServerEvent, ServerRun, ServerTurn, Step, Submitted
from .http import Http, unreachable

log = logging.getLogger("htmxchat")
_POLLED = 500
_RESUME = 600.0


class Client:
    """Talks to one server for many users; every call takes the token of who asks. asyncio only.

    Args:
        base_url: Where the server is: `http://host:port`, with a path if it has one.
        timeout: Seconds that the server may be silent while it answers.
        poll: Seconds between two polls for events; `None` to get them as a stream.
        transport: For tests and for special networks.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 10.0,
        poll: float | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = Http(base_url, timeout, transport)
        self._poll = poll

    async def close(self) -> None:
        """Close all connections. The next call opens new ones."""
        await self._http.close()

    # Reads

    async def account(self, token: str) -> str:
        """Return the server's id of who the token belongs to."""
        return await self._http.get(token, "/api/auth/me", replies.read_account)

    async def conversations(self, token: str) -> tuple[ServerConversation, ...]:
        """Return the user's conversations. The server reads all of all of them to say so: ask seldom."""
        return await self._http.get(
            token,
            "/api/conversations",
            lambda data: tuple(replies.read_conversation(item) for item in data["conversations"]),
            slow=True,
        )

    async def conversation(self, token: str, id: str) -> ServerConversation:
        return await self._http.get(token, f"/api/conversations/{_part(id)}", replies.read_conversation, slow=True)

    async def turns(self, token: str, id: str) -> tuple[ServerTurn, ...]:
        return await self._http.get(token, f"/api/conversations/{_part(id)}/turns", replies.read_turns, slow=True)

    async def run(self, token: str, id: str) -> ServerRun:
        return await self._http.get(token, f"/api/runs/{_part(id)}", replies.read_run)

    async def steps(self, token: str, id: str) -> tuple[Step, ...]:
        return await self._http.get(token, f"/api/runs/{_part(id)}/steps", replies.read_steps)

    async def last_state(self, token: str, id: str) -> Mapping[str, Any]:
        """Return the workflow state at the last checkpoint; empty when there is none."""
        path = f"/api/runs/{_part(id)}"
        contract = await self._http.get(token, f"{path}/resume-contract", replies.mapping)
        number = contract.get("latest_checkpoint_step_seq")
        if isinstance(number, int):
            found = await self._http.get(token, f"{path}/checkpoints/{number}", replies.mapping)
            return replies.mapping(found.get("state"))
        listed = (await self._http.get(token, f"{path}/checkpoints", replies.mapping)).get("checkpoints")
        last = replies.mapping(listed[-1]) if isinstance(listed, list) and listed else {}
        return replies.mapping(last.get("state"))

    async def resume_contract(self, token: str, id: str) -> Mapping[str, Any]:
        """Return what the server says about going on with a run."""
        return await self._http.get(token, f"/api/runs/{_part(id)}/resume-contract", replies.mapping)

    async def checkpoint(self, token: str, id: str, number: int) -> Mapping[str, Any]:
        """Return the workflow state after a step.

        Raises:
            NotFound: The server did not keep it.
        """
        path = f"/api/runs/{_part(id)}/checkpoints/{number}"
        return replies.mapping((await self._http.get(token, path, replies.mapping)).get("state"))

    async def evidence(self, token: str, id: str) -> dict[str, str]:
        """Return the summaries of what an answer rests on, by reference.

        Some servers do not have this route, and 0.6 refuses all of it on its usual database. The sources are not in it.
        """
        try:
            data = await self._http.get(token, f"/api/runs/{_part(id)}/evidence", replies.mapping)
        except (BackendUnavailable, NotSignedIn):
            raise
        except ChatError:
            return {}
        refs = replies.objects(data.get("evidence_refs"))
        return {replies.text_at(ref, "ref"): replies.text_at(ref, "summary") for ref in refs}

    async def events(self, token: str, run_id: str, after: int) -> AsyncGenerator[ServerEvent, None]:
        """Yield the events of a run after a number, as they come, until the server ends the stream.

        The end says nothing about the run. Silence has no limit here: whoever reads watches the clock.
        """
        while self._poll is not None:
            for polled in await self.poll(token, run_id, after):
                yield polled
                after = polled.seq
            await asyncio.sleep(self._poll)
        path = f"/api/runs/{_part(run_id)}/events?after_seq={after}"
        try:
            async with self._http.stream(token, path) as response:
                if response.status_code != 200:
                    raise await self._http.refused(token, response)
                # Splits on CR and LF only: the server sends U+2028 and its like raw.
                async for frame in EventSource(response).aiter_sse():
                    if frame.data and (event := _event(frame.data, frame.id, frame.event)) is not None:
                        yield event
        except SSEError:
            raise BackendError(problems.NOT_UNDERSTOOD) from None
        except httpx.HTTPError as error:
            raise unreachable(error) from None

    async def poll(self, token: str, run_id: str, after: int) -> tuple[ServerEvent, ...]:
        """Return at most 500 events of a run after a number, without waiting."""
        path = f"/api/runs/{_part(run_id)}/events/poll?after_seq={after}&limit={_POLLED}"
        return await self._http.get(
            token, path, lambda data: tuple(replies.read_event(event) for event in data["events"])
        )

    # Changes

    async def create_conversation(self, token: str, id: str, user_id: str) -> ServerConversation:
        body = {"conversation_id": id, "user_id": user_id}
        return await self._http.post(token, "/api/conversations", replies.read_conversation, body)

    async def answer(self, token: str, conversation_id: str, text: str, workflow_id: str) -> Submitted:
        """Store a user's turn and begin to answer it."""
        path = f"/api/conversations/{_part(conversation_id)}/turns:answer"
        return await self._http.post(token, path, replies.read_submitted, {"text": text, "workflow_id": workflow_id})

    async def start_workflow(
        self, token: str, conversation_id: str, workflow_id: str, initial_state: Mapping[str, Any]
    ) -> Submitted:
        body = {"workflow_id": workflow_id, "conversation_id": conversation_id, "initial_state": dict(initial_state)}
        return await self._http.post(token, "/api/workflow/runs", replies.read_submitted, body)

    async def cancel(self, token: str, run_id: str) -> str:
        """Ask a run to stop; returns its status. It ends when its present step does."""
        path = f"/api/runs/{_part(run_id)}/cancel"
        return await self._http.post(token, path, lambda data: replies.text_at(replies.mapping(data), "status"))

    async def resume(self, token: str, run_id: str, body: Mapping[str, Any], *, workflow: bool) -> Mapping[str, Any]:
        """Answer a suspended run; returns what came of it, when the rest of the workflow has run."""
        kind = "workflow/runs" if workflow else "runs"
        path = f"/api/{kind}/{_part(run_id)}/resume"
        return await self._http.post(token, path, replies.mapping, dict(body), timeout=_RESUME)


def _part(id: str) -> str:
    """Return an id as one part of a path. The server cannot find ids with a slash, whatever is asked."""
    if not id or id in (".", "..") or "/" in id:
        raise NotFound
    return quote(id.encode("utf-8", "replace"), safe="")


def _event(data: str, id: str, name: str) -> ServerEvent | None:
    try:
        number = int(id) if id.isascii() and id.isdigit() else None
        return replies.read_event(read_json(data), number, "" if name == "message" else name)
    except (ValueError, KeyError, TypeError):
        log.warning("An event of the kogwistar server was not understood.")
        return None
