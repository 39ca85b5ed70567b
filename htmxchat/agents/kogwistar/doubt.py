"""Finds out from the server's turns whether a message has arrived. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ...events import Outcome, RunEnded
from .timing import Timing
from .translation.replies import ServerTurn

WAITS = {
    "doubt": "It is not known yet whether your last message has arrived. Send this one in half a minute.",
    "arrived": (
        "Your last message has arrived, and the kogwistar server may still be answering it. Its answer appears here. "
        "If none comes, you can send the next message two minutes after it."
    ),
}
"""Why the next message has to wait, by the phase of the run whose message is not confirmed."""
LOOKING = "Checking whether your message has arrived"
ARRIVED = "Your message has arrived. Waiting for its answer"
NOT_ARRIVED = "This message did not reach the kogwistar server."
NO_ANSWER_CAME = "This message reached the kogwistar server, but there is no answer."


@dataclass(frozen=True, slots=True)
class Found:
    """What the server has of a message.

    Attributes:
        turn: The server's id of the user's turn.
        answer: The answer, if there is one.
    """

    turn: str
    answer: ServerTurn | None = None


def look_for(text: str, turns: Sequence[ServerTurn], known: Collection[str]) -> Found | None:
    """Return what the server has of the last message; `None` if it has nothing.

    Args:
        known: Ids of the turns that were there before.
    """
    for number in range(len(turns) - 1, -1, -1):
        turn = turns[number]
        # The server strips what it stores.
        if turn.role == "user" and turn.id not in known and turn.text.strip() == text.strip():
            after = turns[number + 1 : number + 2]
            return Found(turn.id, after[0] if after and after[0].role == "assistant" else None)
    return None


def end(found: Found | None, seconds: float, timing: Timing, *, stopped: bool) -> RunEnded | None:
    """Return how the run of a message ends; `None` while the message may still arrive or be answered.

    Args:
        found: What the server has of it.
        seconds: How long the check has taken so far.
        stopped: Whether the user asked the run to stop.
    """
    answered = found is not None and found.answer is not None
    if not answered and seconds < (timing.unanswered if found else timing.missing):
        return None
    if stopped:
        return RunEnded(Outcome.CANCELLED)
    if answered:
        return RunEnded(Outcome.COMPLETED)
    return RunEnded(Outcome.FAILED, NO_ANSWER_CAME if found else NOT_ARRIVED)
