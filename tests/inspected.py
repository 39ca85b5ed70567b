"""A backend whose runs can be looked into: thirty steps, and a state after most of them."""

from __future__ import annotations

from htmxchat import JSON, NotFound, RunState, RunStep, RunSteps, Source, User
from htmxchat.testing import ScriptedBackend

STEPS = 30
KEPT = tuple(number for number in range(STEPS) if number % 7 != 5)  # not 5, 12, 19, 26
GONE = 9  # said to be kept, and not there


def state(number: int) -> JSON:
    """Return the state after a step: it grows, changes and loses something."""
    found: JSON = [f"page {each}" for each in range(number)]
    kept: dict[str, JSON] = {"round": number, "found": found, "api_key": f"k{number}"}
    return {**kept, "draft": "words"} if number % 2 else kept


class Inspected(ScriptedBackend):
    async def run_steps(self, user: User, run_id: str) -> RunSteps:
        await self.get_run(user, run_id)
        steps = [RunStep(n, f"round {n}", RunState.COMPLETED, n / 10, update={"round": n}) for n in range(STEPS)]
        return RunSteps(tuple(steps), KEPT, workflow="rounds")

    async def run_checkpoint(self, user: User, run_id: str, number: int) -> JSON:
        await self.get_run(user, run_id)
        if number not in KEPT or number == GONE:
            raise NotFound
        return state(number)

    async def run_evidence(self, user: User, run_id: str) -> tuple[Source, ...]:
        await self.get_run(user, run_id)
        return ()
