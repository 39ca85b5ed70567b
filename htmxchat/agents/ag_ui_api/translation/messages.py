"""The messages of the conversation, as the server has them and the next input repeats them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from ....events import JSON
from .fields import known, mapping

Message: TypeAlias = dict[str, Any]


class Messages:
    """Growing messages. Text is kept in pieces, so that the cost of a new piece does not depend on the rest.

    Only those since the user's last message grow: some servers use the same ids in each turn.
    """

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._all: list[Message] = []
        self._begin = 0
        self._pieces: dict[int, tuple[Message, str, list[str]]] = {}
        self._places: dict[tuple[str, str], Message] = {}
        self._callers: dict[str, Message] = {}
        self.replace(messages)

    def export(self) -> list[Message]:
        """Return the messages whole."""
        for container, name, pieces in self._pieces.values():
            container[name] = "".join(pieces)
            pieces[:] = [container[name]]
        return list(self._all)

    def replace(self, messages: Iterable[Message]) -> None:
        """Replace all messages."""
        self._all, self._pieces, self._places, self._callers = [], {}, {}, {}
        taken = [dict(message) for message in messages]
        self._begin = last_of_user(taken) + 1
        for message in taken:
            self._add(message)

    def find(self, role: str, id: str) -> Message | None:
        return self._places.get((role, id))

    def put(self, role: str, id: str, **values: JSON) -> Message:
        """Return the message with this role and id; it is added if it is new."""
        message = self._places.get((role, id))
        if message is None:
            message = self._add({"id": id, "role": role, **{key: each for key, each in values.items() if each}})
        return message

    def extend(self, container: Message, name: str, piece: str) -> None:
        """Add text to a field of a message, or of a call in it."""
        key = id(container)
        if key not in self._pieces:
            self._pieces[key] = (container, name, [known(container.get(name))])
        self._pieces[key][2].append(piece)

    def reset(self, container: Message, name: str) -> None:
        """Empty such a field."""
        self._pieces.pop(id(container), None)
        container[name] = ""

    def put_call(self, call_id: str, name: str, parent: str) -> Message:
        """Return the function of a call. It is added to its message, which is added too if it is unknown."""
        caller = self._callers.get(call_id)
        if caller is None:
            caller = self.put("assistant", parent or call_id)
            caller.setdefault("toolCalls", []).append(
                {"id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
            )
            self._callers[call_id] = caller
        return function_of(caller, call_id)

    def renew_call(self, call_id: str) -> None:
        """The next call with this id is another call, of another message."""
        caller = self._callers.pop(call_id, None)
        self._places = {key: each for key, each in self._places.items() if each is not caller}

    def put_result(self, call_id: str, id: str, content: JSON) -> Message:
        """Put the result of a tool after the message with the call, and after earlier results."""
        caller = self._callers.get(call_id)
        begin = self._place_of(caller) if caller is not None else self._begin
        message = next((each for each in self._all[begin:] if each.get("toolCallId") == call_id), None)
        if message is None:
            message = {"id": id or f"result-{call_id}", "role": "tool", "toolCallId": call_id}
            self._add(message, self._place_after(caller) if caller is not None else len(self._all))
        message["content"] = content
        return message

    def name_of(self, call_id: str) -> str:
        """Return the name of a call of any turn; empty if it is unknown."""
        calls = (call for each in reversed(self._all) for call in calls_of(each) if call.get("id") == call_id)
        return next((known(mapping(call.get("function")).get("name")) for call in calls), "")

    def caller(self, call_id: str) -> Message | None:
        """Return the message that has this call."""
        return self._callers.get(call_id)

    def encrypt_call(self, call_id: str, value: str) -> None:
        """Store with a call a value that only the server can read."""
        caller = self._callers.get(call_id)
        for call in calls_of(caller) if caller is not None else ():
            if call.get("id") == call_id:
                call["encryptedValue"] = value

    @property
    def turn(self) -> Sequence[Message]:
        """The messages since the user's last."""
        return self.export()[self._begin :]

    def _place_of(self, message: Message) -> int:
        return next(place for place, each in enumerate(self._all) if each is message)

    def _place_after(self, caller: Message) -> int:
        place = self._place_of(caller) + 1
        while place < len(self._all) and self._all[place].get("role") == "tool":
            place += 1
        return place

    def _add(self, message: Message, place: int | None = None) -> Message:
        place = len(self._all) if place is None else place
        self._all.insert(place, message)
        if place < self._begin:
            return message
        self._places.setdefault((known(message.get("role")), known(message.get("id"))), message)
        for call in calls_of(message):
            self._callers.setdefault(known(call.get("id")), message)
        return message


def last_of_user(messages: Sequence[Message]) -> int:
    """Return the index of the user's last message; -1 without one."""
    return next((place for place in reversed(range(len(messages))) if messages[place].get("role") == "user"), -1)


def calls_of(message: Message) -> list[Message]:
    """Return the tool calls of a message."""
    calls = message.get("toolCalls")
    return [each for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []


def function_of(caller: Message, call_id: str) -> Message:
    """Return the name and the arguments of a call, as they are in its message."""
    call = next(each for each in calls_of(caller) if each.get("id") == call_id)
    return call.setdefault("function", {}) if not mapping(call.get("function")) else mapping(call["function"])


def unanswered(messages: Sequence[Message]) -> list[tuple[str, str, str]]:
    """Return the id, the name and the arguments of calls without a result, in their order."""
    answered = {known(each.get("toolCallId")) for each in messages if each.get("role") == "tool"}
    found = []
    for message in messages:
        for call in calls_of(message):
            function = mapping(call.get("function"))
            if (call_id := known(call.get("id"))) not in answered:
                found.append((call_id, known(function.get("name")), known(function.get("arguments"))))
    return found
