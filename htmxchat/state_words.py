"""The words for states: one state, one mark, one word for it, in every room. Pure.

The mark is the value of `data-state`; `static/css/base.css` draws it. The glossary in `docs/reference/states.md` says
what each word means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .models import RunState, Waiting
from .scripts.result import ScriptState


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands, as a person is told.

    Attributes:
        mark: Which mark stands beside the word.
        word: What is written, in every room.
        sentence: What a screen reader is told when it comes to this.
    """

    mark: RunState
    word: str
    sentence: str


_RUNS: Mapping[RunState, tuple[str, str]] = {
    RunState.QUEUED: ("Waiting to start", "The agent is answering."),
    RunState.RUNNING: ("Answering", "The agent is answering."),
    RunState.STOPPING: ("Stopping", "Stopping the answer."),
    RunState.COMPLETED: ("Done", "The answer is complete."),
    RunState.CANCELLED: ("Stopped", "The answer was stopped."),
    RunState.FAILED: ("Failed", "The answer failed."),
    RunState.SUSPENDED: ("Waiting for you", "The agent is waiting for you."),
}

_WAITS: Mapping[Waiting, tuple[str, str]] = {
    Waiting.ANSWER: ("Waiting for your answer", "The agent is waiting for your answer."),
    Waiting.APPROVAL: ("Needs your approval", "The agent needs your approval to run Python."),
    Waiting.APPROVED: ("Script approved", "The script is approved."),
    Waiting.SCRIPT: ("Running a script", "The script is running."),
}

SCRIPTS: Mapping[ScriptState, str] = {
    ScriptState.QUEUED: "Needs your approval",
    ScriptState.APPROVED: "Approved",
    ScriptState.RUNNING: "Running",
    ScriptState.DONE: "Done",
    ScriptState.FAILED: "Failed",
    ScriptState.REJECTED: "Rejected",
    ScriptState.CANCELLED: "Cancelled",
    ScriptState.TIMED_OUT: "Timed out",
}

STEPS: Mapping[RunState, str] = {
    RunState.QUEUED: "Waiting to start",
    RunState.RUNNING: "Running",
    RunState.STOPPING: "Stopping",
    RunState.COMPLETED: "Done",
    RunState.CANCELLED: "Stopped",
    RunState.FAILED: "Failed",
    RunState.SUSPENDED: "Waiting",
}
"""Of a tool call, a step of a workflow, or a stretch of a timeline."""


def standing(state: RunState, waiting: Waiting | None = None) -> Standing:
    """Return how a run stands; `waiting` is what it waits for, if it does."""
    if waiting is None:
        return Standing(state, *_RUNS[state])
    return Standing(waiting.state, *_WAITS[waiting])


def titled(title: str, mark: RunState | None) -> str:
    """Return a window's title, with the mark of what waits for the user."""
    return f"○ {title}" if mark is RunState.SUSPENDED else title
