"""What happens to the fleet, one thing after the other, while answers are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tests.fleet.conversation import Conversation
from tests.fleet.site import Site

_SLOW = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens once.

    Attributes:
        at: After which part of the answers, 0 to 1.
    """

    name: str
    at: float
    happen: Callable[[Site], None]


FAULTS = (
    Fault("a process killed and started again", 0.15, lambda site: site.kill(0)),
    Fault("nginx reloaded", 0.3, lambda site: site.nginx.reload()),
    Fault("PostgreSQL restarted", 0.4, lambda site: site.restart_database()),
    Fault("a process stopped and started again", 0.6, lambda site: site.stop(1)),
)


async def befall(site: Site, answers: list[Conversation], say: Callable[[str], None]) -> dict[str, int]:
    """Have everything happen in time. Returns how many answers were being written at each of them.

    On a machine that is too slow, things happen all the same.
    """
    now, live = asyncio.get_running_loop().time, {}
    began, planned = now(), max(each.words / each.rate for each in answers)
    for fault in FAULTS:
        late = began + _SLOW * fault.at * planned
        while median(each.progress for each in answers) < fault.at and now() < late:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        live[fault.name] = sum(each.live for each in answers)
        say(f"{fault.name}: {live[fault.name]} answers are being written")
        await asyncio.to_thread(fault.happen, site)
    return live
