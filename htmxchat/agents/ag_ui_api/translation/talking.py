"""Events of text and of reasoning."""

from __future__ import annotations

from ....events import EventBody
from .fields import Event, Handlers, known, text
from .shown import Shown

_ROLES = ("assistant", "user", "system", "developer")


class Talking:
    """Text and reasoning of the agent and of its subagents."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    @property
    def handlers(self) -> Handlers:
        return {
            "TEXT_MESSAGE_START": self._start,
            "TEXT_MESSAGE_CONTENT": self._content,
            "TEXT_MESSAGE_END": lambda event: self._shown.texts.end(text(event, "messageId")),
            "TEXT_MESSAGE_CHUNK": self._chunk,
            "REASONING_START": lambda _: [],
            "REASONING_END": lambda _: [],
            "REASONING_MESSAGE_START": self._begin_thought,
            "REASONING_MESSAGE_CONTENT": lambda event: self._think(event, self._thought(event)),
            "REASONING_MESSAGE_END": lambda event: self._shown.reasoning.end(self._thought(event)),
            "REASONING_MESSAGE_CHUNK": self._think_on,
            "REASONING_ENCRYPTED_VALUE": self._keep_encrypted,
        }

    def _start(self, event: Event) -> list[EventBody]:
        id, role = text(event, "messageId"), known(event.get("role")) or "assistant"
        self._shown.messages.put(role, id, name=event.get("name"), subagentRunId=event.get("subagentRunId"))
        if role == "assistant" and not known(event.get("subagentRunId")):
            self._shown.texts.start(id)
        return []

    def _content(self, event: Event) -> list[EventBody]:
        id = text(event, "messageId")
        return self._more(event, id, self._role_of(id))

    def _chunk(self, event: Event) -> list[EventBody]:
        bodies, id, _ = self._shown.go_on("text", text(event, "messageId"))
        return [*bodies, *self._more(event, id, known(event.get("role")) or self._role_of(id))]

    def _role_of(self, id: str) -> str:
        return next((role for role in _ROLES if self._shown.messages.find(role, id)), "assistant")

    def _more(self, event: Event, id: str, role: str) -> list[EventBody]:
        delta, subagent = text(event, "delta"), known(event.get("subagentRunId"))
        messages = self._shown.messages
        message = messages.put(role, id, name=event.get("name"), subagentRunId=event.get("subagentRunId"))
        if delta:
            messages.extend(message, "content", delta)
        if subagent:
            self._shown.tagged = True
            return self._shown.subagents.write(subagent, id, delta)
        return self._shown.texts.more(id, delta) if role == "assistant" else []

    def _thought(self, event: Event) -> str:
        return text(event, "messageId") or self._shown.reasoning.name()

    def _begin_thought(self, event: Event) -> list[EventBody]:
        self._shown.messages.put("reasoning", text(event, "messageId") or self._shown.reasoning.name(new=True))
        return []

    def _think_on(self, event: Event) -> list[EventBody]:
        bodies, id, _ = self._shown.go_on("reasoning", text(event, "messageId"))
        return [*bodies, *self._think(event, id or self._shown.reasoning.name())]

    def _think(self, event: Event, id: str) -> list[EventBody]:
        delta, shown = text(event, "delta"), self._shown
        if not delta:
            return []
        shown.messages.extend(shown.messages.put("reasoning", id), "content", delta)
        if subagent := known(event.get("subagentRunId")):
            return shown.subagents.write(subagent, id, delta)
        return shown.reasoning.more(id, delta, inside_text=shown.texts.any_open)

    def _keep_encrypted(self, event: Event) -> list[EventBody]:
        """Store a value that only the server can read, to send it back with its message or call."""
        id, value, messages = text(event, "entityId"), text(event, "encryptedValue"), self._shown.messages
        if event.get("subtype") == "tool-call":
            messages.encrypt_call(id, value)
            return []
        roles = ("reasoning", "tool", "assistant")
        message = next((found for role in roles if (found := messages.find(role, id)) is not None), None)
        if message is None:
            message = messages.put("reasoning", id, content="")
        message["encryptedValue"] = value
        return self._shown.tools.outcome(id, value)
