"""The ability of a backend with several agents."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class HasAgents(Protocol):
    """A backend with several agents, from which the user chooses one for each message.

    Its `start_run`, `start_run_once`, `edit_turn` and `retry_run` take a name as the keyword `agent`. `None` means the
    agent of the run that is retried or replaced, else that of the conversation's last answer, else the first. Another
    name raises `InvalidInput`. `Run.agent` and `RunStarted.agent` have the name of the agent that answers.

    Attributes:
        agents: The names, as they are shown. With fewer than two, the page shows no choice.
    """

    @property
    def agents(self) -> tuple[str, ...]: ...
