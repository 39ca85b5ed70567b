"""The events of a run. Standard library only.

A run is a log of `RunEvent`s. Each has a number from the backend, a time, and one of these bodies:

    RunStarted       the run started
    RunStopping      a stop was requested; the run has not ended yet
    StageChanged     what the agent is doing now, in a few words
    ReasoningDelta   more of its reasoning
    TextDelta        more of its answer
    TextReplaced     the whole answer so far; replaces all text before
    ToolStarted      a tool was called
    ToolFinished     the tool returned or failed
    SourcesFound     sources of the answer
    FileSent         a file for the user
    Custom           a part that the host draws
    ScriptProposed   Python that the agent wants to run in the user's browser
    ScriptFinished   the result of that script
    InputRequested   the agent waits for the user
    InputAnswered    the user answered
    UsageReported    token counts
    TitleSuggested   a title of the conversation
    RunEnded         the last event, exactly once
    Unknown          any other event; the inspector shows it, the answer ignores it
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
from .titles import TitleSuggested as TitleSuggested

JSON: TypeAlias = None | bool | int | float | str | list[Any] | dict[str, Any]


class Outcome(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Source:
    """A source of an answer.

    Attributes:
        url: An http or https URL; others are not linked.
        detail: The place in the source, or its kind: "section 3", "Metrics, 14 Nov".
        excerpt: The relevant passage.
    """

    title: str
    url: str | None = None
    detail: str = ""
    excerpt: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run started; `agent` is that of `Run.agent`."""

    agent: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunStopping:
    """A stop was requested; the run has not ended yet."""


@dataclass(frozen=True, slots=True)
class StageChanged:
    """What the agent is doing now: a few words, shown until the next stage."""

    name: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning, appended to the reasoning directly before it."""

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
    """The whole answer so far (Markdown); replaces all text before."""

    text: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool was called.

    Attributes:
        call_id: Unique in the run; matches the call's `ToolFinished`. A repeated id means that the same call is
            repeated. Calls with an empty id are all different.
        summary: What the call does, in a few words.
        arguments: The arguments.
    """

    call_id: str
    name: str
    summary: str = ""
    arguments: JSON = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool returned or failed.

    Attributes:
        summary: The result in a few words: "12 results".
    """

    call_id: str
    summary: str = ""
    result: JSON = None
    failed: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """More sources of the answer."""

    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Custom:
    """A part that the host draws, with the function of this name in `create_chat_app(parts=…)`.

    Attributes:
        name: The kind of part: "progress".
        data: The function's argument.
        key: An event with the same name and key updates the part in place. Parts with an empty key are all different.
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
    """A proposed script has ended.

    Attributes:
        state: done, failed, rejected, cancelled or timed-out.
        result: The agent's result, `abridged`; `None` if unknown.
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
        choices: If any, the user picks one of them, else writes an answer. At most 100, of 1,000 characters each.
        schema: A JSON Schema of the answer: the user fills in a form, and the answer is a value that matches it.
        decline: The label of a button with which the user declines; the answer is then `None`. Empty for no button.
        approval: A call to approve or deny. `Decision.of` decodes the answer.

    Raises:
        ValueError: There are more choices, or one is longer; more than one of choices, schema and approval is given; or
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
        user_id: The user who answered; empty if unknown.
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
        error: If the run failed, one sentence for the user.
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
    | TitleSuggested
    | RunEnded
    | Unknown
)

BODIES: Mapping[str, type[EventBody]] = {body.__name__: body for body in get_args(EventBody)}


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One entry of a run's log.

    Attributes:
        seq: The backend's number: strictly rising within a run, otherwise opaque.
        at: The time, with a timezone.
        raw: What the backend received, for the inspector; `None` if the body has all of it.
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
    """Decode a body. An unknown name or invalid fields give `Unknown`."""
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
    # The state is known even if the result cannot be decoded.
    try:
        return decode_result(result)
    except ValueError:
        return None
