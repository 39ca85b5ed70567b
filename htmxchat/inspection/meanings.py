"""Descriptions of events, one line each."""

from __future__ import annotations

import json
from collections import deque
from copy import copy
from datetime import datetime

from ..events import (
    JSON,
    Custom,
    EventBody,
    FileSent,
    InputAnswered,
    InputRequested,
    Outcome,
    RunEnded,
    RunStarted,
    RunStopping,
    ScriptFinished,
    ScriptProposed,
    SourcesFound,
    StageChanged,
    TextReplaced,
    TitleSuggested,
    ToolFinished,
    ToolStarted,
    Unknown,
    UsageReported,
)
from ..models import RunState
from ..scripts.result import ScriptState
from ..state_words import SCRIPTS, standing
from ..text.phrases import between, byte_size, count, cut, duration
from ..text.redaction import redact, redact_text

_EXCERPT = 100
_MAX_LENGTH = 300
_BAD = ("error", "failed", "failure", "exception")


class Meanings:
    """Describes each event of a run. It remembers earlier events, to tell how long something took."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[str, datetime]] = {}
        self._returned_calls: set[str] = set()
        self._unnamed: deque[tuple[str, datetime]] = deque()  # calls without an id that have not returned
        self._asked: dict[str, datetime] = {}

    def copy(self) -> Meanings:
        """Return an independent copy."""
        twin = copy(self)
        twin._calls, twin._asked = {**self._calls}, {**self._asked}
        twin._returned_calls, twin._unnamed = {*self._returned_calls}, deque(self._unnamed)
        return twin

    def add(self, body: EventBody, at: datetime, since: float) -> str:
        """Return an event's description; `since` is the time in seconds since the run's first event."""
        match body:
            case RunStarted(agent=agent):
                return f"Run started: {agent}" if agent else "Run started"
            case RunStopping():
                return "Stop requested"
            case StageChanged(name=name):
                return name
            case TextReplaced(text=text):
                return f"Answer replaced, {count(len(text), 'character')}: {excerpt(text)}"
            case ToolStarted(call_id=call, name=name, summary=summary, arguments=arguments):
                words = summary or gist(arguments)
                return self._called(call, name, at) + (f": {words}" if words else "")
            case ToolFinished() as finished:
                return self._returned(finished, at)
            case SourcesFound(sources=sources):
                return f"{count(len(sources), 'source')}: {', '.join(source.title for source in sources)}"
            case FileSent(file=file):
                return f"Sent {file.name}, {byte_size(file.size)}"
            case Custom(name=name, data=data):
                words = gist(data)
                return f"{name}: {words}" if words else name
            case ScriptProposed(script_id=script, title=title, code=code):
                self._asked[script] = at
                return f"Wants to run Python, {count(len(code.splitlines()), 'line')}{f': {title}' if title else ''}"
            case ScriptFinished(script_id=script, state=state):
                asked = self._asked.get(script)
                waited = f" after {between(asked, at)}" if asked else ""
                return f"Script in the browser: {SCRIPTS[state]}{waited}"
            case InputRequested(request_id=request, prompt=prompt):
                self._asked[request] = at
                return f"Asks: {prompt}"
            case InputAnswered(request_id=request, answer=answer):
                asked = self._asked.get(request)
                waited = f" after {between(asked, at)}" if asked else ""
                return f"Answered{waited}: {excerpt(_short(redact(answer)))}"
            case UsageReported(input_tokens=read, output_tokens=written):
                return f"{count(read, 'input token')}, {count(written, 'output token')}"
            case TitleSuggested(title=title):
                return f"Title: {excerpt(title)}"
            case RunEnded(outcome=outcome, error=error):
                took = duration(since)
                return f"{standing(RunState.after(outcome)).word} after {took}{f': {error}' if error else ''}"
            case Unknown(type=name, data=data):
                words = name.replace(".", " ").replace("_", " ").strip().capitalize() or "An event"
                return f"{words}: {_short(redact(data))}" if data not in (None, {}, []) else words
        return ""

    def _called(self, call: str, name: str, at: datetime) -> str:
        if not call:
            self._unnamed.append((name, at))
            return f"Called {name}"
        again = call in self._calls and self._calls[call][0] == name
        if not again or call in self._returned_calls:
            self._calls[call] = name, at
        self._returned_calls.discard(call)
        return f"Called {name}{' again' * again}"

    def _returned(self, finished: ToolFinished, at: datetime) -> str:
        name, began = self._calls.get(finished.call_id, (finished.call_id or "A tool", None))
        self._returned_calls.add(finished.call_id)
        if not finished.call_id and self._unnamed:
            name, began = self._unnamed.popleft()
        took = f" after {between(began, at)}" if began else ""
        how = "failed" if finished.failed else "returned"
        found = finished.summary or gist(finished.result)
        return f"{name} {how}{took}{f': {found}' if found else ''}"


def failed(body: EventBody) -> bool:
    """Return whether an event reports a failure."""
    match body:
        case ToolFinished(failed=went_wrong):
            return went_wrong
        case ScriptFinished(state=state):
            return state in (ScriptState.FAILED, ScriptState.TIMED_OUT)
        case RunEnded(outcome=outcome):
            return outcome is Outcome.FAILED
        case Unknown(type=name, data=data):
            return name.lower().replace("_", ".").rsplit(".", 1)[-1] in _BAD or (
                isinstance(data, dict) and (bool(data.get("error")) or data.get("ok") is False)
            )
    return False


def _short(value: JSON) -> str:
    """Return a JSON value in short, its plain fields first."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        plain = [f"{key}: {item}" for key, item in value.items() if isinstance(item, str | int | float) and item != ""]
        rest = [f"{key}: …" for key, item in value.items() if isinstance(item, dict | list) and item]
        return ", ".join([*plain, *rest]) or "No details"
    return json.dumps(value, ensure_ascii=False)


def gist(value: JSON) -> str:
    """Return the beginning of a tool's arguments or result, without secrets; empty if there are none."""
    return "" if value in (None, {}, [], "") else excerpt(_short(redact(value)))


def excerpt(text: str) -> str:
    """Return the beginning of a text, without secrets."""
    # Redact before cutting: half of a secret would not be recognized. Then remove the commonest Markdown marks.
    return cut(" ".join(redact_text(text[: 4 * _EXCERPT]).replace("**", "").replace("`", "").split()), _EXCERPT)


def one_line(text: str) -> str:
    """Return a text as one line, cut and without secrets."""
    return cut(" ".join(redact_text(text[: 4 * _MAX_LENGTH]).split()), _MAX_LENGTH)
