"""What can happen in a run. Standard library only.

A run is a log of `RunEvent`s. Each has the backend's own number, a time, and one of the bodies below:

    RunStarted       the agent began
    RunStopping      someone asked it to stop; it has not ended yet
    StageChanged     what it is doing now, in a few words
    ReasoningDelta   more of its reasoning
    TextDelta        more of its answer
    TextReplaced     the whole answer so far, in place of all text before
    ToolStarted      it called a tool
    ToolFinished     the tool came back
    SourcesFound     what the answer rests on
    FileSent         a file that it gives the user
    Custom           something that the host draws
    ScriptProposed   Python that it wants to run in the user's browser
    ScriptFinished   the result of that script
    InputRequested   it waits for the user
    InputAnswered    the user answered
    UsageReported    tokens
    RunEnded         the last event, exactly once
    Unknown          anything else; shown in the inspector, changes nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, get_args

from .asking import Approval, check_question
from .files.sent import FileSent as FileSent
from .files.sent import decode_file, encode_file
from .kinds import check_fields
from .scripts.encoding import decode_result, encode_result
from .scripts.result import ScriptResult, ScriptState

JSON: TypeAlias = None | bool | int | float | str | list[Any] | dict[str, Any]


class Outcome(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Source:
    """Something that an answer rests on.

    Attributes:
        url: An http or https address; anything else is not linked.
        detail: Where in it, or what kind of thing it is: "section 3", "Metrics, 14 Nov".
        excerpt: The words that matter.
    """

    title: str
    url: str | None = None
    detail: str = ""
    excerpt: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The agent began."""


@dataclass(frozen=True, slots=True)
class RunStopping:
    """Someone asked the run to stop; it has not ended yet."""


@dataclass(frozen=True, slots=True)
class StageChanged:
    """What the agent is doing now: a few words, shown while it lasts."""

    name: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning, appended to what came right before."""

    text: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer (Markdown)."""

    text: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class TextReplaced:
    """The authoritative whole answer so far (Markdown), in place of all text before."""

    text: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool was called.

    Attributes:
        call_id: Unique in the run; pairs it with its `ToolFinished`. The same one again is the same call, repeated.
            Calls without one, an empty text, are each their own.
        summary: What it was asked, in a few words.
        arguments: What it was given.
    """

    call_id: str
    name: str
    summary: str = ""
    arguments: JSON = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool came back.

    Attributes:
        summary: What it found, in a few words: "12 results".
    """

    call_id: str
    summary: str = ""
    result: JSON = None
    failed: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """Sources, added to those found before."""

    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Custom:
    """Something of the agent's own, drawn by the function of its name in `create_chat_app(parts=…)`.

    Attributes:
        name: What it is: "progress".
        data: What the function is given.
        key: The same name and key again is the same part, brought up to date in its place. Those without one, an empty
            text, are each their own.
    """

    name: str
    data: JSON = None
    key: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ScriptProposed:
    """Python that the agent wants to run in the user's browser.

    Attributes:
        script_id: Unique in the run.
        title: What it does, in a few words.
        awaited: Whether the run waits for its result.
    """

    script_id: str
    code: str
    title: str = ""
    awaited: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ScriptFinished:
    """A proposed script has run, or will not.

    Attributes:
        state: done, failed, rejected, cancelled or timed-out.
        result: What the agent was told, `abridged`; `None` when the backend does not say.
    """

    script_id: str
    state: ScriptState
    result: ScriptResult | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class InputRequested:
    """The agent waits for the user.

    Attributes:
        prompt: The question.
        choices: If any, the user picks one of them; else writes. 100 at most, of 1,000 characters each.
        schema: A JSON Schema of the answer: the user fills in a form, and the answer is a value that fits it.
        decline: What the button says with which the user declines: the answer is `None` then. Else there is none.
        approval: A call that the user is to approve or deny: the answer is what `Decision.of` reads.

    Raises:
        ValueError: There are more choices, or one is longer; it has more than one of choices, schema and approval; or
            the schema has more than 100,000 characters of JSON.
    """

    request_id: str
    prompt: str
    choices: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    decline: str = ""
    approval: Approval | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        check_question(self.choices, self.schema, self.approval)


@dataclass(frozen=True, slots=True)
class InputAnswered:
    """The user answered a request.

    Attributes:
        user_id: Who answered; empty when that is not known.
    """

    request_id: str
    answer: JSON
    user_id: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Tokens that the run has used so far."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last event of a run.

    Attributes:
        error: One plain sentence for the user when the run failed.
    """

    outcome: Outcome
    error: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a type that this version does not know."""

    type: str
    data: JSON = None

    def __post_init__(self) -> None:
        check_fields(self)


EventBody: TypeAlias = (
    RunStarted
    | RunStopping
    | StageChanged
    | ReasoningDelta
    | TextDelta
    | TextReplaced
    | ToolStarted
    | ToolFinished
    | SourcesFound
    | FileSent
    | Custom
    | ScriptProposed
    | ScriptFinished
    | InputRequested
    | InputAnswered
    | UsageReported
    | RunEnded
    | Unknown
)

BODIES: Mapping[str, type[EventBody]] = {body.__name__: body for body in get_args(EventBody)}


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One entry of a run's log.

    Attributes:
        seq: The backend's own number: strictly rising within a run, otherwise opaque.
        at: When it happened, with a timezone.
        raw: What the backend received, kept for inspection; `None` when the body says it all.
    """

    seq: int
    at: datetime
    body: EventBody
    raw: JSON = None

    def __post_init__(self) -> None:
        check_fields(self)


def encode_body(body: EventBody) -> tuple[str, dict[str, Any]]:
    """Return the type's name and its fields as JSON values."""
    data: dict[str, Any] = {field.name: getattr(body, field.name) for field in fields(body)}
    if isinstance(body, SourcesFound):
        data["sources"] = [
            {field.name: getattr(source, field.name) for field in fields(source)} for source in body.sources
        ]
    elif isinstance(body, FileSent):
        data["file"] = encode_file(body.file)
    elif isinstance(body, InputRequested):
        approval = body.approval
        data["approval"] = approval and {field.name: getattr(approval, field.name) for field in fields(approval)}
    elif isinstance(body, ScriptFinished) and body.result is not None:
        data["result"] = encode_result(body.result)
    return type(body).__name__, data


def decode_body(name: str, data: Mapping[str, Any]) -> EventBody:
    """Undo `encode_body`. A name or a shape that is not known here becomes `Unknown`."""
    body = BODIES.get(name)
    if body is None:
        return Unknown(name, dict(data))
    values = {field.name: data[field.name] for field in fields(body) if field.name in data}
    try:
        if body is SourcesFound:
            values["sources"] = tuple(Source(**source) for source in values["sources"])
        elif body is FileSent:
            values["file"] = decode_file(values["file"])
        elif body is InputRequested:
            values["choices"] = tuple(values.get("choices", ()))
            values["approval"] = Approval(**given) if (given := values.get("approval")) else None
        elif body is RunEnded:
            values["outcome"] = Outcome(values["outcome"])
        elif body is ScriptFinished:
            values["state"] = ScriptState(values["state"])
            values["result"] = _decode_known(values.get("result"))
        return body(**values)
    except (KeyError, TypeError, ValueError):
        return Unknown(name, dict(data))


def _decode_known(result: JSON) -> ScriptResult | None:
    # What happened to the script is known even if its result is of a shape that is not.
    try:
        return decode_result(result)
    except ValueError:
        return None
