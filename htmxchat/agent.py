"""The seam for agents: what an agent is, what it is given, and what it may say.

The least agent is an async generator function (`Responder`). An object with `answer` (`Agent`) can do more: with
`resume` (`CanResume`) its runs outlive the process that began them.
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
    """What an agent answers.

    Attributes:
        text: What the user wrote.
        history: The turns before it on this branch, oldest first. An answer has its events, so that `fold(turn.events)`
            tells what it thought, called, asked and was told; one that was stopped or failed is as long as it got.
        user: Who asks.
        attempt: 1 for the first answer to this turn, 2 when it is tried again.
        replaced: The answer that this one replaces, which `history` leaves out.
        memory: What the run before this one on this branch has remembered with `Remember`; `None` at first.
        forks: Whether the answer before it was followed by something else already: this is an edit, or tried again.
            What the agent keeps elsewhere of the conversation has more than this branch; `history` and `memory` do not.
        answers: For a run that is resumed, the result of its questions and scripts since the checkpoint, by their ids.
        files: What came with the text: `await request.files[0].read()`, or `open()` for a piece at a time. Those of
            earlier messages are in `history`, and what agents have sent in its events; they can be read as well.
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

    What comes back is a `ScriptResult`, also when the user rejects the script, cancels it or lets it run too long.
    Yield `ScriptProposed` instead to propose a script and continue without its result.

    Attributes:
        title: What it does, in a few words.
    """

    code: str
    title: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class SendFile:
    """Give the user a file: `file = yield SendFile("report.csv", data)`. What comes back is the `File` that is kept.

    Attributes:
        name: What it is called; a path is left out. What it is, its content says.
        content: All of it, a `str` in UTF-8; or a `Path` to where it is; or what yields it in pieces, as it is made.
    """

    name: str
    content: bytes | str | os.PathLike[str] | AsyncIterable[bytes]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Remember:
    """What the agent wants to know when it answers the next turn of this branch: `Request.memory` there.

    The last one of a run counts, also when the run is stopped or fails later. Only the agent sees it. A run that
    remembers nothing passes on what it was given.
    """

    memory: JSON

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """From here on the run can be resumed in another process; what came before will not be asked for again.

    It is stored with all that was yielded before it, or not at all. Only agents with `resume` may yield it.

    Attributes:
        wait: Go on only when it is stored. For what must not be done twice: say first that it is about to be done.
    """

    state: JSON
    wait: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Pinned:
    """From here on the run cannot continue in another process, until the next `Checkpoint`.

    For an agent with `resume` that does something which can be neither followed from elsewhere nor done twice. When the
    process dies meanwhile, the run ends as failed, with its text so far. When the process is asked to stop, the run may
    finish as one of an agent without `resume`; it is handed over if it comes to a `Checkpoint` first.

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
- A `RunEvent`: its body, with the `raw` that the inspector shows beside it. Its number and time are not used.
- A `RunScript`. `result = yield RunScript(...)` waits until it has run in the user's browser, or will not.
- A `SendFile`. `file = yield SendFile(...)` goes on once it is kept.
- `Remember`, `Checkpoint` and `Pinned`, which no one sees.
- `RunEnded` ends the run that way; the generator is closed. Returning ends it as completed.

`RunStarted`, `RunStopping`, `InputAnswered`, `ScriptFinished` and `FileSent` are written for it. Raising ends the run
as failed: a `ChatError` with its own sentence, anything else with a general one and a traceback in the log.

When the user stops the run, `asyncio.CancelledError` is raised where the generator waits. It may clean up, but what it
yields from then on is dropped, and after 5 seconds it is abandoned.
"""

Responder: TypeAlias = Callable[[Request], AsyncIterator[Said]]
"""An async generator function: the least agent. What it may yield is `Said`."""


@runtime_checkable
class Agent(Protocol):
    """Answers turns. One object answers all of them, many at a time."""

    def answer(self, request: Request) -> AsyncIterator[Said]:
        """Answer a turn: an async generator."""
        ...


@runtime_checkable
class CanResume(Protocol):
    """An agent whose runs continue in another process when theirs is killed or stops.

    An attribute `name` may say which runs are its own, where several agents share a store; else the class's name does.
    It has to be the same in every process and every release.
    """

    def resume(self, request: Request, checkpoint: JSON) -> AsyncIterator[Said]:
        """Go on with a run: an async generator, as `answer`.

        What was written since the checkpoint is taken back: readers see the text as it was there, then what comes now.
        Events that are no text stay, so a tool that is called again should have the same `call_id`. An
        `InputRequested` with the id of one that was asked since the checkpoint, and a `RunScript` with the same code,
        are the same question: it is not asked again, and gets the answer that there is or is to come.

        What the agent did since the checkpoint may be done twice, once in each process; what it did before is not.

        Args:
            checkpoint: The last one that was stored; `None` when there is none. Then most agents start over.
        """
        ...


@runtime_checkable
class CanStop(Protocol):
    """An agent whose runs are someone else's work, which takes its time to stop.

    Its generator is not cancelled when the user stops the run: it continues, and says how the run ended. Only while it
    waits for the user, a stop ends the run at once. `asyncio.CancelledError` means that the process leaves the run.
    Whichever continues with it is told of the stop too.
    """

    def stop(self, run_id: str) -> None:
        """The user wants a run of this process to stop. Returns at once; called once a run and process."""
        ...
