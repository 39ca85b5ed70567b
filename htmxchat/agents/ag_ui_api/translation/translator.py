"""The events of one turn, in their order: what each shows, and what it changes of what the server is told next."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ....events import (
    JSON,
    Custom,
    EventBody,
    ReasoningDelta,
    StageChanged,
    TextDelta,
    ToolStarted,
    Unknown,
    UsageReported,
)
from ..state import DoesNotApply, patched
from . import ends, snapshots
from .activities import Activities, custom
from .fields import Event, Malformed, known, mapping, objects, text
from .messages import Message, Messages, calls_of, function_of
from .reasoning import Reasoning
from .subagents import Subagents
from .texts import Texts
from .tools import Tools, text_result

_QUIET = frozenset("RAW TEXT_MESSAGE_CHUNK TOOL_CALL_CHUNK REASONING_MESSAGE_CHUNK".split())
# What does not close a message or a call that comes in chunks.
_BETWEEN = frozenset("RAW ACTIVITY_SNAPSHOT ACTIVITY_DELTA REASONING_ENCRYPTED_VALUE SUBAGENT_STARTED".split())
_RETIRED = {"THINKING_TEXT_MESSAGE_": "REASONING_MESSAGE_", "THINKING_": "REASONING_"}
_ASKED = "confirm_changes"


class Translator:
    """Events in, bodies out. It lives as long as a turn; each run of the server's in it is begun with `begin`.

    Args:
        messages: The conversation, this turn's messages last.
        state: The state that was agreed on last.
        hidden: The names of tools whose calls the chat shows in another way.

    Attributes:
        messages: The conversation as the server knows it.
        state: The state as the server knows it.
        end: How the run ended; `None` while it has not.
        usage: Input and output tokens of all runs of the turn.
    """

    def __init__(self, messages: Iterable[Message], state: JSON, hidden: Collection[str] = ()) -> None:
        self.messages = Messages(messages)
        self.state = state
        self.end: ends.End | None = None
        self.usage = (0, 0)
        turn = self.messages.turn
        shown = [snapshots.content_text(each.get("content")) for each in turn if each.get("role") == "assistant"]
        calls = {call_id: known(function_of(each, call_id).get("name")) for each in turn
                 for call in calls_of(each) if (call_id := known(call.get("id")))}  # fmt: skip
        self._texts = Texts([each for each in shown if each])
        self._tools = Tools({*hidden, _ASKED}, calls)
        self._reasoning = Reasoning()
        self._subagents = Subagents()
        self._activities = Activities()
        self._known = {known(each.get("id")) for each in self.messages.export()} - {""}
        self._steps: list[str] = []
        self._chunk: tuple[str, str] | None = None
        self._noticed: list[JSON] = []
        self._calls: list[str] = []
        self._run_id = ""
        self._foreign = False
        self._tagged = False

    def begin(self, run_id: str) -> None:
        """A run of the server's begins."""
        self.end, self._run_id, self._foreign = None, run_id, False
        self._noticed, self._calls = [], []

    @property
    def pending(self) -> list[tuple[str, str, str]]:
        """The calls of this run that wait for a result: id, name and arguments."""
        assert self.end is not None
        answered = {known(each.get("toolCallId")) for each in self.messages.turn if each.get("role") == "tool"}
        named = self.end.pending
        found = []
        for id in self._calls if named is None else named:
            if id not in answered and self.messages.caller(id) is not None:
                found.append((id, *self.call(id)))
        return found

    @property
    def went_on(self) -> bool:
        """Whether the agent wrote text after its last call: then it waits for nothing."""
        turn = self.messages.turn
        last = next((place for place in reversed(range(len(turn))) if calls_of(turn[place])), -1)
        return any(
            snapshots.content_text(each.get("content")) for each in turn[last + 1 :] if each.get("role") == "assistant"
        )

    def call(self, id: str) -> tuple[str, str]:
        """Return the name and the arguments of a call; both empty when it is unknown."""
        caller = self.messages.caller(id)
        if caller is None:
            return "", ""
        self.messages.export()
        function = function_of(caller, id)
        return known(function.get("name")), known(function.get("arguments"))

    def answered(self, id: str, content: JSON, *, failed: bool) -> list[EventBody]:
        """Return what the result of a call shows that was made here."""
        return self._noted(self._tools.result(id, "", content, failed=failed))

    def feed(self, event: Event) -> list[EventBody]:
        """Return what an event shows.

        Raises:
            Malformed: A field that the protocol knows is of another kind.
        """
        type = text(event, "type")
        for old, new in _RETIRED.items():
            if type.startswith(old):
                type = new + type.removeprefix(old)
        if self._foreign and known(event.get("messageId")) in self._known:
            return []  # a run of before, told again
        bodies: list[EventBody] = []
        if type not in _QUIET and type not in _BETWEEN:
            bodies += self._close_chunk()
        handler = getattr(self, f"_on_{type.lower()}", None) if type.isupper() else None
        if handler is None:
            bodies.append(Unknown(type or "event", without_raw(event)))
        else:
            bodies += handler(event)
        return self._noted(bodies)

    def stop(self) -> list[EventBody]:
        """Nothing more will come: return what was held back."""
        return self._noted([*self._close_chunk(), *self._reasoning.finish(), *self._texts.finish()])

    def _noted(self, bodies: list[EventBody]) -> list[EventBody]:
        for body in bodies:
            if isinstance(body, TextDelta):
                self._reasoning.parted = True
            elif isinstance(body, ReasoningDelta):
                self._texts.parted = True
            elif isinstance(body, ToolStarted | Custom):
                self._texts.parted = self._reasoning.parted = True
        return bodies

    # Runs and steps

    def _on_run_started(self, event: Event) -> list[EventBody]:
        self._foreign = bool(self._run_id) and known(event.get("runId")) not in ("", self._run_id)
        self.end = None if not self._foreign else self.end
        return []

    def _on_run_finished(self, event: Event) -> list[EventBody]:
        foreign = known(event.get("runId")) not in ("", self._run_id)
        if self.end is not None and (foreign or self.end.outcome == "error"):
            return []
        self.end = ends.finished(event, self._noticed)
        bodies = [*self._reasoning.finish(), *self._texts.finish(), *self._used(event)]
        if self.end.outcome == "success":
            waiting = {id for id, _, _ in self.pending}
            bodies += self._subagents.finish()
            bodies += self._tools.finish(waiting)
        if event.get("result") is not None:
            bodies.append(Custom("result", event["result"]))
        return bodies

    def _on_run_error(self, event: Event) -> list[EventBody]:
        self.end = ends.failed(event)
        told: JSON = {"message": self.end.message, "code": self.end.code}
        held = [*self._reasoning.finish(), *self._texts.finish()]
        return [*held, *self._used(event), Unknown("RUN_ERROR", told)]

    def _used(self, event: Event) -> list[EventBody]:
        used = (
            [each for each in event.get("usage") or () if isinstance(each, dict)]
            if isinstance(event.get("usage"), list)
            else []
        )
        if not used:
            return []
        self.usage = (
            self.usage[0] + sum(_count(each.get("inputTokens")) for each in used),
            self.usage[1] + sum(_count(each.get("outputTokens")) for each in used),
        )
        return [UsageReported(*self.usage)]

    def _on_step_started(self, event: Event) -> list[EventBody]:
        name = text(event, "stepName")
        self._steps.append(name)
        return [StageChanged(name)] if name else []

    def _on_step_finished(self, event: Event) -> list[EventBody]:
        name = text(event, "stepName")
        if name in self._steps:
            last = self._steps[-1] == name
            del self._steps[len(self._steps) - 1 - self._steps[::-1].index(name)]
            if last and self._steps:
                return [StageChanged(self._steps[-1])]
        return []

    # Text

    def _on_text_message_start(self, event: Event) -> list[EventBody]:
        id, role = text(event, "messageId"), known(event.get("role")) or "assistant"
        self.messages.put(role, id, name=event.get("name"), subagentRunId=event.get("subagentRunId"))
        if self._shows(event, role):
            self._texts.start(id)
        return []

    def _on_text_message_content(self, event: Event) -> list[EventBody]:
        id, delta = text(event, "messageId"), text(event, "delta")
        return self._more_text(event, id, self._role_of(id), delta)

    def _on_text_message_end(self, event: Event) -> list[EventBody]:
        return self._texts.end(text(event, "messageId"))

    def _on_text_message_chunk(self, event: Event) -> list[EventBody]:
        id = text(event, "messageId")
        bodies, id, _ = self._go_on("text", id)
        role = known(event.get("role")) or self._role_of(id)
        return [*bodies, *self._more_text(event, id, role, text(event, "delta"))]

    def _role_of(self, id: str) -> str:
        roles = ("assistant", "user", "system", "developer")
        return next((role for role in roles if self.messages.find(role, id)), "assistant")

    def _more_text(self, event: Event, id: str, role: str, delta: str) -> list[EventBody]:
        message = self.messages.put(role, id, name=event.get("name"), subagentRunId=event.get("subagentRunId"))
        if delta:
            self.messages.extend(message, "content", delta)
        if subagent := known(event.get("subagentRunId")):
            self._tagged = True
            return self._subagents.write(subagent, id, delta)
        return self._texts.more(id, delta) if self._shows(event, role) else []

    def _shows(self, event: Event, role: str) -> bool:
        return role == "assistant" and not known(event.get("subagentRunId"))

    # Reasoning

    def _on_reasoning_start(self, event: Event) -> list[EventBody]:
        return []

    _on_reasoning_end = _on_reasoning_start

    def _on_reasoning_message_start(self, event: Event) -> list[EventBody]:
        self.messages.put("reasoning", text(event, "messageId") or self._reasoning.name(new=True))
        return []

    def _on_reasoning_message_content(self, event: Event) -> list[EventBody]:
        return self._think(event, text(event, "messageId") or self._reasoning.name())

    def _on_reasoning_message_end(self, event: Event) -> list[EventBody]:
        return self._reasoning.end(text(event, "messageId") or self._reasoning.name())

    def _on_reasoning_message_chunk(self, event: Event) -> list[EventBody]:
        bodies, id, _ = self._go_on("reasoning", text(event, "messageId"))
        return [*bodies, *self._think(event, id or self._reasoning.name())]

    def _think(self, event: Event, id: str) -> list[EventBody]:
        delta = text(event, "delta")
        if not delta:
            return []
        self.messages.extend(self.messages.put("reasoning", id), "content", delta)
        if subagent := known(event.get("subagentRunId")):
            return self._subagents.write(subagent, id, delta)
        return self._reasoning.more(id, delta, inside_text=self._texts.any_open)

    def _on_reasoning_encrypted_value(self, event: Event) -> list[EventBody]:
        id, value = text(event, "entityId"), text(event, "encryptedValue")
        if event.get("subtype") == "tool-call":
            caller = self.messages.caller(id)
            for call in calls_of(caller) if caller else ():
                if call.get("id") == id:
                    call["encryptedValue"] = value
            return []
        for role in ("reasoning", "tool", "assistant"):
            if (message := self.messages.find(role, id)) is not None:
                message["encryptedValue"] = value
                break
        else:
            self.messages.put("reasoning", id, encryptedValue=value)["content"] = ""
        return self._tools.outcome(id, value)

    # Tools

    def _on_tool_call_start(self, event: Event) -> list[EventBody]:
        return self._call(text(event, "toolCallId"), text(event, "toolCallName"), known(event.get("parentMessageId")))

    def _call(self, id: str, name: str, parent: str) -> list[EventBody]:
        self.messages.reset(self.messages.put_call(id, name, parent), "arguments")
        if id not in self._calls:
            self._calls.append(id)
        return self._tools.start(id, name)

    def _on_tool_call_args(self, event: Event) -> list[EventBody]:
        self._more_arguments(text(event, "toolCallId"), text(event, "delta"))
        return []

    def _more_arguments(self, id: str, delta: str) -> None:
        if delta:
            self.messages.extend(self.messages.put_call(id, "", ""), "arguments", delta)
            self._tools.more(id, delta)

    def _on_tool_call_end(self, event: Event) -> list[EventBody]:
        return self._tools.end(text(event, "toolCallId"))

    def _on_tool_call_chunk(self, event: Event) -> list[EventBody]:
        bodies, id, new = self._go_on("call", text(event, "toolCallId"))
        if new:
            bodies += self._call(id, text(event, "toolCallName"), known(event.get("parentMessageId")))
        self._more_arguments(id, text(event, "delta"))
        return bodies

    def _on_tool_call_result(self, event: Event) -> list[EventBody]:
        id, content = text(event, "toolCallId"), event.get("content")
        if content is not None and not isinstance(content, str | list):
            raise Malformed(event, "content")
        self.messages.put_result(id, text(event, "messageId"), text_result("" if content is None else content))
        return self._tools.result(id, text(event, "messageId"), content)

    def _go_on(self, kind: str, id: str) -> tuple[list[EventBody], str, bool]:
        """Return what a chunk closes, the id of what it is more of, and whether that is new."""
        if self._chunk is not None and self._chunk[0] == kind and id in ("", self._chunk[1]):
            return [], self._chunk[1], False
        bodies = self._close_chunk()
        self._chunk = (kind, id)
        return bodies, id, True

    def _close_chunk(self) -> list[EventBody]:
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            return []
        kind, id = chunk
        if kind == "call":
            return self._tools.end(id)
        return self._texts.end(id) if kind == "text" else self._reasoning.end(id)

    # State, lists of messages, and what is drawn

    def _on_state_snapshot(self, event: Event) -> list[EventBody]:
        before, self.state = self.state, event.get("snapshot")
        return [] if before == self.state else [Unknown("STATE_SNAPSHOT", {"state": brief(self.state)})]

    def _on_state_delta(self, event: Event) -> list[EventBody]:
        if not isinstance(event.get("delta"), list):
            raise Malformed(event, "delta")
        try:
            self.state = patched(self.state, event["delta"])
        except DoesNotApply:
            return [Unknown("STATE_DELTA", {"delta": event["delta"], "problem": "It does not fit the state."})]
        return [Unknown("STATE_DELTA", {"delta": event["delta"]})]

    def _on_messages_snapshot(self, event: Event) -> list[EventBody]:
        snapshot = objects(event, "messages")
        bodies = snapshots.news(snapshot, self._texts, self._tools, self._tagged)
        snapshots.take_over(self.messages, [each for each in snapshot if each.get("role") != "activity"])
        return bodies

    def _on_activity_snapshot(self, event: Event) -> list[EventBody]:
        id, type = text(event, "messageId"), text(event, "activityType")
        return self._activities.put(id, type, event.get("content"), replace=event.get("replace") is not False)

    def _on_activity_delta(self, event: Event) -> list[EventBody]:
        if not isinstance(event.get("patch"), list):
            raise Malformed(event, "patch")
        return self._activities.patch(text(event, "messageId"), event["patch"])

    def _on_custom(self, event: Event) -> list[EventBody]:
        name = text(event, "name")
        if name == "on_interrupt":
            self._noticed.append(event.get("value"))
        return custom(name, event.get("value"))

    def _on_raw(self, event: Event) -> list[EventBody]:
        return []

    # Subagents

    def _on_subagent_started(self, event: Event) -> list[EventBody]:
        self._tagged = True
        return self._subagents.start(text(event, "subagentRunId"), text(event, "name"), text(event, "description"))

    def _on_subagent_finished(self, event: Event) -> list[EventBody]:
        waits = mapping(event.get("outcome")).get("type") == "suspended"
        return self._subagents.end(text(event, "subagentRunId"), event.get("result"), "Waits for you" if waits else "")

    def _on_subagent_error(self, event: Event) -> list[EventBody]:
        return self._subagents.end(text(event, "subagentRunId"), None, text(event, "message") or "Failed", failed=True)


def brief(state: JSON) -> JSON:
    """Return a state as the inspector shows it: some servers have the whole conversation in it."""
    if isinstance(state, dict) and isinstance(messages := state.get("messages"), list):
        return {**state, "messages": f"({len(messages)} messages)"}
    return state


def without_raw(event: Event) -> JSON:
    return {key: each for key, each in event.items() if key not in ("type", "rawEvent", "timestamp")}


def _count(value: JSON) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
