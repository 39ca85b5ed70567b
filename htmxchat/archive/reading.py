"""Reads an archive that anyone may have made: what is not as documented is refused, what is, is cleaned.

Pure functions; standard library only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..errors import InvalidInput
from ..events import (
    BODIES,
    EventBody,
    FileSent,
    InputAnswered,
    Outcome,
    RunEnded,
    RunEvent,
    ScriptFinished,
    ScriptProposed,
    Unknown,
    decode_body,
)
from ..feedback import RATINGS, Feedback
from ..files.file import File
from ..files.names import clean_name
from ..models import UNDATED, RunState
from ..scripts.result import ScriptState
from ..text.cleaning import clean_body, clean_text, one_line, read_json, title_of
from .archive import FORMAT, VERSION, Archive, ArchivedFile, ArchivedTurn, TurnNode
from .settings import Imports

_NOT_ONE = "This file is not a conversation of this chat. Choose a file that “Export as JSON” made."
_BROKEN = "This file is not valid JSON. It may have been cut: export the conversation again."
_LATER = "This file has version {} of the format; this chat reads version {}. A newer version of the chat may read it."
_MAX_TITLE = 200
_MAX_ID = 200
_MAX_FILES = 100
# Counted before anything is parsed: each value costs memory, and has one of these around it.
_MAX_VALUES = 1_000_000
_HEAD = frozenset(
    {"format", "version", "title", "created_at", "updated_at", "imported_at", "exported_at", "shown", "turns"}
)
_USER = frozenset({"id", "role", "follows", "created_at", "text", "files"})
_ANSWER = frozenset({"id", "role", "follows", "created_at", "text", "state", "agent", "feedback", "events"})
_FEEDBACK = frozenset({"rating", "comment", "given_at"})
_EVENT = frozenset({"at", "type", "data"})
_FILE = frozenset({"id", "name", "media_type", "size", "digest", "content"})


def read_archive(data: bytes, settings: Imports, now: datetime, *, files: bool = True) -> Archive:
    """Return the conversation that a file holds.

    Who asked, who owned and who answered is not taken from it, and nothing in it is still to be done: a run that was
    active has been stopped, and a script that has not run is cancelled.

    Args:
        now: No time in it is later.
        files: Whether the files in it are kept.

    Raises:
        InvalidInput: It holds none that can be used; the sentence says why.
    """
    if sum(map(data.count, (b",", b"[", b"{"))) > _MAX_VALUES:
        raise InvalidInput("This file has too many values to be a conversation.")
    try:
        whole = read_json(data)
    except ValueError:
        raise InvalidInput(_BROKEN) from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise InvalidInput(_NOT_ONE)
    version = whole.get("version")
    if type(version) is not int or version != VERSION:
        said = str(version)[:20] if isinstance(version, int | str) else "?"
        raise InvalidInput(_LATER.format(said, VERSION))
    return _Reader(settings, now, files).archive(whole)


@dataclass(slots=True)
class _Reader:
    """What is known while one archive is read."""

    settings: Imports
    now: datetime
    keeps_files: bool
    files: dict[str, ArchivedFile] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    carried: set[str] = field(default_factory=set)

    def archive(self, whole: dict[str, Any]) -> Archive:
        place = "The file"
        _check_names(place, whole, _HEAD)
        given = whole.get("turns")
        if not isinstance(given, list) or not given:
            raise InvalidInput("This file has no messages.")
        if len(given) > self.settings.max_turns:
            raise InvalidInput(
                f"This file has {len(given):,} messages and answers; {self.settings.max_turns:,} are allowed."
            )
        turns: dict[str, ArchivedTurn] = {}
        for number, each in enumerate(given, 1):
            turn = self.turn(f"Turn {number}", each, turns)
            turns[turn.node.id] = turn
        self.check_answered(turns)
        shown = whole.get("shown")
        if not isinstance(shown, str) or shown not in turns or turns[shown].node.role != "assistant":
            raise InvalidInput("“shown” is not the id of an answer of this file.")
        first = next(iter(turns.values()))
        title = one_line(_text(place, whole, "title"), _MAX_TITLE) or title_of(first.text) or "Imported conversation"
        created = self.time(place, whole, "created_at")
        return Archive(
            title,
            created,
            max(created, self.time(place, whole, "updated_at")),
            tuple(turns.values()),
            shown,
            tuple(file for id, file in self.files.items() if id not in self.carried),
            len(self.named - self.files.keys()),
        )

    def turn(self, place: str, given: Any, before: Mapping[str, ArchivedTurn]) -> ArchivedTurn:
        if not isinstance(given, dict):
            raise InvalidInput(f"{place} is not an object.")
        role = given.get("role")
        if role not in ("user", "assistant"):
            raise InvalidInput(f"{place}: “role” must be user or assistant.")
        _check_names(place, given, _USER if role == "user" else _ANSWER)
        id, follows = _id(place, given, "id"), given.get("follows")
        if id in before:
            raise InvalidInput(f"{place} has the id of another turn.")
        if follows is not None or role == "assistant":
            if not isinstance(follows, str) or follows not in before:
                raise InvalidInput(f"{place}: “follows” must be the id of a turn that stands before it.")
            if before[follows].node.role == role:
                raise InvalidInput(f"{place}: an answer follows a message, and a message follows an answer.")
        node, at = TurnNode(id, role, follows), self.time(place, given, "created_at")
        if role == "assistant":
            events = self.events(place, given.get("events"), at)
            ended = events[-1].body
            assert isinstance(ended, RunEnded)
            agent = one_line(_text(place, given, "agent"), _MAX_TITLE) if "agent" in given else ""
            rated = self.feedback(f"{place}, feedback", given.get("feedback"))
            state = RunState.after(ended.outcome)
            return ArchivedTurn(node, at, state=state, agent=agent, events=events, feedback=rated)
        text = clean_text(_text(place, given, "text"))
        files = given.get("files", [])
        if not isinstance(files, list) or len(files) > _MAX_FILES:
            raise InvalidInput(f"{place}: “files” must be a list of at most {_MAX_FILES} files.")
        read = [self.file(f"{place}, file {number}", each) for number, each in enumerate(files, 1)]
        kept = {file.id: self.files[file.id] for file in read if file.id in self.files}
        self.carried |= kept.keys()
        if not text.strip() and not files:
            raise InvalidInput(f"{place} is empty.")
        if not text.strip() and not kept:
            text = ", ".join(file.name for file in read)
        return ArchivedTurn(node, at, text, files=tuple(kept.values()))

    def feedback(self, place: str, given: Any) -> Feedback | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            raise InvalidInput(f"{place} is not an object.")
        _check_names(place, given, _FEEDBACK)
        rating = next((each for each in RATINGS if each == given.get("rating")), None)
        if rating is None:
            raise InvalidInput(f"{place}: “rating” must be up or down.")
        return Feedback(rating, self.time(place, given, "given_at"), clean_text(_text(place, given, "comment")))

    def events(self, place: str, given: Any, begun: datetime) -> tuple[RunEvent, ...]:
        if not isinstance(given, list):
            raise InvalidInput(f"{place}: “events” must be a list.")
        events: list[RunEvent] = []
        at, ended = begun, False
        for number, each in enumerate(given, 1):
            here = f"{place}, event {number}"
            if ended:
                raise InvalidInput(f"{here} follows the end of the answer.")
            if not isinstance(each, dict):
                raise InvalidInput(f"{here} is not an object.")
            _check_names(here, each, _EVENT)
            at = max(at, self.time(here, each, "at"))
            body = self.body(here, each.get("type"), each.get("data"))
            ended = isinstance(body, RunEnded)
            if body is not None:
                events.append(RunEvent(0, at, body))
        return tuple(replace(event, seq=number) for number, event in enumerate(_over(events, at), 1))

    def body(self, place: str, kind: Any, data: Any) -> EventBody | None:
        """Return what an event says; `None` for a file that is only named."""
        if not isinstance(kind, str) or kind not in BODIES or not isinstance(data, dict):
            raise InvalidInput(f"{place} is of a type that this chat does not know.")
        if kind == FileSent.__name__:
            file = self.file(place, data.get("file"))
            return FileSent(file) if file.id in self.files else None
        body = decode_body(kind, data)
        if isinstance(body, Unknown) and kind != Unknown.__name__:
            raise InvalidInput(f"{place} is no {kind}: a field is missing, or of another kind.")
        try:
            body = clean_body(body)
        except TypeError:
            raise InvalidInput(f"{place} is no {kind}: a field cannot be stored.") from None
        match body:
            case InputAnswered():
                return replace(body, user_id="")  # no one can say it for another
            case RunEnded(outcome=Outcome.SUSPENDED):
                return RunEnded(Outcome.CANCELLED)
        return body

    def file(self, place: str, given: Any) -> File:
        if not isinstance(given, dict):
            raise InvalidInput(f"{place} is not an object.")
        _check_names(place, given, _FILE)
        id, name = _id(place, given, "id"), clean_name(_text(place, given, "name"))
        self.named.add(id)
        content = given.get("content")
        if content is None or not self.keeps_files:
            return File(id, name, "application/octet-stream", 0, "")
        if id in self.files:
            raise InvalidInput(f"{place} is in the file twice.")
        try:
            data = base64.b64decode(content, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise InvalidInput(f"{place}: “content” is not base64.") from None
        if not data or hashlib.sha256(data).hexdigest() != given.get("digest"):
            raise InvalidInput(f"{place} is damaged: its content does not have its digest.")
        self.files[id] = ArchivedFile(id, name, data)
        return File(id, name, "application/octet-stream", len(data), "")

    def time(self, place: str, given: Mapping[str, Any], name: str) -> datetime:
        try:
            at = datetime.fromisoformat(given[name])
            if at.tzinfo is None:
                raise ValueError
            return max(UNDATED, min(at.astimezone(UTC), self.now))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InvalidInput(f"{place}: “{name}” is not a time with a zone (ISO 8601).") from None

    @staticmethod
    def check_answered(turns: Mapping[str, ArchivedTurn]) -> None:
        answered = {turn.node.follows for turn in turns.values() if turn.node.role == "assistant"}
        for number, turn in enumerate(turns.values(), 1):
            if turn.node.role == "user" and turn.node.id not in answered:
                raise InvalidInput(f"Turn {number} has no answer.")


def _over(events: list[RunEvent], at: datetime) -> Iterable[RunEvent]:
    """Yield the events of a run that is over, whatever was still to be done in it."""
    if events and isinstance(events[-1].body, RunEnded):
        events, end = events[:-1], events[-1]
    else:
        end = RunEvent(0, at, RunEnded(Outcome.CANCELLED))
    yield from events
    told = {event.body.script_id for event in events if isinstance(event.body, ScriptFinished)}
    for event in events:
        if isinstance(event.body, ScriptProposed) and event.body.script_id not in told:
            told.add(event.body.script_id)
            yield RunEvent(0, end.at, ScriptFinished(event.body.script_id, ScriptState.CANCELLED))
    yield end


def _check_names(place: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    other = next((name for name in given if name not in known), None)
    if other is not None:
        raise InvalidInput(f"{place} has a field that this chat does not know: “{one_line(other, 40)}”.")


def _text(place: str, given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise InvalidInput(f"{place}: “{name}” must be a text.")
    return value


def _id(place: str, given: Mapping[str, Any], name: str) -> str:
    value = _text(place, given, name)
    if not 0 < len(value) <= _MAX_ID:
        raise InvalidInput(f"{place}: “{name}” must have 1 to {_MAX_ID} characters.")
    return value
