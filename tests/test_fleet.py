"""Three processes behind nginx, as the how-to has it: whatever happens to them, no word and no message is lost.

`scripts/fleet` is the same with hundreds of conversations.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from htmxchat.http.sse import ServerSentEvent
from tests.conftest import running
from tests.fleet.conversation import Conversation, Refusal
from tests.fleet.host import AGENTS
from tests.fleet.report import report
from tests.fleet.site import Site
from tests.fleet.trial import Plan, attempt, outcomes, twice_or_never
from tests.fleet.verdict import Circumstances, judge
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
        # What the chat says to a person, and not what nginx says when it believes that no one is left.
        assert {each.status for each in (await patient).refused} == {503}
        deadline = time.monotonic() + 30
        while wrong := await twice_or_never(site, sent):
            assert time.monotonic() < deadline, wrong
            await asyncio.sleep(0.5)

    asyncio.run(scenario())
    assert len(sent) > 50


def test_what_is_broken_is_seen(site: Site) -> None:
    """Else the trials would prove nothing."""
    known = Circumstances(killed=False, stopped=False, away=())
    user = Conversation("judged", "resumable", words=60, rate=20.0)

    async def scenario() -> tuple[str, str]:
        await user.take_part(site.nginx.port, Random(1))
        return await user.look(site.hosts[0].port), await user.look_at_history(site.hosts[0].port)

    page, history = asyncio.run(asyncio.wait_for(scenario(), 90))

    def told(page: str = page, history: str = history, **changed: Any) -> str:
        return " ".join(judge(replace(user, **changed), [page], history, known).broken)

    assert told() == ""
    assert "out of order" in told(page.replace("w7 ", "", 1))
    assert "out of order" in told(page.replace("w7 ", "w7 w7 ", 1))
    assert "of 61 words" in told(words=61)
    stopped = page.replace(
        'data-role="assistant" data-state="completed"', 'data-role="assistant" data-state="cancelled"'
    )
    assert "nobody stopped it" in told(stopped)
    assert "does not end" in told(ended=None)
    assert "history" in told(history=history.replace(user.path, "/chat/resumable/c/another"))
    with_words = next(number for number, message in enumerate(user.messages) if "w57" in message.data)
    without = [message for number, message in enumerate(user.messages) if number != with_words]
    assert "page" in told(messages=without)
    assert "goes back" in told(messages=[*user.messages[:-1], ServerSentEvent(id="1"), user.messages[-1]])
    assert "refused" in told(refused=[Refusal(502, 1.0, 2.0)])
