"""The streaming law: what a browser gets of a run, whatever the network, the backend and the reader do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from starlette.types import Message

from htmxchat.app import create_chat_app
from htmxchat.errors import BackendUnavailable, NotFound
from htmxchat.events import (
    EventBody,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    ScriptProposed,
    Source,
    SourcesFound,
    StageChanged,
    TextDelta,
    TextReplaced,
    ToolFinished,
    ToolStarted,
    Unknown,
    UsageReported,
)
from htmxchat.fragments.turns.context import TurnContext
from htmxchat.http.sse import EventStreamResponse, ServerSentEvent
from htmxchat.live import KeptPages, PollAnswer, Relay
from htmxchat.live.follower import Follower
from htmxchat.live.page import LivePage, Look
from htmxchat.live.patches import render_patches
from htmxchat.live.stream import DELAYED
from htmxchat.live.timing import Timing
from htmxchat.live.turn import LiveTurn
from htmxchat.models import Run, RunState, Turn, User
from htmxchat.scripts.excerpt import Excerpt
from htmxchat.testing import Break, Gate, ScriptedBackend, Stall, Step, each_event
from htmxchat.text.markdown import blocks, document, stream
from htmxchat.view import fold
from tests.support import FRAGMENT, Element, Exchange, article, context, decode, open_page, parse

pytestmark = pytest.mark.anyio

ANN = User("ann")
END = "end"

CODE = ("\n```python\n", "import this\n", "for n in range(3):\n", "    print(n)\n", "```\n\n")
TABLE = ("| Key | Value |\n", "| --- | ---: |\n", "| a | 1 |\n", "| b <i>2</i> | 2", "2 |\n")
RICH: tuple[Step, ...] = (
    StageChanged("Reading <the> question"),
    ReasoningDelta("First I "),
    ReasoningDelta("look & see. "),
    StageChanged("Querying"),
    ToolStarted("1", "query", "all of it", {"a": [1, "<b>"]}),
    UsageReported(5, 0),
    ToolFinished("1", "6 points"),
    ToolStarted("2", "deploys"),
    ReasoningDelta("Then again. "),
    ToolFinished("2", "down", failed=True),
    Unknown("ping", {"at": 1}),
    *("# A *head*", "ing\n\nA para", "graph with **bold", "** and `co", "de`.\n", "Its second line.\n\n"),
    *("- one\n", "- two\n", "  - two and", " a half\n\n", "1. first\n2. second\n\n"),
    SourcesFound((Source("Docs", "https://docs.example/1", "section 3", "words"),)),
    *CODE,
    *TABLE,
    *("\n> quoted\n> text\n\n", "See [the docs] for ", "more, 5 < 6 & \u2028 done.\n\n"),
    SourcesFound((Source("Evil", "javascript:alert(1)"),)),
    *("[the docs]: https://docs.example/2\n\n", "The *last* word", "s."),
    UsageReported(50, 70),
)
REPLACED: tuple[Step, ...] = (
    "One ",
    "two.\n\nThree",
    TextReplaced("Four\n\nfive"),
    " six.\n\n",
    TextReplaced("Seven."),
    " 8",
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


QUICK = Timing(patience=5, backlog=0.1, retry=0.02, poll=0.15)


class Reader:
    """Reads one stream to its end; `on_message` is called in between, as a slow or meddling browser would."""

    def __init__(
        self,
        backend: ScriptedBackend,
        run: Run,
        *,
        timing: Timing = QUICK,
        using: TurnContext | None = None,
        relay: Relay | None = None,
    ) -> None:
        self.messages: list[ServerSentEvent] = []
        self._relay = relay or Relay(backend, timing=timing)
        self._run = run
        self._context = using or context()
        self.on_message: Callable[[ServerSentEvent], object] = lambda message: None

    async def read(self, after: int | None = None, look: Look | None = None) -> list[ServerSentEvent]:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                await self._relay.stream(ANN, self._run.id, after, self._context, self._emit, tasks, look=look)
                tasks.cancel_scope.cancel()
        return self.messages

    async def read_to(self, seq: int, after: int | None = None) -> None:
        """Read until a message acknowledges for this event, then leave."""
        there = anyio.Event()
        self.on_message = lambda message: there.set() if message.id and int(message.id) >= seq else None
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._relay.stream, ANN, self._run.id, after, self._context, self._emit, tasks)
                await there.wait()
                tasks.cancel_scope.cancel()

    async def _emit(self, message: ServerSentEvent) -> None:
        self.messages.append(message)
        answer = self.on_message(message)
        if answer is not None:
            await answer  # type: ignore[misc]


class Counting(ScriptedBackend):
    """Counts what is read of it, and can hold things back."""

    opened = 0
    given = 0

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        self.opened += 1
        async with aclosing(super().run_events(user, run_id, after=after)) as batches:
            async for batch in batches:
                for start in range(0, len(batch), 100):
                    some = batch[start : start + 100]
                    self.given += len(some)
                    yield some


def paced(steps: tuple[Step, ...]) -> list[Step]:
    """Put a gate before each step, named by the number of events there are by then."""
    return [each for number, step in enumerate(steps, 1) for each in (Gate(str(number)), step)]


def fragments(message: ServerSentEvent) -> list[tuple[str, str, str]]:
    """Return target, swap and content of what a message holds."""
    return [
        (each["hx-target"], each["hx-swap"], "".join(child.html for child in each.elements) or each.text)
        for each in parse(message.data).elements
    ]


async def begin(backend: ScriptedBackend) -> Run:
    return await backend.start_run(ANN, None, "Hello")


async def shown(backend: ScriptedBackend, run: Run) -> Turn:
    return (await backend.load_transcript(ANN, run.conversation_id)).turns[-1]


async def reload(backend: ScriptedBackend, run: Run, using: TurnContext | None = None) -> str:
    """Return the turn as a page that is loaded now shows it."""
    return article(open_page(await shown(backend, run), using or context()), run)


async def log(backend: ScriptedBackend, run: Run) -> list[RunEvent]:
    return [event async for event in each_event(backend, ANN, run.id)]


def started(run: Run) -> Turn:
    return Turn(run.id, "assistant", "", run.created_at, run)


def page_at(run: Run, events: list[RunEvent], using: TurnContext | None = None) -> Element:
    """Return a page that was loaded when the run had got so far."""
    view = fold(events)
    return open_page(replace(started(run), text=view.text, events=tuple(events)), using or context())


async def streamed(steps: tuple[Step, ...]) -> tuple[ScriptedBackend, Run, list[ServerSentEvent]]:
    """Play a script so that each event that shows is a message of its own."""
    backend = ScriptedBackend(paced(steps))
    run = await begin(backend)
    reader = Reader(backend, run, timing=replace(QUICK, frame=0))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.read)
        for number in range(len(steps) + 1):
            for _ in range(30):
                await anyio.lowlevel.checkpoint()
            backend.open_gate(str(number))
    return backend, run, reader.messages


class TestLaw1:
    async def test_law_1_one_stream_carries_the_turn(self) -> None:
        backend, run, messages = await streamed(RICH)
        page = open_page(started(run), context())
        for message in messages:
            page.apply(message.data if message.event is None else "")
        assert article(page, run) == await reload(backend, run)
        assert page.one(id="status").text == "The answer is complete."
        assert page.one(id="composer-actions").all(name="stop") == []

    async def test_law_1_a_message_never_touches_another_turn(self) -> None:
        _, run, messages = await streamed(RICH)
        own = {f"#{part}-{run.id}" for part in ("turn", "body", "sources", "more", "tail")} | {
            "#status",
            f'#composer-actions[data-run="{run.id}"]',
        }
        for message in messages:
            for target, _, _ in fragments(message) if message.event is None else ():
                assert target.split(" > ")[0] in own or re.fullmatch(
                    rf"#(part|steps|fold|cite|source)-{run.id}-\d+", target.split(" > ")[0]
                )


class TestLaw2:
    async def test_law_2_messages_are_unnamed_and_end_is_the_last(self) -> None:
        _, _, messages = await streamed(RICH)
        assert [message.event for message in messages] == [None] * (len(messages) - 1) + [END]

    async def test_law_2_the_id_is_the_seq_of_the_last_event_folded(self) -> None:
        backend = ScriptedBackend([Gate(), "one", Gate("2"), " two"], first_seq=40, seq_step=7)
        run = await begin(backend)
        reader = Reader(backend, run)
        reader.on_message = lambda message: backend.open_gate("" if message.id == "40" else "2")
        messages = await reader.read()
        page, events = open_page(started(run), context()), await log(backend, run)
        for message in messages[:-1]:
            page.apply(message.data)
            if message.id is not None:
                seen = [event for event in events if event.seq <= int(message.id)]
                assert page.one("article").one(id=f"body-{run.id}").text == fold(seen).text
        assert [message.id for message in messages][-2] == str(events[-1].seq) == "61"

    async def test_law_2_lines_end_in_lf_only(self) -> None:
        backend = ScriptedBackend(["a\r\nb\rc\n\r\n```\r\ncode\r\n```\r\n"])
        run = await begin(backend)
        relay = Relay(backend)
        response = EventStreamResponse(partial(relay.stream, ANN, run.id, None, context()))
        exchange = Exchange(response, "/")
        await exchange.run()
        assert b"\r" not in exchange.body
        assert exchange.body.endswith(b"\n\n")

    async def test_law_2_the_stream_says_something_before_the_agent_does(self) -> None:
        backend = ScriptedBackend([Stall()])
        run = await begin(backend)
        exchange = Exchange(stream_of(backend, run), "/")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run)
            await exchange.until("data:")
            exchange.leave()


class TestLaw3:
    async def test_law_3_settled_blocks_are_sent_once(self) -> None:
        blocks = [f"Paragraph number {number} is here.\n\n" for number in range(30)]
        _, _, messages = await streamed(tuple(blocks))
        sent = "".join(message.data for message in messages)
        for number in range(30):
            assert sent.count(f"number {number} is here") == 1

    async def test_law_3_only_the_open_block_changes(self) -> None:
        _, run, messages = await streamed(("one\n\n", "two\n\n", "thr", "ee", " four **fi", "ve** six\n\n", "seven"))
        text = f"#part-{run.id}-0"
        for message in messages[2:-2]:
            swaps = {swap for target, swap, _ in fragments(message) if target.startswith(text)}
            assert all(swap in ("beforeend", "innerHTML") or " path:1" in swap for swap in swaps), swaps

    async def test_law_3_of_a_text_whose_end_is_replaced_the_end_is_sent(self) -> None:
        said = "".join(f"Paragraph number {number} is here.\n\n" for number in range(30))
        ends = [TextReplaced(said + f"{'Draft' if number % 2 else 'Final'} {number}.") for number in range(10)]
        _, _, messages = await streamed((said, *ends))
        sent = "".join(message.data for message in messages)
        assert sent.count("number 0 is here") == sent.count("number 28 is here") == 1
        assert sent.count("number 29 is here") <= len(ends) + 1

    async def test_law_3_text_that_grows_is_sent_as_the_new_text_alone(self) -> None:
        words = tuple(f"word{number} " for number in range(20))
        _, _, messages = await streamed(words)
        sent = "".join(message.data for message in messages)
        for word in words:
            assert sent.count(word.strip() + "<") + sent.count(word) == 1

    async def test_law_3_events_within_one_frame_are_one_message(self) -> None:
        backend = ScriptedBackend([Gate(), *["word "] * 500])
        run = await begin(backend)
        reader = Reader(backend, run)
        reader.on_message = lambda message: backend.open_gate()
        messages = await reader.read()
        assert len(messages) <= 4
        assert sum(message.data.count("word") for message in messages) == 500

    async def test_law_3_a_slow_reader_gets_fewer_larger_frames(self) -> None:
        backend = ScriptedBackend([Gate(), "start ", Gate("slow"), *["word "] * 300, Gate("more"), *["late "] * 300])
        run = await begin(backend)
        reader = Reader(backend, run)
        backend.open_gate()

        async def dawdle(message: ServerSentEvent) -> None:
            if "start" in message.data:
                backend.open_gate("slow")
                backend.open_gate("more")
                await anyio.wait_all_tasks_blocked()

        reader.on_message = dawdle
        messages = await reader.read()
        words = [message.data.count("word") + message.data.count("late") for message in messages]
        assert sum(words) == 600
        assert len([count for count in words if count]) == 1

    async def test_law_3_a_reader_that_takes_nothing_holds_a_bounded_number_of_events(self) -> None:
        backend = Counting(["x"] * 5_000)
        run = await begin(backend)
        taking = anyio.Event()
        reader = Reader(backend, run)

        async def block(message: ServerSentEvent) -> None:
            if len(reader.messages) == 2:
                await anyio.wait_all_tasks_blocked()
                assert backend.given <= 2_100
                taking.set()

        reader.on_message = block
        messages = await reader.read()
        assert taking.is_set()
        assert sum(fragment.count("x") for message in messages for fragment in plain(message)) == 5_000

    @pytest.mark.parametrize(
        ("name", "unit"),
        [
            ("paragraphs", "Some *words* in a paragraph.\n\n"),
            ("one paragraph", "some words and "),
            ("one list", "- an item of it\n"),
            ("one block of code", "    x = compute(y)\n"),
            ("one table", "| a cell | and another |\n"),
        ],
    )
    def test_law_3_the_cost_is_linear_in_the_length(
        self, name: str, unit: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        head = "| a | b |\n| --- | --- |\n" if name == "one table" else ""
        half, whole = (cost(head, unit, count, monkeypatch) for count in (700, 1_400))
        assert {what: whole[what] / half[what] < 2.3 for what in half} == dict.fromkeys(half, True), (half, whole)


def plain(message: ServerSentEvent) -> Iterator[str]:
    for _, _, html in fragments(message) if message.event is None else ():
        yield re.sub("<[^>]*>", "", html)


def cost(head: str, unit: str, count: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return what streaming so many units costs, one a frame: bytes on the wire and characters parsed."""
    spent: Counter[str] = Counter()
    parse_markdown = blocks.parse

    def counted(text: str) -> object:
        spent["characters parsed"] += len(text)
        return parse_markdown(text)

    with monkeypatch.context() as patch:
        for module in (document, stream):
            patch.setattr(module, "parse", counted)
        turn = LiveTurn("run", context())
        at = datetime(2026, 1, 1, tzinfo=UTC)
        bodies: list[EventBody] = [TextDelta(head), *[TextDelta(unit)] * count, RunEnded(Outcome.COMPLETED)]
        for seq, body in enumerate(bodies):
            spent["bytes"] += len(render_patches(turn.advance([RunEvent(seq, at, body)])))
    return spent


