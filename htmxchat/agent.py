"""The interface of agents: the protocols, the request that an agent receives, and what it may yield.

The simplest agent is an async generator function (`Responder`). An object with `answer` (`Agent`) can do more: with
`resume` (`CanResume`), another process can resume its runs.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from .events import JSON, EventBody, RunEvent
from .files.file import File
from .kinds import check_fields
from .models import Turn, User
from .scripts.result import ScriptResult


@dataclass(frozen=True, slots=True)
class Request:
    """A turn to answer.

    Attributes:
        text: What the user wrote.
        history: The turns before it on this branch, oldest first. An answer has its events: `fold(turn.events)` gives
            its reasoning, tool calls, questions and answers. A stopped or failed answer has what was written.
        user: The user who sent it.
        attempt: 1 for the first answer to this turn, 2 for the first retry.
        replaced: The answer that this one replaces; it is not in `history`.
        memory: What the run before this one on this branch stored with `Remember`; `None` if there is none.
        forks: Whether the answer before it was already followed by another turn or run: this is an edit or a retry.
            What the agent stores elsewhere may then include other branches; `history` and `memory` do not.
        answers: For a resumed run, the answers and script results since the checkpoint, by their ids.
        files: The files of the message: `await request.files[0].read()`, or `open()` to read in pieces. Files of
            earlier messages and of agents are in `history` and can be read too.
    """

    text: str
    history: tuple[Turn, ...]
    user: User
    conversation_id: str
    run_id: str
    attempt: int = 1
    replaced: Turn | None = None
    memory: JSON = None
    forks: bool = False
    answers: Mapping[str, JSON | ScriptResult] = field(default_factory=dict)
    files: tuple[File, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunScript:
    """Ask the user to run Python in their browser, and wait: `result = yield RunScript("print(6 * 7)")`.

    The result is a `ScriptResult`, also if the user rejects or cancels the script, or it times out. To propose a script
    and continue without its result, yield `ScriptProposed`.

    Attributes:
        title: What it does, in a few words.
    """

    code: str
    title: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class SendFile:
    """Send the user a file: `file = yield SendFile("report.csv", data)`. The result is the stored `File`.

    Attributes:
        name: The file's name, without a path. Its type is detected from the content.
        content: The bytes, or a `str` stored as UTF-8; a `Path` of a file; or an async iterable of pieces.
    """

    name: str
    content: bytes | str | os.PathLike[str] | AsyncIterable[bytes]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Remember:
    """The agent's memory for the next turn of this branch, where it is `Request.memory`.

    The last one of a run is stored, also if the run is stopped or fails later. Users do not see it. A run that yields
    none passes on the memory it received.
    """

    memory: JSON

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A point at which another process can resume the run.

    It is stored in one transaction with everything yielded before it. Only agents with `resume` may yield it.

    Attributes:
        state: The argument `checkpoint` of `resume`.
        wait: Whether to continue only after it is stored. Use it before an action that must not be repeated.
    """

    state: JSON
    wait: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Pinned:
    """Until the next `Checkpoint`, the run cannot be resumed in another process.

    For an agent with `resume`, around an action that can be neither repeated nor followed from another process. If the
    process dies meanwhile, the run ends as failed and keeps its text. If the process shuts down, the run gets time to
    finish, as with an agent without `resume`; at a `Checkpoint`, it is handed over.

    Attributes:
        wait: As for `Checkpoint`.
    """

    wait: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


Said: TypeAlias = str | EventBody | RunEvent | RunScript | SendFile | Remember | Checkpoint | Pinned
"""What an agent may yield:

- A `str`, more of the answer (Markdown); an empty one is dropped.
- Any event body. `answer = yield InputRequested(...)` waits until the user has answered.
- A `RunEvent`: its body, and its `raw` for the inspector. Its number and time are ignored.
- A `RunScript`. `result = yield RunScript(...)` waits until the script has ended.
- A `SendFile`. `file = yield SendFile(...)` continues after it is stored.
- `Remember`, `Checkpoint` and `Pinned`, which users do not see.
- `RunEnded` ends the run with this outcome and closes the generator. Returning ends it as completed.

The chat itself writes `RunStarted`, `RunStopping`, `InputAnswered`, `ScriptFinished` and `FileSent`. An exception ends
the run as failed: with the message of a `ChatError`, else with a general message and a traceback in the log.

When the user stops the run, `asyncio.CancelledError` is raised where the generator awaits. It may clean up, but what it
yields is dropped, and after 5 seconds it is abandoned.
"""

Responder: TypeAlias = Callable[[Request], AsyncIterator[Said]]
"""An async generator function: the simplest agent. It may yield `Said`."""


@runtime_checkable
class Agent(Protocol):
    """Answers turns. One object answers all turns, concurrently."""

    def answer(self, request: Request) -> AsyncIterator[Said]:
        """Answer a turn: an async generator."""
        ...


@runtime_checkable
class CanResume(Protocol):
    """An agent whose runs another process can resume when theirs dies or shuts down.

    If several agents share a store, the attribute `name` identifies the agent's runs; by default it is the class's
    name. It must be the same in every process and release.
    """

    def resume(self, request: Request, checkpoint: JSON) -> AsyncIterator[Said]:
        """Resume a run: an async generator, like `answer`.

        Text written since the checkpoint is reset: readers see the text at the checkpoint, then what is yielded now.
        Other events are kept, so repeat a tool call with the same `call_id`. An `InputRequested` with an id that was
        used since the checkpoint, or a `RunScript` with the same code, is not asked again: it gets the existing or
        coming answer.

        Actions since the checkpoint may be repeated; actions before it are not.

        Args:
            checkpoint: The state of the last stored checkpoint; `None` without one. Then most agents start over.
        """
        ...


@runtime_checkable
class CanStop(Protocol):
    """An agent whose runs are executed by another system, which takes time to stop them.

    When the user stops a run, its generator is not cancelled: it continues and yields how the run ended. Only while it
    waits for the user, a stop ends the run at once. `asyncio.CancelledError` means that the process hands the run over.
    In the process that resumes it, `stop` is called again.
    """

    def stop(self, run_id: str) -> None:
        """Request the stop of a run of this process and return at once. Called once per run and process."""
        ...
