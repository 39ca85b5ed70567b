"""A trial of the fleet: users write, everything happens, and each user's end is judged."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from sqlalchemy import func, select

from htmxchat import Store
from htmxchat.store import tables
from tests.fleet.conversation import Conversation
from tests.fleet.faults import befall
from tests.fleet.site import Site
from tests.fleet.verdict import Circumstances, Verdict, judge

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried.

    Attributes:
        agents: Who answers, in turn.
        conversations: How many begin at once.
        words: Of each answer.
        rate: Words a second of each.
        cut_every: Seconds that a reader keeps its connection, on average.
        newcomer_every: Seconds between two short conversations that begin while everything happens.
        patience: Seconds that an answer may take.
        seed: Of what is random.
    """

    agents: Sequence[str]
    conversations: int
    words: int
    rate: float
    cut_every: float
    newcomer_every: float
    patience: float
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """Its result.

    Attributes:
        users: Those that began at once.
        newcomers: Those that came while everything happened.
        live: How many answers were being written at each fault.
        seconds: From the first message to the last end.
        cpu: Seconds of CPU time of the processes meanwhile.
        broken: Promises that were not kept, each with the name of its user.
    """

    users: list[Conversation]
    newcomers: list[Conversation]
    verdicts: dict[str, Verdict]
    live: dict[str, int]
    seconds: float
    cpu: float
    broken: list[str]


async def attempt(site: Site, plan: Plan, say: Callable[[str], None]) -> Result:
    """Carry out a plan."""
    random = Random(plan.seed)
    agents = [plan.agents[number % len(plan.agents)] for number in range(plan.conversations)]
    users = [
        Conversation(f"user-{number}", agent, plan.words, plan.rate, plan.cut_every)
        for number, agent in enumerate(agents)
    ]
    newcomers: list[Conversation] = []
    began, cpu = time.monotonic(), site.cpu
    async with asyncio.timeout(2 * plan.patience), asyncio.TaskGroup() as tasks:
        for user in users:
            tasks.create_task(_take_part(user, site, random, plan.patience))
        coming = tasks.create_task(_keep_coming(newcomers, site, plan, random, tasks))
        try:
            live = await befall(site, users, say)
        finally:
            coming.cancel()
    say("every answer has ended")
    took, cpu = time.monotonic() - began, site.cpu - cpu
    everybody = [*users, *newcomers]
    verdicts = await _judge(site, everybody)
    broken = [f"{name}: {sentence}" for name, verdict in verdicts.items() for sentence in verdict.broken]
    broken += [f"Nobody's answer was being written: {name}." for name, count in live.items() if not count]
    broken += await twice_or_never(site, [user for user in everybody if user.taken is not None])
    return Result(users, newcomers, verdicts, live, took, cpu, broken)


async def _take_part(user: Conversation, site: Site, random: Random, patience: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await user.take_part(site.nginx.port, random)


async def _keep_coming(
    newcomers: list[Conversation], site: Site, plan: Plan, random: Random, tasks: asyncio.TaskGroup
) -> None:
    while True:
        number = len(newcomers)
        agent = plan.agents[number % len(plan.agents)]
        newcomers.append(Conversation(f"newcomer-{number}", agent, 10, 10.0, plan.cut_every))
        tasks.create_task(_take_part(newcomers[-1], site, random, plan.patience / 2))
        await asyncio.sleep(plan.newcomer_every)


async def _judge(site: Site, users: list[Conversation]) -> dict[str, Verdict]:
    places, had = asyncio.Semaphore(_AT_ONCE), site.had()

    async def look(user: Conversation) -> Verdict:
        # One of which nothing was printed was begun by a process that was killed before it could.
        processes = had.get(user.run, site.killed)
        known = Circumstances(bool(processes & site.killed), bool(processes & site.stopped), site.away)
        pages, history = list[str](), ""
        async with places:
            if user.ended is not None:
                pages = [await user.look(host.port) for host in site.hosts]
                history = await user.look_at_history(site.hosts[0].port)
            return await asyncio.to_thread(judge, user, pages, history, known)

    verdicts = await asyncio.gather(*map(look, users))
    return {user.name: verdict for user, verdict in zip(users, verdicts, strict=True)}


async def twice_or_never(site: Site, users: list[Conversation]) -> list[str]:
    """Return of which messages it is not so that they are in the database once, with one answer that has ended."""
    c, turn, run = tables.conversations.c, tables.turns.c, tables.runs.c
    numbers = [func.count(each.distinct()) for each in (c.id, turn.id, run.id)]
    query = (
        select(c.user_id, *numbers, func.count(run.active))
        .join(tables.turns, turn.conversation_id == c.id)
        .join(tables.runs, run.conversation_id == c.id)
        .group_by(c.user_id)
    )
    store = Store(site.database.url, migrate=False)
    try:
        rows = await store.database.read(lambda db: db.execute(query).all())
    finally:
        await store.close()
    stored = {name: tuple(numbers) for name, *numbers in rows}
    wrong = {user.name: stored.get(user.name) for user in users if stored.get(user.name) != (1, 1, 1, 0)}
    return [f"{name}: (conversations, turns, runs, live runs) is {found}." for name, found in wrong.items()]


def outcomes(result: Result, agent: str) -> Counter[str]:
    """Return how many answers of an agent ended how."""
    everybody = [*result.users, *result.newcomers]
    return Counter(result.verdicts[user.name].outcome for user in everybody if user.agent == agent)