class TestLaw4:
    @pytest.mark.parametrize("steps", [RICH, REPLACED], ids=["rich", "replaced"])
    async def test_law_4_nothing_is_doubled_or_lost_wherever_a_finished_run_is_resumed(
        self, steps: tuple[Step, ...]
    ) -> None:
        backend = ScriptedBackend(steps)
        run = await begin(backend)
        events = await log(backend, run)
        wanted = await reload(backend, run)
        for count in range(len(events) + 1):
            page = page_at(run, events[:count])
            after = events[count - 1].seq if count else None
            for message in await Reader(backend, run).read(after):
                page.apply(message.data if message.event is None else "")
            assert article(page, run) == wanted, f"resumed after {after}"

    @pytest.mark.parametrize("steps", [RICH, REPLACED], ids=["rich", "replaced"])
    async def test_law_4_nothing_is_doubled_or_lost_wherever_a_live_run_is_resumed(
        self, steps: tuple[Step, ...]
    ) -> None:
        backend = ScriptedBackend([*steps, Gate(), " And more.", "\n\n- And ", "more"])
        run = await begin(backend)
        events = await log_so_far(backend, run, 1 + len(steps))
        pages: list[tuple[int | None, Element]] = []

        async def resume(count: int) -> None:
            page = page_at(run, events[:count])
            pages.append((events[count - 1].seq if count else None, page))
            for message in await Reader(backend, run).read(pages[-1][0]):
                page.apply(message.data if message.event is None else "")

        async with anyio.create_task_group() as tasks:
            for count in range(len(events) + 1):
                tasks.start_soon(resume, count)
            await anyio.wait_all_tasks_blocked()
            backend.open_gate()
        wanted = await reload(backend, run)
        assert len(pages) == len(events) + 1
        assert [after for after, page in pages if article(page, run) != wanted] == []

    async def test_law_4_a_stream_that_is_cut_after_any_message_goes_on_where_it_was(self) -> None:
        backend, run, messages = await streamed(RICH)
        wanted = await reload(backend, run)
        for cut in range(1, len(messages) - 1):
            page = open_page(started(run), context())
            for message in messages[:cut]:
                page.apply(message.data)
            last = next((message.id for message in reversed(messages[:cut]) if message.id), None)
            for message in await Reader(backend, run).read(None if last is None else int(last)):
                page.apply(message.data if message.event is None else "")
            assert article(page, run) == wanted, f"cut after message {cut}"

    async def test_law_4_a_resumed_live_run_sends_only_what_is_new(self) -> None:
        backend = ScriptedBackend(["The old words. ", "More old words. ", Gate(), "new"])
        run = await begin(backend)
        reader = Reader(backend, run)
        reader.on_message = lambda message: backend.open_gate()
        messages = await reader.read(3)
        assert "old" not in "".join(message.data for message in messages)
        assert "new" in messages[1].data

    @pytest.mark.parametrize("after", [-1, 0, 41, 10_000, 10**18])
    async def test_law_4_an_id_that_the_run_does_not_know_draws_the_turn_anew(self, after: int) -> None:
        backend = ScriptedBackend(["Old ", "words.", Gate(), " New"], first_seq=40, seq_step=5)
        run = await begin(backend)
        page = parse(f'<div id="composer-actions" data-run="{run.id}"></div><p id="status"></p>')
        page.add(parse(f'<article class="turn" id="turn-{run.id}">{skeleton(run)}</article>').elements[0])
        reader = Reader(backend, run)
        reader.on_message = lambda message: backend.open_gate() if "words." in message.data else None
        for message in await reader.read(after):
            page.apply(message.data if message.event is None else "")
        wanted = parse(await reload(backend, run))
        for part in ("body", "tail"):
            shown = page.one(id=f"{part}-{run.id}"), wanted.one(id=f"{part}-{run.id}")
            assert shown[0].text == shown[1].text
            assert [each.html for each in shown[0].elements] == [each.html for each in shown[1].elements]

    async def test_law_4_an_unknown_id_is_noticed_while_the_agent_writes_without_a_pause(self) -> None:
        shown = anyio.Event()

        class Restless(ScriptedBackend):
            """Writes without a pause until its reader has seen something, or for a second and a half."""

            async def run_events(
                self, user: User, run_id: str, *, after: int | None = None
            ) -> AsyncGenerator[Sequence[RunEvent], None]:
                until, seq, at = anyio.current_time() + 1.5, 0, datetime(2026, 1, 1, tzinfo=UTC)
                while not shown.is_set() and anyio.current_time() < until:
                    seq += 1
                    yield [RunEvent(seq, at, TextDelta("word "))]
                    await anyio.sleep(0.001)
                yield [RunEvent(seq + 1, at, RunEnded(Outcome.COMPLETED))]

        backend = Restless()
        run = await begin(backend)
        reader = Reader(backend, run)
        reader.on_message = lambda message: shown.set() if "#body" in message.data else None
        messages = await reader.read(10**9)
        first = next(message for message in messages if "#body" in message.data)
        assert first.id != messages[-2].id, "nothing was shown before the run had ended"

    def test_law_4_the_header_counts_before_the_query(self) -> None:
        from htmxchat.endpoints.runs import _after

        def asked(header: str | None, query: str | None) -> int | None:
            from types import SimpleNamespace

            from starlette.requests import Request

            scope = {
                "type": "http",
                "headers": [] if header is None else [(b"last-event-id", header.encode())],
                "query_string": b"" if query is None else f"after={query}".encode(),
            }
            return _after(SimpleNamespace(request=Request(scope)))  # type: ignore[arg-type]

        assert asked("7", "3") == 7
        assert asked(None, "3") == 3
        assert asked("", "3") == 3
        assert asked("0", None) == 0
        assert asked(None, None) is None
        for garbage in ("x", "-1", "1.5", "1e3", "٣", "0x1", "9" * 20, "9" * 5_000, "1 2", "+1"):
            assert asked(garbage, "3") is None
            assert asked(None, garbage.replace("+", "%2B").replace("٣", "%D9%A3")) is None


