"""Translates the events of one turn, in order, and updates the next input for the server."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ....agent import SendFile
from ....events import JSON, Custom, EventBody, StageChanged, Unknown, UsageReported
from ..state import DoesNotApply, patched
from . import ends, snapshots
from .activities import custom
from .calling import Calling
from .drawing import Drawing
from .fields import Event, Handlers, Malformed, known, objects, text
from .messages import Message, Messages, calls_of, function_of
from .shown import Shown
from .talking import Talking

_CHUNKS = frozenset("TEXT_MESSAGE_CHUNK TOOL_CALL_CHUNK REASONING_MESSAGE_CHUNK".split())
# Events that do not close a message or a call that comes in chunks.
_BETWEEN = frozenset("RAW ACTIVITY_SNAPSHOT ACTIVITY_DELTA REASONING_ENCRYPTED_VALUE SUBAGENT_STARTED".split())
_RETIRED = {"THINKING_TEXT_MESSAGE_": "REASONING_MESSAGE_", "THINKING_": "REASONING_"}
_ASKED = "confirm_changes"


class Translator:
    """Takes events, returns bodies. One object for each turn; `begin` starts each run of the server in it.

    Args:
        messages: The conversation, this turn's messages last.
        state: The state that was agreed on last.
        hidden: The names of tools whose calls the chat shows in another way.

    Attributes:
        state: The state as the server knows it.
        end: How the run ended; `None` while it has not.
        usage: Input and output tokens of all runs of the turn.
    """

    def __init__(self, messages: Iterable[Message], state: JSON, hidden: Collection[str] = ()) -> None:
        self.state = state
        self.end: ends.End | None = None
        self.usage = (0, 0)
        self._shown = Shown(messages, {*hidden, _ASKED})
        self._known = {known(each.get("id")) for each in self.messages.export()} - {""}
        self._steps: list[str] = []
        self._noticed: list[JSON] = []
        self._run_id = ""
        self._foreign = False
        self._own: set[str] = set()
        self._handlers: Handlers = {
            **Talking(self._shown).handlers,
            **Calling(self._shown).handlers,
            **Drawing(self._shown).handlers,
            "RUN_STARTED": self._start_run,
            "RUN_FINISHED": self._finish_run,
            "RUN_ERROR": self._fail_run,
            "STEP_STARTED": self._start_step,
            "STEP_FINISHED": self._finish_step,
            "STATE_SNAPSHOT": self._have_state,
            "STATE_DELTA": self._change_state,
            "MESSAGES_SNAPSHOT": self._have_messages,
            "CUSTOM": self._custom,
            "RAW": lambda _: [],
        }

    @property
    def messages(self) -> Messages:
        """The conversation as the server knows it."""
        return self._shown.messages

    def begin(self, run_id: str) -> None:
        """Start a run of the server."""
        self.end, self._run_id, self._foreign = None, run_id, False
        self._noticed, self._shown.calls = [], []

    def part(self) -> None:
        """Something that the server did not send was shown: the next text stands after it."""
        self._shown.part()

    @property
    def pending(self) -> list[tuple[str, str, str]]:
        """The calls of this run that wait for a result: id, name and arguments."""
        assert self.end is not None
        ids = self._shown.calls if self.end.pending is None else self.end.pending
        waits = (id for id in ids if not self._shown.tools.is_finished(id) and self.messages.caller(id) is not None)
        return [(id, *self.call(id)) for id in waits]

    @property
    def went_on(self) -> bool:
        """Whether the agent wrote text after its last call, so that it waits for nothing."""
        turn = self.messages.turn
        last = next((place for place in reversed(range(len(turn))) if calls_of(turn[place])), -1)
        later = (each for each in turn[last + 1 :] if each.get("role") == "assistant")
        return any(snapshots.content_text(each.get("content")) for each in later)

    def call(self, id: str) -> tuple[str, str]:
        """Return the name and the arguments of a call; both empty if it is unknown."""
        caller = self.messages.caller(id)
        if caller is None:
            return "", ""
        self.messages.export()
        function = function_of(caller, id)
        return known(function.get("name")), known(function.get("arguments"))

    def deny(self, id: str) -> None:
        """The user has refused a call."""
        self._shown.tools.deny(id)

    def answered(self, id: str, content: JSON, *, failed: bool) -> list[EventBody]:
        """Return the bodies for the result of a call that was made here."""
        return self._shown.noted(self._shown.tools.result(id, "", content, failed=failed))

    def say(self, id: str, text: str) -> list[EventBody]:
        """Return a text of the chat, which is shown in the answer and not sent to the server."""
        return self._shown.noted(self._shown.texts.more(f"\0{id}", text))

    def feed(self, event: Event) -> list[EventBody]:
        """Return the bodies for an event.

        Raises:
            Malformed: A field of the protocol has the wrong type.
        """
        type = text(event, "type")
        for old, new in _RETIRED.items():
            if type.startswith(old):
                type = new + type.removeprefix(old)
        if self._foreign and known(event.get("messageId")) in self._known:
            return []  # an earlier run, sent again
        bodies = [] if type in _CHUNKS or type in _BETWEEN else self._shown.close_chunk()
        handler = self._handlers.get(type)
        bodies += [Unknown(type or "event", without_raw(event))] if handler is None else handler(event)
        return self._shown.noted(bodies)

    def files(self) -> list[SendFile]:
        """Return the files since the last call."""
        files = self._shown.media.take()
        if files:
            self._shown.part()
        return files

    def stop(self) -> list[EventBody]:
        """The stream has ended: return the bodies that were held back."""
        return self._shown.noted([*self._shown.close_chunk(), *self._shown.held()])

    # Runs and steps

    def _start_run(self, event: Event) -> list[EventBody]:
        before, self._foreign = (
            self._foreign,
            bool(self._run_id) and known(event.get("runId")) not in ("", self._run_id),
        )
        if self._foreign:
            self._own = self._own if before else set(self._shown.texts.all)
            return []
        self.end = None
        # Messages of an earlier run, which is shown in its own place, are no part of this answer.
        return self._shown.texts.forget(self._own) if before else []

    def _finish_run(self, event: Event) -> list[EventBody]:
        foreign = known(event.get("runId")) not in ("", self._run_id)
        if self.end is not None and (foreign or self.end.outcome == "error"):
            return []
        self.end = ends.finished(event, self._noticed)
        bodies = [*self._shown.held(), *self._used(event)]
        if self.end.outcome == "success":
            bodies += self._shown.subagents.finish()
            bodies += self._shown.tools.finish({id for id, _, _ in self.pending})
        if event.get("result") is not None:
            bodies.append(Custom("result", event["result"]))
        return bodies

    def _fail_run(self, event: Event) -> list[EventBody]:
        self.end = ends.failed(event)
        told: JSON = {"message": self.end.message, "code": self.end.code}
        return [*self._shown.held(), *self._used(event), Unknown("RUN_ERROR", told)]

    def _used(self, event: Event) -> list[EventBody]:
        used = ends.usage(event)
        if used is None:
            return []
        self.usage = (self.usage[0] + used[0], self.usage[1] + used[1])
        return [UsageReported(*self.usage)]

    def _start_step(self, event: Event) -> list[EventBody]:
        name = text(event, "stepName")
        self._steps.append(name)
        return [StageChanged(name)] if name else []

    def _finish_step(self, event: Event) -> list[EventBody]:
        name = text(event, "stepName")
        if name not in self._steps:
            return []
        last = self._steps[-1] == name
        del self._steps[len(self._steps) - 1 - self._steps[::-1].index(name)]
        return [StageChanged(self._steps[-1])] if last and self._steps and self._steps[-1] else []

    # State, snapshots of messages, custom events

    def _have_state(self, event: Event) -> list[EventBody]:
        before, self.state = self.state, event.get("snapshot")
        return [] if before == self.state else [Unknown("STATE_SNAPSHOT", {"state": brief(self.state)})]

    def _change_state(self, event: Event) -> list[EventBody]:
        if not isinstance(event.get("delta"), list):
            raise Malformed(event, "delta")
        told: dict[str, JSON] = {"delta": event["delta"]}
        try:
            self.state = patched(self.state, event["delta"])
        except DoesNotApply:
            told["problem"] = "It does not fit the state."
        return [Unknown("STATE_DELTA", told)]

    def _have_messages(self, event: Event) -> list[EventBody]:
        snapshot, shown = objects(event, "messages"), self._shown
        bodies = snapshots.news(snapshot, shown.texts, shown.tools, shown.media, shown.tagged)
        snapshots.take_over(shown.messages, [each for each in snapshot if each.get("role") != "activity"])
        return bodies

    def _custom(self, event: Event) -> list[EventBody]:
        name = text(event, "name")
        if name == "on_interrupt":
            self._noticed.append(event.get("value"))
        return custom(name, event.get("value"))


def brief(state: JSON) -> JSON:
    """Return a state for the inspector, without the conversation that some servers have in it."""
    if isinstance(state, dict) and isinstance(messages := state.get("messages"), list):
        return {**state, "messages": f"({len(messages)} messages)"}
    return state


def without_raw(event: Event) -> JSON:
    return {key: each for key, each in event.items() if key not in ("type", "rawEvent", "timestamp")}
