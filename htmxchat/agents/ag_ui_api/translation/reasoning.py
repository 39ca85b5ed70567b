"""Reasoning. Some servers send a thought twice, the second time within the open text: that one is left out."""

from __future__ import annotations

from ....events import EventBody, ReasoningDelta


class Reasoning:
    """The reasoning of a turn.

    Attributes:
        parted: Whether something else was shown since the last of it.
    """

    def __init__(self) -> None:
        self._thoughts: dict[str, list[str]] = {}
        self._held: dict[str, str] = {}
        self._last = ""
        self._unnamed = 0
        self.parted = True

    def name(self, *, new: bool = False) -> str:
        """Return an id for a thought that has none from the server."""
        self._unnamed += new or not self._unnamed
        return f"thinking-{self._unnamed}"

    def more(self, id: str, delta: str, *, inside_text: bool) -> list[EventBody]:
        if not delta:
            return []
        before = [each for key, each in self._thoughts.items() if key != id]
        held = self._held.get(id, "") + delta
        if id in self._held or (inside_text and id not in self._thoughts):
            if any("".join(each).startswith(held) for each in before):
                self._held[id] = held
                return []
            self._held.pop(id, None)
            delta = held
        self._thoughts.setdefault(id, []).append(delta)
        apart = "" if id == self._last or self.parted else "\n\n"
        self._last, self.parted = id, False
        return [ReasoningDelta(apart + delta)]

    def end(self, id: str) -> list[EventBody]:
        """A thought is complete. The text that was held back of it is another thought or its beginning."""
        held = self._held.pop(id, "")
        if not held or any("".join(each) == held for each in self._thoughts.values()):
            return []
        return self.more(id, held, inside_text=False)

    def finish(self) -> list[EventBody]:
        return [body for id in list(self._held) for body in self.end(id)]