def skeleton(run: Run) -> str:
    """Return a turn of which no one knows what it shows."""
    parts = ("body", "sources", "tail")
    return "".join(f'<div id="{part}-{run.id}"><p>nonsense</p></div>' for part in parts)


async def log_so_far(backend: ScriptedBackend, run: Run, count: int) -> list[RunEvent]:
    events: list[RunEvent] = []
    async with aclosing(each_event(backend, ANN, run.id)) as reading:
        async for event in reading:
            events.append(event)
            if len(events) == count:
                break
    assert len(events) == count
    return events


class TestLaw5:
    @pytest.mark.parametrize("after", [None, 1, 2, 3, 10_000])
    async def test_law_5_a_finished_run_answers_with_its_turn_and_end(self, after: int | None) -> None:
        backend = ScriptedBackend(["Done."])
        run = await begin(backend)
        exchange = Exchange(stream_of(backend, run, after), "/")
        await exchange.run()
        assert exchange.status == 200
        messages = decode(exchange.body)
        assert [message.event for message in messages] == [None, None, END]
        page = page_at(run, [event for event in await log(backend, run) if event.seq <= (after or 0)][:2])
        page.apply(messages[1].data)
        assert article(page, run) == await reload(backend, run)

    @pytest.mark.parametrize("outcome", Outcome)
    async def test_law_5_every_outcome_ends_the_stream(self, outcome: Outcome) -> None:
        backend = ScriptedBackend(["Half", RunEnded(outcome, "Because." if outcome is Outcome.FAILED else None)])
        run = await begin(backend)
        messages = await Reader(backend, run).read()
        assert (messages[-1].event, messages[-1].data) == (END, outcome.value)
        page = open_page(started(run), context())
        for message in messages[:-1]:
            page.apply(message.data)
        assert article(page, run) == await reload(backend, run)


