"""Events of tool calls."""

from __future__ import annotations

from ....events import EventBody
from .fields import Event, Handlers, Malformed, known, text
from .shown import Shown
from .tools import text_result


class Calling:
    """The agent's tool calls and their results."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    @property
    def handlers(self) -> Handlers:
        return {
            "TOOL_CALL_START": lambda event: self._start(event, text(event, "toolCallId")),
            "TOOL_CALL_ARGS": lambda event: self._more(event, text(event, "toolCallId")),
            "TOOL_CALL_END": lambda event: self._shown.tools.end(text(event, "toolCallId")),
            "TOOL_CALL_CHUNK": self._chunk,
            "TOOL_CALL_RESULT": self._result,
        }

    def _start(self, event: Event, id: str) -> list[EventBody]:
        shown, name = self._shown, text(event, "toolCallName")
        if shown.tools.is_finished(id):
            shown.messages.renew_call(id)  # another call with the id of one that has ended
        function = shown.messages.put_call(id, name, known(event.get("parentMessageId")))
        shown.messages.reset(function, "arguments")
        if id not in shown.calls:
            shown.calls.append(id)
        return shown.tools.start(id, name)

    def _more(self, event: Event, id: str) -> list[EventBody]:
        if delta := text(event, "delta"):
            self._shown.messages.extend(self._shown.messages.put_call(id, "", ""), "arguments", delta)
            self._shown.tools.more(id, delta)
        return []

    def _chunk(self, event: Event) -> list[EventBody]:
        bodies, id, new = self._shown.go_on("call", text(event, "toolCallId"))
        return [*bodies, *(self._start(event, id) if new else []), *self._more(event, id)]

    def _result(self, event: Event) -> list[EventBody]:
        id, message_id, content = text(event, "toolCallId"), text(event, "messageId"), event.get("content")
        if content is not None and not isinstance(content, str | list):
            raise Malformed(event, "content")
        shown, bodies = self._shown, list[EventBody]()
        if id not in shown.tools.calls:
            # Of an earlier turn, or sent without its call.
            bodies += shown.tools.start(id, shown.messages.name_of(id) or "tool")
        shown.messages.put_result(id, message_id, text_result("" if content is None else content))
        shown.media.see(content)
        return [*bodies, *shown.tools.result(id, message_id, content)]
