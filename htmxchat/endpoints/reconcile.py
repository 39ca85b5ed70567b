"""Brings an outdated page up to date: another tab or device may have changed the conversation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.responses import Response

from ..errors import Busy, ChatError, Conflict, InvalidInput, NotFound
from ..fragments.composer import agent_choice, composer_actions, hold
from ..fragments.conversation import title_heading, turns_log
from ..fragments.turns.transcript import run_view, status_text, turn
from ..html import Child, render, tag
from ..live.patches import Patch, say, swap
from ..models import Transcript
from .call import CHANGED, Call, Gone, patches_response
from .drawing import drawn
from .queue import transcript_queue

LAST_TURN = "chat-last-turn"
"""The request header in which a page says which turn it shows last; empty when it shows none."""

_OVER = "The agent was still answering when you sent this. Send it again."

span = tag("span")


REVISION = "chat-revision"
"""The request header in which a page says which revision of the conversation it shows."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Where the branch that is shown now leaves the one that a page shows.

    Attributes:
        shown: The first turn of the page's that is not on it.
        place: How many turns come before.
    """

    shown: str
    place: int


def revision_shown(call: Call) -> str | None:
    """Return the revision that the page shows; `None` when it does not say."""
    return call.request.headers.get(REVISION) or call.request.query_params.get("revision")


def last_turn(call: Call) -> str | None:
    """Return the id of the last turn that the page shows; `None` when it does not say."""
    return call.request.headers.get(LAST_TURN)


async def whats_new(
    call: Call, transcript: Transcript, shown: str, *, changed: str | None = None, fork: Fork | None = None
) -> list[Patch]:
    """Return what brings a page up to date, up to the composer's row of buttons.

    Args:
        shown: The last turn of the page.
        changed: The id of a run whose turn the page may show as it was.
        fork: From where on the page shows another branch.
    """
    turns = transcript.turns
    context = replace(await drawn(call, turns), queue=await transcript_queue(call, transcript))
    place = next((index for index, each in enumerate(turns) if each.id == shown), None)
    told, now = revision_shown(call), str(transcript.revision)
    if fork is not None and told == str(transcript.revision - 1):
        # The page was right before this, and what comes before the fork is the same on all its branches.
        patches = [
            Patch(f"#turn-{fork.shown}", "outerHTML", render(*(turn(each, context) for each in turns[fork.place :]))),
            Patch(f"#turn-{fork.shown} ~ *", "delete"),
        ]
    elif place is None or told not in (None, now):
        # What it shows last was replaced, or is of another branch, so the page can lack more than the end.
        patches = [Patch("#turns", "innerMorph", render(*(turn(each, context) for each in turns)))]
    else:
        patches = [swap(turn(each, context)) for each in turns[: place + 1] if each.id == changed]
        if missing := turns[place + 1 :]:
            patches.append(Patch("#turns", "beforeend", render(*(turn(each, context) for each in missing))))
    if told not in (None, now):
        patches.append(Patch("#turns", "attributes", render(turns_log(revision=transcript.revision))))
    live = transcript.live_turn
    actions = composer_actions(
        urls=call.urls,
        live_run_id=live.id if live else None,
        hold=hold(run_view(live)) if live else None,
        refresh_url=call.urls.conversation(transcript.conversation.id) if transcript.refreshing else None,
    )
    patches += [
        # Not the form in which a title is being written.
        Patch("h1#heading", "outerHTML", render(title_heading(transcript.conversation))),
        swap(actions),
    ]
    if agents := call.chat.agents:
        patches.append(swap(agent_choice(agents, last_agent(transcript))))
    if live:
        # The stream begins after what the page shows, so it will not say this.
        patches.append(say(status_text(run_view(live))))
    return patches


def last_agent(transcript: Transcript) -> str:
    """Return the name of the agent that answers next if no other is chosen: that of the last answer."""
    return next((each.run.agent for each in reversed(transcript.turns) if each.run), "")


def in_words(error: ChatError, transcript: Transcript) -> ChatError:
    """Return a refusal because of an active run in the words for what that run does now."""
    if not isinstance(error, Busy) or str(error) != Busy.sentence:
        return error
    live = transcript.live_turn
    held = hold(run_view(live)) if live else None
    return Busy(held.sentence if held else _OVER)


async def refused(
    call: Call, error: ChatError, *, changed: str | None = None, place: str = "composer-error"
) -> Response:
    """Return a refusal together with the changes that the page lacks, above all an active run.

    Args:
        place: The id of the element where it is said.

    Raises:
        Gone: The conversation is not there.
        ChatError: `error` itself, when nothing can be brought.
    """
    shown = last_turn(call)
    if not call.fragment or shown is None or not isinstance(error, Busy | Conflict | NotFound | InvalidInput):
        raise error
    try:
        transcript = await call.transcript()
    except Gone:
        raise
    except ChatError:
        raise error from None
    told = in_words(error, transcript)
    sentence = str(told)
    said: Child = sentence if told is error or sentence == _OVER else span(sentence, data_hold=True)
    patches = [
        *await whats_new(call, transcript, shown, changed=changed),
        Patch(f"#{place}", "innerHTML", render(said)),
        say(sentence),
    ]
    return patches_response(patches, CHANGED, error.status)