class TestLaw6:
    @pytest.mark.parametrize("error", [None, BackendUnavailable(), ValueError("a bug")], ids=["silent", "down", "bug"])
    async def test_law_6_a_broken_backend_is_read_again_from_the_last_seq(self, error: Exception | None) -> None:
        backend = Counting(["one ", "two ", Break(error, times=1), "three ", "four"])
        run = await begin(backend)
        page = open_page(started(run), context())
        for message in await Reader(backend, run).read():
            page.apply(message.data if message.event is None else "")
        assert article(page, run) == await reload(backend, run)
        assert backend.opened == 2
        assert backend.given == 6, "events were read twice"

    @pytest.mark.parametrize("kind", ["single", "wrong", "plain", "coroutine"])
    async def test_law_6_a_backend_that_yields_no_batches_is_told_at_once_what_to_write(
        self, kind: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not after 30 seconds of reading again: it will never be right."""
        events = [RunEvent(1, datetime(2026, 1, 1, tzinfo=UTC), TextDelta("word"))]

        async def single() -> AsyncGenerator[object, None]:
            yield events[0]

        async def wrong() -> AsyncGenerator[object, None]:
            yield ["word"]

        class Wrong(ScriptedBackend):
            opened = 0

            def run_events(self, user: User, run_id: str, *, after: int | None = None) -> Any:
                self.opened += 1
                made: dict[str, Any] = {"single": single, "wrong": wrong, "plain": lambda: iter(events)}
                return self.get_run(user, run_id) if kind == "coroutine" else made[kind]()

        backend = Wrong()
        run = await begin(backend)
        *_, notice, end = await Reader(backend, run).read()
        assert "The server's log says what is wrong" in notice.data.replace("&#x27;", "'").replace("&#39;", "'")
        assert end.event == END
        assert backend.opened == 1
        (said,) = [record.getMessage() for record in caplog.records]
        assert said.startswith("Wrong.run_events is ")
        assert "Make it an async generator that yields lists of events" in said

    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            (BackendUnavailable("The lines are down."), "The lines are down."),
            (ValueError("a secret"), "cannot be reached"),
            (None, "without saying how"),
            (NotFound(), NotFound.sentence),
        ],
        ids=["down", "bug", "silent", "gone"],
    )
    async def test_law_6_a_backend_that_never_recovers_is_said_and_the_stream_ends(
        self, error: Exception | None, sentence: str
    ) -> None:
        backend = Counting(["Half an answer", Break(error)])
        run = await begin(backend)
        messages = await Reader(backend, run, timing=replace(QUICK, patience=0.1)).read()
        assert messages[-1].event == END
        page = open_page(started(run), context())
        for message in messages:
            if message.event is None:
                page.apply(message.data)
        tail = page.one(id=f"tail-{run.id}")
        assert sentence in tail.text
        assert sentence in page.one(id="status").text
        assert tail.one("a", cls="button")["href"] == f"/chat/runs/{run.id}"
        assert "Half an answer" in page.one(id=f"body-{run.id}").text
        assert "secret" not in page.html
        assert backend.opened <= 4, "it spins"

    async def test_law_6_a_backend_that_makes_progress_is_not_given_up(self) -> None:
        broken = [step for number in range(4) for step in (f"{number} ", Break(BackendUnavailable(), times=1))]
        backend = ScriptedBackend(broken)
        run = await begin(backend)
        messages = await Reader(backend, run, timing=replace(QUICK, patience=0.03)).read()
        assert messages[-1] == ServerSentEvent("completed", event=END)

    async def test_law_6_a_stream_that_was_given_up_can_be_resumed(self) -> None:
        backend = ScriptedBackend(["one ", Break(BackendUnavailable(), times=1), "two"])
        run = await begin(backend)
        page, after = open_page(started(run), context()), None
        for _ in range(2):
            messages = await Reader(backend, run, timing=replace(QUICK, patience=0)).read(after)
            assert messages[-1].event == END
            for message in messages[:-1]:
                page.apply(message.data)
                after = int(message.id) if message.id else after
        assert article(page, run) == await reload(backend, run)

    async def test_law_6_an_answer_that_cannot_be_drawn_ends_its_stream(self, caplog: pytest.LogCaptureFixture) -> None:
        backend = ScriptedBackend([ScriptProposed("s", "1 + 1", ""), Stall()])
        run = await begin(backend)
        reader = Reader(backend, run)

        async def look() -> Mapping[str, Excerpt]:
            raise ZeroDivisionError

        await reader.read(look=look)
        *_, notice, end = reader.messages
        assert "This answer cannot be shown." in notice.data
        assert end.event == END
        assert "ZeroDivisionError" not in notice.data
        assert "could not be shown" in caplog.text

    async def test_law_6_a_backend_that_repeats_itself_does_not_double_the_answer(self) -> None:
        class Repeating(ScriptedBackend):
            async def run_events(
                self, user: User, run_id: str, *, after: int | None = None
            ) -> AsyncGenerator[Sequence[RunEvent], None]:
                async with aclosing(super().run_events(user, run_id)) as batches:
                    async for batch in batches:
                        yield [event for event in batch for _ in range(2)]
                        yield batch

        backend = Repeating(["one ", Break(times=1), "two"])
        run = await begin(backend)
        page = open_page(started(run), context())
        for message in await Reader(backend, run).read():
            page.apply(message.data if message.event is None else "")
        assert page.one(id=f"body-{run.id}").text.strip() == "one two"


class TestLaw7:
    async def test_law_7_leaving_closes_the_backends_reader_at_once_and_never_the_run(self) -> None:
        closed = anyio.Event()

        class Watched(ScriptedBackend):
            async def run_events(
                self, user: User, run_id: str, *, after: int | None = None
            ) -> AsyncGenerator[Sequence[RunEvent], None]:
                try:
                    async with aclosing(super().run_events(user, run_id, after=after)) as batches:
                        async for batch in batches:
                            yield batch
                finally:
                    closed.set()

        backend = Watched(["one", Gate(), " two"])
        run = await begin(backend)
        exchange = Exchange(stream_of(backend, run), "/")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run)
            await exchange.until("one")
            assert backend.readers == 1
            exchange.leave()
            await exchange.end()
            assert closed.is_set()
            assert (await backend.get_run(ANN, run.id)).state is RunState.RUNNING
        backend.open_gate()
        assert fold(await log(backend, run)).text == "one two"

    async def test_law_7_a_reader_that_takes_nothing_is_freed(self) -> None:
        backend = ScriptedBackend(["one", Stall()])
        run = await begin(backend)

        async def send(message: Message) -> None:
            if b"one" in message.get("body", b""):
                await anyio.sleep_forever()

        relay = Relay(backend)
        response = EventStreamResponse(
            partial(relay.stream, ANN, run.id, None, context()), heartbeat=0.01, send_timeout=0.02
        )
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        with anyio.fail_after(5):
            await response(scope, anyio.sleep_forever, send)  # type: ignore[arg-type]
        assert (await backend.get_run(ANN, run.id)).state is RunState.RUNNING

    async def test_law_7_a_silent_agent_does_not_silence_the_stream(self) -> None:
        backend = ScriptedBackend(["one", Stall()])
        run = await begin(backend)
        relay = Relay(backend)
        response = EventStreamResponse(partial(relay.stream, ANN, run.id, None, context()), heartbeat=0.01)
        exchange = Exchange(response, "/")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run)
            await exchange.until(":\n\n")
            exchange.leave()

    async def test_law_7_a_silent_agent_leaves_no_task_waiting_to_show_what_it_says(self) -> None:
        backend = ScriptedBackend(["one", Gate(), " two"])
        run = await begin(backend)
        reader, shown = Reader(backend, run), anyio.Event()
        reader.on_message = lambda message: shown.set() if "one" in message.data else None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reader.read)
            with anyio.fail_after(5):
                await shown.wait()
                while any("LiveStream._show" in (task.name or "") for task in anyio.get_running_tasks()):  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            backend.open_gate()
        assert reader.messages[-1] == ServerSentEvent("completed", event="end")
        assert " two" in "".join(message.data for message in reader.messages)

    async def test_law_7_the_apps_streams_say_how_proxies_must_treat_them(self) -> None:
        backend = ScriptedBackend(["one"])
        run = await begin(backend)

        async def identify(request: object) -> User:
            return ANN

        exchange = Exchange(create_chat_app(backend, identify=identify), f"/runs/{run.id}/stream")
        await exchange.run()
        assert exchange.status == 200
        assert exchange.headers["cache-control"] == "no-store, no-transform"
        assert exchange.headers["x-accel-buffering"] == "no"
        assert exchange.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in exchange.headers

    async def test_law_7_two_readers_see_the_same(self) -> None:
        backend = ScriptedBackend(["one ", Gate(), "two"])
        run = await begin(backend)
        pages = [open_page(started(run), context()) for _ in range(2)]

        async def read(page: Element) -> None:
            for message in await Reader(backend, run).read():
                page.apply(message.data if message.event is None else "")

        async with anyio.create_task_group() as tasks:
            for page in pages:
                tasks.start_soon(read, page)
            await anyio.wait_all_tasks_blocked()
            backend.open_gate()
        wanted = await reload(backend, run)
        assert [article(page, run) for page in pages] == [wanted, wanted]


class Poller:
    """A page that polls."""

    def __init__(self, backend: ScriptedBackend, run: Run, timing: Timing = QUICK) -> None:
        self.relay = Relay(backend, timing=timing)
        self.context = context("poll")
        self.page = open_page(started(run), self.context)
        self.after: int | None = None
        self._run = run

    async def poll(self, relay: Relay | None = None) -> PollAnswer:
        with anyio.fail_after(5):
            answer = await (relay or self.relay).poll(ANN, self._run.id, self.after, self.context)
        self.page.apply(answer.html)
        self.after = answer.after
        return answer

    @property
    def article(self) -> str:
        return article(self.page, self._run)


class TestLaw8:
    @pytest.mark.parametrize("steps", [RICH, REPLACED], ids=["rich", "replaced"])
    @pytest.mark.parametrize("processes", [1, 2])
    async def test_law_8_after_every_poll_the_page_is_that_of_a_reload(
        self, steps: tuple[Step, ...], processes: int
    ) -> None:
        backend = ScriptedBackend(paced(steps))
        run = await begin(backend)
        poller = Poller(backend, run)
        relays = [Relay(backend, timing=QUICK) for _ in range(processes)]
        for number in range(len(steps) + 1):
            answer = await poller.poll(relays[number % processes])
            if answer.html:
                assert poller.article == await reload(backend, run, poller.context), f"poll {number}"
            backend.open_gate(str(number + 1))
        while not answer.ended:
            answer = await poller.poll(relays[0])
        assert poller.article == await reload(backend, run, poller.context)

    async def test_law_8_polling_costs_what_is_new(self) -> None:
        steps = tuple(f"Paragraph {number} of the answer.\n\n" for number in range(40))
        backend = Counting(paced(steps))
        run = await begin(backend)
        poller = Poller(backend, run)
        sent = 0
        answer = await poller.poll()
        for number in range(len(steps)):
            backend.open_gate(str(number + 1))
            answer = await poller.poll()
            sent += len(answer.html)
        while not answer.ended:
            answer = await poller.poll()
        assert poller.article == await reload(backend, run, poller.context)
        assert backend.given == len(steps) + 2
        assert sent < 60 * len("".join(str(step) for step in steps))

    async def test_law_8_nothing_new_is_said_as_nothing(self) -> None:
        backend = ScriptedBackend(["one", Stall()])
        run = await begin(backend)
        poller = Poller(backend, run)
        first = await poller.poll()
        for _ in range(3):
            assert await poller.poll() == PollAnswer("", first.after, False)

    async def test_law_8_what_shows_nothing_is_not_read_twice(self) -> None:
        backend = Counting(["one", *[Unknown("ping")] * 50, Stall()])
        run = await begin(backend)
        poller = Poller(backend, run)
        for _ in range(3):
            await poller.poll()
        assert backend.given == 52

    async def test_law_8_every_poll_shows_what_its_user_may_see_then(self) -> None:
        backend = ScriptedBackend(
            [
                ToolStarted("call one", "find", "", {"key": "hush 1"}),
                Gate(),
                ToolStarted("call two", "find", "", {"key": "hush 2"}),
                Stall(),
            ]
        )
        run = await begin(backend)
        poller = Poller(backend, run)
        assert "hush 1" in (await poller.poll()).html
        poller.context = replace(poller.context, inspector=None)
        backend.open_gate()
        answer = await poller.poll()
        assert "call two" not in answer.html and "hush" not in answer.html and "find" in answer.html

    @pytest.mark.parametrize("after", [None, 2, 77, -5])
    async def test_law_8_a_finished_run_is_drawn_and_polling_ends(self, after: int | None) -> None:
        backend = ScriptedBackend(["Done."])
        run = await begin(backend)
        poller = Poller(backend, run, Timing(poll=5))
        poller.page = page_at(run, [event for event in await log(backend, run) if event.seq <= (after or 0)][:2])
        poller.after = after
        answer = await poller.poll()
        assert answer.ended
        assert poller.article == await reload(backend, run, poller.context)

    async def test_law_8_an_answer_that_was_lost_on_the_way_is_given_again(self) -> None:
        backend = ScriptedBackend(["one ", Gate(), "two ", Gate("3"), "three"])
        run = await begin(backend)
        poller = Poller(backend, run)
        await poller.poll()
        backend.open_gate()
        lost = await poller.relay.poll(ANN, run.id, poller.after, poller.context)
        assert "two" in lost.html
        backend.open_gate("3")
        while not (await poller.poll()).ended:
            pass
        assert poller.article == await reload(backend, run, poller.context)

    async def test_law_8_a_stream_can_be_continued_by_polling(self) -> None:
        backend, run, messages = await streamed(RICH)
        for cut in range(1, len(messages) - 1, 5):
            poller = Poller(backend, run)
            for message in messages[:cut]:
                poller.page.apply(message.data)
                poller.after = int(message.id) if message.id else poller.after
            while not (await poller.poll()).ended:
                pass
            assert poller.article == await reload(backend, run, poller.context)

    async def test_law_8_text_that_was_held_back_is_drawn_before_the_poll_ends(self) -> None:
        long = "word " * 3_000
        backend = ScriptedBackend([long, Gate(), "tail ", Stall()])
        run = await begin(backend)
        poller = Poller(backend, run)
        await poller.poll()
        backend.open_gate()
        await poller.poll()
        assert poller.article == await reload(backend, run, poller.context)

    async def test_law_8_two_pages_can_poll_the_same_run(self) -> None:
        backend = ScriptedBackend(paced(tuple(f"{number} " for number in range(6))))
        run = await begin(backend)
        relay, pollers = Relay(backend, timing=QUICK), [Poller(backend, run), Poller(backend, run)]
        for number in range(10):
            for poller in pollers:
                await poller.poll(relay)
            backend.open_gate(str(number))
        wanted = await reload(backend, run, pollers[0].context)
        assert [poller.article for poller in pollers] == [wanted, wanted]

    @pytest.mark.parametrize("runs", [1, 100])
    async def test_law_8_a_hundred_pollers_cost_what_is_new_to_each(self, runs: int) -> None:
        backend = Counting([*["word "] * 200, Gate(), "last", Stall()])
        relay, started_runs = Relay(backend, timing=QUICK), [await begin(backend) for _ in range(runs)]
        pollers = [Poller(backend, started_runs[number % runs]) for number in range(100)]
        for poller in pollers:
            await poller.poll(relay)
        backend.given = 0
        backend.open_gate()
        for poller in pollers:
            assert "last" in (await poller.poll(relay)).html
        assert backend.given == len(pollers)

    @pytest.mark.parametrize("silent", [False, True])
    async def test_law_6_an_answer_that_cannot_be_read_for_a_while_is_delayed(self, silent: bool) -> None:
        delayed = ServerSentEvent(DELAYED, event="delayed")
        rest = [Gate(), "two"] if silent else ["two"]
        backend = ScriptedBackend(["one ", Break(BackendUnavailable(), times=3), *rest])
        run = await begin(backend)
        reader = Reader(backend, run, timing=replace(QUICK, retry=0.25, well=0.5))
        reader.on_message = lambda message: backend.open_gate() if reader.messages[-2:-1] == [delayed] else None
        messages = await reader.read()
        told = [number for number, message in enumerate(messages) if message.event == "delayed"]
        assert [messages[number] for number in told] == [delayed]
        assert "two" in "".join(message.data for message in messages[told[0] :])
        # What is read again takes it back, and so does reading that gets through while the agent is silent.
        assert (messages[told[0] + 1].data == "") is silent

    async def test_law_8_a_backend_that_cannot_be_read_is_said_to_who_polls(self) -> None:
        backend = ScriptedBackend(["one", Break(BackendUnavailable("The lines are down."))])
        run = await begin(backend)

        async def identify(request: object) -> User:
            return ANN

        chat = create_chat_app(backend, identify=identify, stream="poll")
        exchange = Exchange(chat, f"/runs/{run.id}/poll?after=2", headers={**FRAGMENT, "HX-Source": "chat-live#x"})
        await exchange.run()
        assert b"The lines are down." in exchange.body
        assert exchange.status in (200, 503)


class TestKeptPages:
    async def _pages(self, kept: KeptPages, runs: int, words: int = 1) -> list[tuple[Run, PollAnswer]]:
        backend = ScriptedBackend(["word " * words, Stall()])
        relay, found = Relay(backend, kept=kept), []
        for _ in range(runs):
            run = await begin(backend)
            found.append((run, await relay.poll(ANN, run.id, None, context("poll"))))
        return found

    def _there(self, kept: KeptPages, found: list[tuple[Run, PollAnswer]]) -> list[bool]:
        return [kept.find((ANN.id, run.id, context("poll")), each.after) is not None for run, each in found]

    async def test_they_take_no_more_than_the_bytes_that_they_may(self) -> None:
        kept = KeptPages(most=100_000)
        found = await self._pages(kept, 40, words=1_000)
        assert 80_000 < kept.size <= 100_000
        there = self._there(kept, found)
        assert there == sorted(there) and 5 < sum(there) < 20  # the latest

    async def test_one_that_is_too_large_is_not_kept(self) -> None:
        kept = KeptPages(most=1_000)
        assert self._there(kept, await self._pages(kept, 2, words=1_000)) == [False, False]
        assert kept.size == 0

    async def test_they_are_forgotten_some_time_after_their_last_use(self) -> None:
        now = 0.0
        kept = KeptPages(seconds=60, clock=lambda: now)
        found = await self._pages(kept, 2)
        now = 40
        assert self._there(kept, found[:1]) == [True]
        now = 80
        assert self._there(kept, found) == [True, False]

    async def test_of_an_answer_that_is_polled_often_few_are_kept(self) -> None:
        now = 0.0
        kept, page = KeptPages(seconds=1_000, clock=lambda: now), LivePage("run", context())
        events = [RunEvent(seq, datetime.now(UTC), TextDelta("word ")) for seq in range(1, 1_001)]
        key = ANN.id, "run", context()
        for event in events:
            await page.advance([event])
            kept.keep(key, page.copy())
            now += 0.1
        shown = [kept.find(key, after) for after in (1_000, 990, 900, 500)]
        seqs = [each.view.last_seq if each else 0 for each in shown]
        # About twice as far behind, at most.
        assert seqs[0] == 1_000 and 970 <= (seqs[1] or 0) <= 990 and 700 <= (seqs[2] or 0) <= 900
        assert kept.size < 15 * page.size


class TestComingBack:
    """One relay serves all readers of a run, so what it keeps of one is there for the next."""

    @pytest.mark.parametrize("steps", [RICH, REPLACED], ids=["rich", "replaced"])
    @pytest.mark.parametrize("kept", ["all", "few"])
    async def test_the_page_is_that_of_a_reload_wherever_the_reader_was(
        self, steps: tuple[Step, ...], kept: str
    ) -> None:
        backend = ScriptedBackend([*paced(steps), Gate("end")])
        run = await begin(backend)
        every = kept == "all"
        pages = KeptPages(between=0, spread=0) if every else KeptPages()
        relay = Relay(backend, kept=pages, timing=Timing(frame=0, copy=0 if every else 2))
        first = Reader(backend, run, relay=relay)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.read)
            for number in range(len(steps) + 1):
                for _ in range(30):
                    await anyio.lowlevel.checkpoint()
                backend.open_gate(str(number))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        last = int(first.messages[-1].id or 0)
        wanted = await reload(backend, run)
        for cut in range(1, len(first.messages)):
            page, after = open_page(started(run), context()), None
            for message in first.messages[:cut]:
                page.apply(message.data)
                after = int(message.id) if message.id else after
            again = Reader(backend, run, relay=relay)
            await again.read_to(last, after)
            for message in again.messages:
                page.apply(message.data)
            assert article(page, run) == wanted, (cut, after)

    @pytest.mark.parametrize("kept", [True, False])
    @pytest.mark.parametrize("back", [True, False])
    async def test_while_nothing_can_be_read_nothing_is_taken_back_that_another_process_has_shown(
        self, kept: bool, back: bool
    ) -> None:
        class Away(ScriptedBackend):
            away = False

            async def run_events(
                self, user: User, run_id: str, *, after: int | None = None
            ) -> AsyncGenerator[Sequence[RunEvent], None]:
                if self.away:
                    raise BackendUnavailable
                async with aclosing(super().run_events(user, run_id, after=after)) as batches:
                    async for batch in batches:
                        yield batch

        backend = Away(["One.\n\n", Gate("two"), "Two.\n\n", Gate("three"), "Three.\n\n"])
        run = await begin(backend)
        here, there, page = (
            Relay(backend, timing=Timing(patience=5 if back else 0.2, backlog=0.02, retry=0.02)),
            Relay(backend),
            open_page(started(run), context()),
        )
        if kept:
            await Reader(backend, run, relay=here).read_to(2)
        backend.open_gate("two")
        before = Reader(backend, run, relay=there)
        await before.read_to(3)
        for message in before.messages:
            page.apply(message.data)
        backend.away = True
        reader = Reader(backend, run, relay=here)

        async def go_on(message: ServerSentEvent) -> None:
            assert int(message.id or 3) >= 3
            page.apply(message.data if message.event is None else "")
            assert "One.Two." in page.one(id=f"body-{run.id}").text.replace("\n", "")
            if back and message.event == "delayed":
                await anyio.sleep(0.2)
                backend.away = False
                backend.open_gate("three")

        reader.on_message = go_on
        messages = await reader.read(3)
        assert "delayed" in [message.event for message in messages]
        if back:
            assert article(page, run) == await reload(backend, run)
        else:
            assert "Look again" in page.one(id=f"tail-{run.id}").text

    async def test_it_costs_what_is_new(self) -> None:
        backend = Counting([*["One paragraph.\n\n"] * 500, Gate(), "new", Stall()])
        run = await begin(backend)
        relay = Relay(backend)
        await Reader(backend, run, relay=relay).read_to(501)
        assert backend.given == 501
        backend.open_gate()
        again = Reader(backend, run, relay=relay)
        await again.read_to(502, after=501)
        assert backend.given == 502
        assert sum(len(message.data) for message in again.messages) < 500


class TestFollower:
    async def test_each_event_comes_once_and_in_order(self) -> None:
        backend = ScriptedBackend(["a", Break(times=1), "b", Break(BackendUnavailable(), times=1), "c"])
        run = await begin(backend)
        follower = Follower(backend, ANN, run.id, after=None, timing=Timing())
        events: list[RunEvent] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow)
            with anyio.fail_after(5):
                while more := await follower.take():
                    events += more
        assert [event.seq for event in events] == [1, 2, 3, 4, 5]
        assert follower.done
        assert follower.lost is None

    async def test_taking_waits_no_longer_than_told(self) -> None:
        backend = ScriptedBackend([Stall()])
        run = await begin(backend)
        follower = Follower(backend, ANN, run.id, after=1, timing=Timing())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow)
            assert await follower.take(0.01) == []
            assert not follower.done
            tasks.cancel_scope.cancel()

    async def test_a_run_that_is_gone_is_given_up_at_once(self) -> None:
        follower = Follower(Counting([]), ANN, "nothing", after=None, timing=Timing(patience=1_000))
        with anyio.fail_after(5):
            await follower.follow()
        assert follower.lost == NotFound.sentence


class TestLiveTurn:
    def test_any_way_to_cut_a_log_into_frames_shows_the_same(self) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        bodies = [TextDelta(step) if isinstance(step, str) else step for step in RICH if not isinstance(step, Gate)]
        bodies.append(RunEnded(Outcome.COMPLETED))
        events = [RunEvent(seq, at, body) for seq, body in enumerate(bodies, 1)]  # type: ignore[arg-type]
        run = Run("r1", "c1", ANN.id, "t1", RunState.RUNNING, at)
        wanted = article(page_at(run, events), run)
        for size in (1, 2, 3, 7, len(events)):
            turn, page = LiveTurn(run.id, context()), open_page(started(run), context())
            for start in range(0, len(events), size):
                page.apply(render_patches(turn.advance(events[start : start + size], pause=True)))
                assert article(page, run) == article(page_at(run, events[: start + size]), run), (size, start)
            assert article(page, run) == wanted

    async def test_a_request_shows_and_its_answer_takes_it_away(self) -> None:
        backend = ScriptedBackend(["Well.\n\n", InputRequested("q1", "Which?", ("a", "b")), "So be it."])
        run = await begin(backend)
        page, reader = open_page(started(run), context()), Reader(backend, run)
        states: list[str] = []

        async def answer(message: ServerSentEvent) -> None:
            page.apply(message.data if message.event is None else "")
            states.append(page.one("article")["data-state"])
            if page.all("form", cls="request"):
                assert [button["value"] for button in page.one("form", cls="request").all("button")] == ["a", "b"]
                await backend.answer_request(ANN, run.id, "q1", "a")

        reader.on_message = answer
        await reader.read()
        assert "suspended" in states
        assert page.all("form", cls="request") == []
        assert article(page, run) == await reload(backend, run)


def stream_of(backend: ScriptedBackend, run: Run, after: int | None = None) -> EventStreamResponse:
    relay = Relay(backend)
    return EventStreamResponse(partial(relay.stream, ANN, run.id, after, context()))
