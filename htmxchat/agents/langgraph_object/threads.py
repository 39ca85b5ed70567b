"""The place in the graph's memory where a run starts: a thread and a checkpoint in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.runnables import RunnableConfig

from ...events import JSON, UsageReported


@dataclass(frozen=True, slots=True)
class Place:
    """The progress of a run.

    Attributes:
        thread: The graph's thread. Each first turn of a conversation, and each that takes its place, begins one.
        checkpoint: The graph's checkpoint; empty for none.
        waits: Whether the graph has stopped here to ask the user.
        rounds: How often the run has asked.
    """

    thread: str
    checkpoint: str = ""
    used: UsageReported = field(default_factory=UsageReported)
    waits: bool = False
    rounds: int = 0

    def config(self, base: RunnableConfig) -> RunnableConfig:
        """Return the configuration of the graph for this place."""
        here = {"thread_id": self.thread, **({"checkpoint_id": self.checkpoint} if self.checkpoint else {})}
        return {**base, "configurable": {**base.get("configurable", {}), **here}}

    def at(self, checkpoint: str, used: UsageReported, *, waits: bool = False) -> Place:
        return replace(self, checkpoint=checkpoint, used=used, waits=waits)

    def asked(self) -> Place:
        return replace(self, waits=False, rounds=self.rounds + 1)

    def encode(self) -> JSON:
        return {
            "thread": self.thread,
            "checkpoint": self.checkpoint,
            "used": [self.used.input_tokens, self.used.output_tokens],
            "waits": self.waits,
            "rounds": self.rounds,
        }


def decode(checkpoint: JSON) -> Place | None:
    """Return the place in a checkpoint of the chat or in a memory; `None` if it has none."""
    match checkpoint:
        case {
            "thread": str(thread),
            "checkpoint": str(there),
            "used": [int(inputs), int(outputs)],
            "waits": bool(waits),
            "rounds": int(rounds),
        }:
            return Place(thread, there, UsageReported(inputs, outputs), waits, rounds)
    return None


def checked(config: Any) -> Any:
    """Return a configuration of the host.

    Raises:
        TypeError: It is no dict.
        ValueError: It names a thread.
    """
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise TypeError(
            f"config must be a dict, {{'configurable': {{…}}}}, or a function of the request, not {config!r}."
        )
    named = {"thread_id", "checkpoint_id"} & {*config.get("configurable", {})}
    if named:
        raise ValueError(
            f"config names a {min(named)}. Leave it out: the chat chooses the thread, one for each branch."
        )
    return {**config}
