"""Events of parts that the host draws, and of subagents."""

from __future__ import annotations

from ....events import EventBody
from .activities import Activities
from .fields import Event, Handlers, Malformed, mapping, text
from .shown import Shown


class Drawing:
    """Activities and subagents."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._activities = Activities()

    @property
    def handlers(self) -> Handlers:
        return {
            "ACTIVITY_SNAPSHOT": self._put_activity,
            "ACTIVITY_DELTA": self._change_activity,
            "SUBAGENT_STARTED": self._start_subagent,
            "SUBAGENT_FINISHED": self._end_subagent,
            "SUBAGENT_ERROR": self._fail_subagent,
        }

    def _put_activity(self, event: Event) -> list[EventBody]:
        id, type, content = text(event, "messageId"), text(event, "activityType"), event.get("content")
        return self._activities.put(id, type, content, replace=event.get("replace") is not False)

    def _change_activity(self, event: Event) -> list[EventBody]:
        if not isinstance(event.get("patch"), list):
            raise Malformed(event, "patch")
        return self._activities.patch(text(event, "messageId"), event["patch"])

    def _start_subagent(self, event: Event) -> list[EventBody]:
        self._shown.tagged = True
        id, name = text(event, "subagentRunId"), text(event, "name")
        return self._shown.subagents.start(id, name, text(event, "description"))

    def _end_subagent(self, event: Event) -> list[EventBody]:
        waits = mapping(event.get("outcome")).get("type") == "suspended"
        word = "Waits for you" if waits else ""
        return self._shown.subagents.end(text(event, "subagentRunId"), event.get("result"), word)

    def _fail_subagent(self, event: Event) -> list[EventBody]:
        word = text(event, "message") or "Failed"
        return self._shown.subagents.end(text(event, "subagentRunId"), None, word, failed=True)
