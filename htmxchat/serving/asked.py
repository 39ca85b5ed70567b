"""Reads the fields of a client's RunAgentInput (AG-UI) that are needed. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import BadRequest, EmptyText, InvalidInput, TextTooLong
from ..events import JSON
from ..text.cleaning import read_json

RUN_PYTHON = "run_python"
_KEY = "htmxchat"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the client is in a conversation. It is kept in AG-UI's state, which a client gives back.

    Attributes:
        run: The last run that the client was told of.
        before: The run before that; empty when it was the first.
        message: The client's id of the message that the run answers.
        user: Random, and known to the client alone, where the host does not say who asks.
    """

    conversation: str = ""
    run: str = ""
    before: str = ""
    message: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """What a run waits for. Its `id` is all that a client has to give back.

    Attributes:
        run: It has no slash in it.
        seq: The number of the last event that the client was told.
        request: The id of the question, or of the script.
    """

    run: str
    seq: int
    request: str

    @property
    def id(self) -> str:
        return f"{self.seq}/{self.run}/{self.request}"

    @classmethod
    def of(cls, id: str) -> Pending | None:
        seq, _, rest = id.partition("/")
        run, slash, request = rest.partition("/")
        return cls(run, int(seq), request) if seq.isdecimal() and seq.isascii() and slash and len(seq) < 19 else None


@dataclass(frozen=True, slots=True)
class Given:
    """An answer of the client's.

    Attributes:
        cancelled: Whether it does not want to answer.
        script: Whether it is the result of a script.
    """

    pending: Pending
    answer: JSON = None
    cancelled: bool = False
    script: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a run.

    Attributes:
        message: The id of the user's last message.
        runs_python: Whether the client offers a tool of that name.
        state: All of the client's state.
    """

    thread: str
    run: str
    message: str
    text: str
    messages: tuple[dict[str, Any], ...]
    place: Place
    given: Given | None = None
    runs_python: bool = False
    state: JSON = None

    def state_at(self, place: Place) -> JSON:
        """Return the client's state with another place."""
        told: JSON = asdict(place)
        return {**_object(self.state), _KEY: told}


def asked(body: bytes, longest: int) -> Asked:
    """Return what a client asks.

    Args:
        longest: The longest text, in characters.

    Raises:
        BadRequest: It is no JSON.
        InvalidInput: It is no RunAgentInput, or the last message is none that can be answered.
    """
    try:
        data = read_json(body.decode())
    except ValueError:
        raise BadRequest from None
    sent = _object(data)
    thread, run, messages = _text(sent.get("threadId")), _text(sent.get("runId")), sent.get("messages")
    if not (thread and run and isinstance(messages, list) and all(isinstance(each, dict) for each in messages)):
        raise InvalidInput("This is no RunAgentInput: it needs threadId, runId and messages.")
    user: dict[str, Any] = next((each for each in reversed(messages) if each.get("role") == "user"), {})
    found = Asked(
        thread=thread,
        run=run,
        message=_text(user.get("id")),
        text=_content(user.get("content")),
        messages=tuple(messages),
        place=_place(_object(_object(sent.get("state")).get(_KEY))),
        given=_given(sent.get("resume"), messages),
        runs_python=any(each.get("name") == RUN_PYTHON for each in _objects(sent.get("tools"))),
        state=sent.get("state"),
    )
    if found.given is None and not found.text.strip():
        raise EmptyText
    if len(found.text) > longest:
        raise TextTooLong(len(found.text), longest)
    return found


def _place(kept: dict[str, Any]) -> Place:
    return Place(*(_text(kept.get(field.name)) for field in fields(Place)))


def _given(resume: JSON, messages: list[dict[str, Any]]) -> Given | None:
    """Return the answer that a request brings. An agent asks one thing at a time, so there is one at most."""
    for entry in _objects(resume):
        if (pending := Pending.of(_text(entry.get("interruptId")))) is None:
            raise InvalidInput("The interrupt is not one of this agent's.")
        return Given(pending, entry.get("payload"), cancelled=entry.get("status") == "cancelled")
    last = messages[-1] if messages else {}
    if last.get("role") == "tool" and (pending := Pending.of(_text(last.get("toolCallId")))) is not None:
        return Given(pending, _content(last.get("content")), cancelled=bool(last.get("error")), script=True)
    return None


def _content(content: JSON) -> str:
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in _objects(content))
    return _text(content)


def _objects(value: JSON) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _object(value: JSON) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
