"""A conversation as JSON, written a turn at a time. Pure functions; standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..events import (
    JSON,
    Custom,
    EventBody,
    InputAnswered,
    ReasoningDelta,
    RunEvent,
    ScriptFinished,
    ScriptProposed,
    ToolFinished,
    ToolStarted,
    Unknown,
    encode_body,
)
from ..events import InputRequested as Asked
from ..files.file import File
from ..files.sent import FileSent, encode_file
from ..models import Turn
from ..scripts.models import Script
from ..text.redaction import redact
from .archive import FORMAT, VERSION, Outline, TurnNode


def head(outline: Outline, at: datetime) -> str:
    """Return the beginning of an archive; turns and `TAIL` follow."""
    conversation = outline.conversation
    facts: dict[str, JSON] = {
        "format": FORMAT,
        "version": VERSION,
        "title": conversation.title,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "imported_at": outline.imported_at.isoformat() if outline.imported_at else None,
        "exported_at": at.isoformat(),
        "shown": outline.shown[-1] if outline.shown else None,
    }
    written = ",\n".join(f" {json.dumps(name)}: {_json(value)}" for name, value in facts.items())
    return f'{{\n{written},\n "turns": ['


TAIL = "\n ]\n}\n"


def turn_json(node: TurnNode, turn: Turn, *, first: bool) -> Iterator[str | File]:
    """Yield a turn as pieces of JSON; in the place of a file, the file: its object, with its bytes if they are wanted.

    Args:
        first: Whether it is the first turn of the archive.
    """
    yield "\n  " if first else ",\n  "
    facts: dict[str, JSON] = {
        "id": turn.id,
        "role": turn.role,
        "follows": node.follows,
        "created_at": turn.created_at.isoformat(),
    }
    if turn.run is not None:
        facts["state"] = turn.run.state.value
        if turn.run.agent:
            facts["agent"] = turn.run.agent
    if turn.feedback is not None:
        given = turn.feedback
        said: JSON = {"rating": given.rating, "comment": given.comment, "given_at": given.given_at.isoformat()}
        facts["feedback"] = said
    facts["text"] = turn.text
    yield _json(facts)[:-1]
    if turn.run is None:
        if turn.files:
            yield ', "files": ['
            for number, file in enumerate(turn.files):
                yield ", " if number else ""
                yield file
            yield "]"
    else:
        yield ', "events": ['
        for number, event in enumerate(turn.events):
            yield ",\n   " if number else "\n   "
            kind, data = encode_body(event.body)
            said = _json({"at": event.at.isoformat(), "type": kind})[:-1]
            if isinstance(event.body, FileSent):
                yield f'{said}, "data": {{"file": '
                yield event.body.file
                yield "}}"
            else:
                yield f'{said}, "data": {_json(data)}}}'
        yield "]"
    yield "}"


def file_json(file: File) -> str:
    """Return what is known of a file."""
    return _json(encode_file(file))


def presentable(turn: Turn, *, tools: bool) -> Turn:
    """Return a turn as its user may have it: without secrets, and as `tools` says, without what tools got and gave."""
    if turn.run is None:
        return turn
    return replace(turn, events=tuple(_presentable(turn.events, tools=tools)))


def _presentable(events: tuple[RunEvent, ...], *, tools: bool) -> Iterator[RunEvent]:
    for event in events:
        body = _shown(event.body, tools=tools)
        if body is not None:
            yield RunEvent(event.seq, event.at, body)


def _shown(body: EventBody, *, tools: bool) -> EventBody | None:
    match body:
        case ToolStarted(arguments=arguments):
            return replace(body, arguments=redact(arguments) if tools else None)
        case ToolFinished(result=result):
            return replace(body, result=redact(result) if tools else None)
        case Custom(data=data):
            return replace(body, data=redact(data) if tools else None)
        case Asked(approval=approval) if approval is not None:
            said: Any = redact(approval.arguments)
            return replace(body, approval=replace(approval, arguments=said))
        case InputAnswered(answer=answer):
            return replace(body, answer=redact(answer))
        case Unknown(data=data):
            return replace(body, data=redact(data)) if tools else None
    return body


def without_steps(turn: Turn) -> Turn:
    """Return a turn without what the agent thought, and what its tools and scripts got and gave.

    That there was a step stays: it keeps apart the words around it.
    """
    kept = [event for event in turn.events if not isinstance(event.body, Unknown)]
    return replace(turn, events=tuple(replace(event, body=_words(event.body)) for event in kept))


def _words(body: EventBody) -> EventBody:
    match body:
        case ReasoningDelta():
            return ReasoningDelta("")
        case ToolStarted(call_id=call_id):
            return ToolStarted(call_id, "")
        case ToolFinished(call_id=call_id):
            return ToolFinished(call_id)
        case Asked(approval=approval) if approval is not None:
            return replace(body, approval=replace(approval, arguments={}, schema=None))
        case InputAnswered(answer=dict() as answer):
            return replace(body, answer={name: value for name, value in answer.items() if name != "arguments"})
        case ScriptProposed():
            return replace(body, code="")
        case ScriptFinished():
            return replace(body, result=None)
    return body


def with_results(turn: Turn, scripts: tuple[Script, ...]) -> Turn:
    """Return a turn whose events also have the results of scripts that ran when the run was over."""
    known = {each.proposal: each for each in scripts if each.run_id == turn.id and each.proposal and each.state.over}
    told = {event.body.script_id for event in turn.events if isinstance(event.body, ScriptFinished)}
    events: list[RunEvent] = []
    for event in turn.events:
        events.append(event)
        if isinstance(event.body, ScriptProposed) and event.body.script_id not in told:
            script = known.get(event.body.script_id)
            if script is not None:
                result = script.result.abridged if script.result is not None else None
                told.add(event.body.script_id)
                events.append(RunEvent(event.seq, event.at, ScriptFinished(script.proposal, script.state, result)))
    return replace(turn, events=tuple(replace(event, seq=number) for number, event in enumerate(events, 1)))


def _json(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)
