"""Adds the state of scripts, which the log does not have, to a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from ..backend import KeepsScripts
from ..chat.bound import BoundBackend
from ..errors import ChatError
from ..events import JSON, RunEvent, ScriptProposed
from ..fragments.scripts.card import card_title
from ..fragments.scripts.room import queue_tag
from ..models import Conversation, Run, Transcript
from ..parts import ProposedScript
from ..scripts.excerpt import Excerpt, excerpts
from ..scripts.models import Script
from ..scripts.result import ScriptState
from ..scripts.states import digest, next_to_run, queue_number
from ..urls import Urls
from ..view import RunView, fold, with_queue
from .call import Call


async def queue_of(backend: BoundBackend, conversation_id: str) -> tuple[Script, ...]:
    """Return the scripts of a conversation. Without a queue, or when it cannot be read, the log alone counts."""
    if not backend.can(KeepsScripts):
        return ()
    try:
        return await backend.list_scripts(conversation_id)
    except ChatError:
        return ()


async def transcript_queue(call: Call, transcript: Transcript) -> tuple[Script, ...]:
    """Return the scripts of a conversation, if its answers proposed any."""
    proposed = any(_proposes(turn.events) for turn in transcript.turns)
    return await queue_of(call.backend, transcript.conversation.id) if proposed else ()


async def run_view(call: Call, run: Run, events: Sequence[RunEvent]) -> RunView:
    """Return the view of a run as it is now."""
    view = fold(events)
    return (
        with_queue(view, run.id, await queue_of(call.backend, run.conversation_id))
        if any(isinstance(part, ProposedScript) for part in view.parts)
        else view
    )


def queue_data(urls: Urls, conversation: Conversation, scripts: Sequence[Script]) -> dict[str, JSON]:
    """Return the queue for what runs it. Only the script that may run now has its code.

    Scripts that wait for approval on a branch that is not shown are left out, because the user cannot have read them.
    """
    first = next_to_run(scripts)
    told = (each for each in scripts if not (each.elsewhere and each.state is ScriptState.QUEUED))
    return {
        "queue": queue_tag(conversation, queue_number(scripts)),
        "scripts": [
            {
                "id": each.id,
                "title": card_title(each),
                "state": each.state.value,
                "revision": each.revision,
                "runner": each.runner if each.state is ScriptState.RUNNING else None,
                "digest": digest(each.code),
                "code": each.code if each is first else None,
                "url": urls.script(each.run_id, each.id),
                "result": urls.script_result(each.run_id, each.id),
            }
            for each in told
        ],
    }


def look(backend: BoundBackend, run: Run) -> Callable[[], Awaitable[dict[str, Excerpt]]]:
    """Return what tells how the scripts stand that a run proposed."""
    return partial(_look, backend, run.id, run.conversation_id)


async def _look(backend: BoundBackend, run_id: str, conversation_id: str) -> dict[str, Excerpt]:
    return excerpts(run_id, await queue_of(backend, conversation_id))


def _proposes(events: Iterable[RunEvent]) -> bool:
    return any(isinstance(event.body, ScriptProposed) for event in events)
