"""Three processes behind nginx, as the how-to has it: whatever happens to them, no word and no message is lost.

`scripts/fleet` is the same with hundreds of conversations.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.conftest import running
from tests.fleet.conversation import Conversation
from tests.fleet.host import AGENTS
from tests.fleet.report import report
from tests.fleet.site import Site
from tests.fleet.trial import Plan, attempt, outcomes, twice_or_never
from tests.servers import nginx_program

NGINX = nginx_program()

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    assert NGINX is not None
    with running() as database, Site(tmp_path_factory.mktemp("fleet"), database, NGINX) as site:
        yield site


def test_answers_survive_everything_that_happens_to_a_fleet(site: Site) -> None:
    plan = Plan(AGENTS, conversations=12, words=40, rate=3.0, cut_every=4.0, newcomer_every=1.0, patience=120.0)
    result = asyncio.run(attempt(site, plan, print))
    print(report(plan, result))
    assert result.broken == []
    assert outcomes(result, "resumable").keys() == {"completed"}
    assert outcomes(result, "plain").keys() <= {"completed", "failed"}
    assert sum(user.cuts for user in result.users) > 0
    assert "Traceback" not in site.printed


def test_a_message_that_meets_a_process_as_it_goes_is_taken_once_by_another(site: Site) -> None:
    sent: list[Conversation] = []

    async def send() -> Conversation:
        sent.append(Conversation(f"sender-{len(sent)}", "resumable", words=1, rate=1_000.0))
        await sent[-1].send(site.nginx.port)
        return sent[-1]

    async def keep_sending(over: asyncio.Event) -> None:
        while not over.is_set():
            await send()

    async def scenario() -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as senders:
            for _ in range(6):
                senders.create_task(keep_sending(over))
            await asyncio.to_thread(site.stop, 0)
            await asyncio.to_thread(site.kill, 1)
            over.set()
        assert [(user.name, user.refused) for user in sent if user.refused] == []
        await asyncio.to_thread(site.database.stop)
        patient = asyncio.create_task(send())
        deadline = time.monotonic() + 30
        while not sent[-1].refused:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await asyncio.to_thread(site.database.start)
        # What the chat says to a person, and not what nginx says when it believes that nobody is left.
        assert {each.status for each in (await patient).refused} == {503}
        deadline = time.monotonic() + 30
        while wrong := await twice_or_never(site, sent):
            assert time.monotonic() < deadline, wrong
            await asyncio.sleep(0.5)

    asyncio.run(scenario())
    assert len(sent) > 50
