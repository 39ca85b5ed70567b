"""Spans, metrics and log lines: who watches the service learns how runs go, and nothing of what people write."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from htmxchat import (
    JSON,
    Checkpoint,
    InputRequested,
    LocalBackend,
    Observer,
    Request,
    Run,
    RunEvent,
    Said,
    Store,
    User,
    chat_lifespan,
    create_chat_app,
)
from htmxchat.telemetry import Telemetry
from tests.support import QUICK, decode

pytestmark = pytest.mark.anyio

ANN = User("ann@team.example", "Ann Other", token="hush-token")
SECRETS = "hush", "Ann Other", "team.example"


class Watch:
    """A host's OpenTelemetry set-up, in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        traces = TracerProvider()
        traces.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])
        self.traces = traces
        self.tracer = traces.get_tracer("host")
        self.telemetry = Telemetry(traces, self.meters)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """The spans that have ended, by name."""
        return {span.name: span for span in self._exporter.get_finished_spans()}

    def metric(self, name: str) -> list[tuple[float, dict[str, Any]]]:
        """What was counted or measured: a sum, or how many values, for each set of attributes."""
        data = json.loads(self._reader.get_metrics_data().to_json())  # type: ignore[union-attr]
        for scope in data["resource_metrics"][0]["scope_metrics"]:
            for metric in scope["metrics"]:
                if metric["name"] == name:
                    points = metric["data"]["data_points"]
                    return [(point.get("value", point.get("count")), point["attributes"]) for point in points]
        return []

    @property
    def all_said(self) -> str:
        spans = "".join(span.to_json() for span in self.spans.values())
        return spans + self._reader.get_metrics_data().to_json()  # type: ignore[union-attr]


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    watch.traces.shutdown()
    watch.meters.shutdown()


Make = Callable[..., LocalBackend]


@pytest.fixture
async def make(watch: Watch) -> AsyncIterator[Make]:
    made: list[LocalBackend] = []

    def make(agent: Any, url: str | None = None, observer: Observer | None = None) -> LocalBackend:
        made.append(LocalBackend(agent, Store(url), timing=QUICK))
        create_chat_app(made[-1], observer=observer or watch.telemetry)
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


async def until(met: Callable[[], bool]) -> None:
    with anyio.fail_after(15):
        while not met():  # noqa: ASYNC110
            await anyio.sleep(0.005)


async def finish(backend: LocalBackend, run: Run) -> list[RunEvent]:
    """Read a run to its end, and wait until its process has done with it."""
    with anyio.fail_after(15):
        events = [event async for batch in backend.run_events(ANN, run.id) for event in batch]
    await until(lambda: run.id not in backend._journal.runs)
    return events


async def reply(request: Request) -> AsyncGenerator[Said, Any]:
    match request.text:
        case "fail":
            yield "hush "
            raise ValueError("hush: a password")
        case "ask":
            answer = yield InputRequested("q", "hush?", ("yes", "no"))
            yield f"hush {answer}"
        case _:
            yield "hush "
            await asyncio.sleep(0.01)
            yield "hush"


class Counting:
    name = "counting"

    def answer(self, request: Request) -> AsyncGenerator[Said, None]:
        return self.resume(request, 0)

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, None]:
        for number in range(checkpoint if isinstance(checkpoint, int) else 0, 60):
            yield f"{number} "
            yield Checkpoint(number + 1)
            await asyncio.sleep(0.01)


async def test_a_run_is_a_span_with_ids_and_numbers(make: Make, watch: Watch) -> None:
    backend = make(reply)
    run = await backend.start_run(ANN, None, "hush")
    events = await finish(backend, run)
    span = watch.spans["invoke_agent reply"]
    attributes = dict(span.attributes or {})
    assert 0 <= attributes.pop("htmxchat.run.time_to_first_event") < 5  # type: ignore[operator]
    assert attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "reply",
        "gen_ai.conversation.id": run.conversation_id,
        "htmxchat.run.id": run.id,
        "htmxchat.run.resumed": False,
        "htmxchat.run.outcome": "completed",
        "htmxchat.run.events": len(events),
        "htmxchat.run.waited": 0.0,
    }
    assert span.status.status_code is StatusCode.UNSET
    done = {"gen_ai.agent.name": "reply", "htmxchat.run.outcome": "completed"}
    assert watch.metric("htmxchat.run.duration") == [(1, done)]
    assert watch.metric("htmxchat.run.time_to_first_event") == [(1, {"gen_ai.agent.name": "reply"})]
    assert watch.metric("htmxchat.runs.live") == [(0, {"gen_ai.agent.name": "reply"})]
    assert not any(secret in watch.all_said for secret in SECRETS)


async def test_a_run_that_fails_says_by_which_kind_of_error_and_not_in_which_words(make: Make, watch: Watch) -> None:
    backend = make(reply)
    await finish(backend, await backend.start_run(ANN, None, "fail"))
    span = watch.spans["invoke_agent reply"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None and span.attributes["error.type"] == "ValueError"
    assert not span.events
    assert not any(secret in watch.all_said for secret in SECRETS)


async def test_a_run_that_waits_is_counted_while_it_does(make: Make, watch: Watch) -> None:
    backend = make(reply)
    run = await backend.start_run(ANN, None, "ask")
    about = {"gen_ai.agent.name": "reply"}
    await until(lambda: watch.metric("htmxchat.runs.waiting") == [(1, about)])
    assert watch.metric("htmxchat.runs.live") == [(1, about)]
    await backend.answer_request(ANN, run.id, "q", "yes")
    await finish(backend, run)
    assert watch.metric("htmxchat.runs.waiting") == watch.metric("htmxchat.runs.live") == [(0, about)]
    attributes = watch.spans["invoke_agent reply"].attributes
    assert attributes is not None and attributes["htmxchat.run.waited"] > 0  # type: ignore[operator]


async def test_what_an_agent_does_is_below_its_run_and_that_is_below_the_request(make: Make, watch: Watch) -> None:
    async def calls(request: Request) -> AsyncIterator[str]:
        with watch.tracer.start_as_current_span("model"):
            yield "Hello"

    backend = make(calls)
    with watch.tracer.start_as_current_span("POST"):
        run = await backend.start_run(ANN, None, "Hi")
    await finish(backend, run)
    model, ran, post = (watch.spans[name] for name in ("model", "invoke_agent calls", "POST"))
    assert model.parent is not None and model.parent.span_id == ran.context.span_id
    assert ran.parent is not None and ran.parent.span_id == post.context.span_id


async def test_a_run_that_goes_on_elsewhere_is_a_span_of_its_own_there(
    make: Make, watch: Watch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "htmxchat")
    url, other = f"sqlite:///{tmp_path}/chat.db", Watch()
    first, second = make(Counting(), url), make(Counting(), url, other.telemetry)
    with other.tracer.start_as_current_span("a request that has nothing to do with it"):
        await second.list_conversations(ANN)
    run = await first.start_run(ANN, None, "Hi")
    with anyio.fail_after(15):
        async for batch in first.run_events(ANN, run.id):
            if batch[-1].seq > 5:
                break
    await first.drain()
    await finish(second, run)
    await until(lambda: not second._journal.runs)
    before, after = (each.spans["invoke_agent counting"] for each in (watch, other))
    assert before.attributes is not None and after.attributes is not None
    assert before.attributes["htmxchat.run.outcome"] == "handed-over"
    assert (after.attributes["htmxchat.run.resumed"], after.attributes["htmxchat.run.outcome"]) == (True, "completed")
    assert after.parent is None
    assert other.metric("htmxchat.run.time_to_first_event") == []
    events = [vars(record)["htmxchat"]["event"] for record in caplog.records if "htmxchat" in vars(record)]
    assert events == ["run-began", "run-ended", "run-resumed", "run-ended"]


async def test_an_outage_is_counted_once(make: Make, watch: Watch) -> None:
    outage = make(reply)._journal.outage
    for _ in range(2):
        outage.failed()
        assert outage._since is not None
        outage._since -= 1
        outage.failed()
        outage.failed()
        outage.over()
    assert watch.metric("htmxchat.database.outages") == [(2, {})]


async def test_without_a_set_up_of_the_host_nothing_happens(make: Make) -> None:
    backend = make(reply, observer=Telemetry())
    assert len(await finish(backend, await backend.start_run(ANN, None, "Hi"))) == 4


def test_nobody_pays_for_what_is_not_asked_for() -> None:
    # FastAPI imports OpenTelemetry itself; the chat alone does not.
    look = "import htmxchat, sys; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


def instrumented(app: ASGIApp, watch: Watch) -> ASGIApp:
    """What the instrumentation of a host does: it sees the mount, and nothing below."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        with watch.tracer.start_as_current_span("/chat", kind=SpanKind.SERVER):
            await app(scope, receive, send)

    return wrapped


def test_a_request_of_the_hosts_instrumentation_gets_its_route_and_ids(watch: Watch) -> None:
    async def identify(_: object) -> User:
        return ANN

    chat = create_chat_app(LocalBackend(reply), identify=identify, observer=watch.telemetry)
    app = instrumented(Starlette(routes=[Mount("/chat", chat)], lifespan=chat_lifespan(chat)), watch)
    with TestClient(app) as client:
        sent = client.post("/chat/messages", data={"text": "hush"}, follow_redirects=False)
        path, _, run = sent.headers["location"].partition("#turn-")
        with client.stream("GET", f"/chat/runs/{run}/stream") as stream:
            assert decode(stream.read())[-1].event == "end"
        assert client.get("/chat/c/nobody's").status_code == 404
    spans = watch.spans
    assert spans.keys() - {"invoke_agent reply"} == {
        *("POST /chat/messages", "GET /chat/runs/{run}/stream", "GET /chat/c/{conversation}"),
    }
    attributes = spans["GET /chat/runs/{run}/stream"].attributes
    assert attributes == {
        "http.route": "/chat/runs/{run}/stream",
        "htmxchat.run.id": run,
        "gen_ai.conversation.id": path.rsplit("/", 1)[1],
    }
    assert watch.metric("htmxchat.streams.open") == [(0, {})]
    assert not any(secret in watch.all_said for secret in SECRETS)


def test_a_span_that_is_no_requests_is_left_alone(watch: Watch) -> None:
    with watch.tracer.start_as_current_span("job"):
        watch.telemetry.request("GET", "/chat/", {"run": "1"})
    assert watch.spans["job"].attributes == {}


def test_what_is_no_observer_is_refused() -> None:
    for wrong in (Telemetry, "otel", object()):
        with pytest.raises(TypeError, match=r"^observer .*Telemetry"):
            create_chat_app(LocalBackend(reply), observer=wrong)  # type: ignore[arg-type]


async def test_the_log_has_one_line_and_its_fields(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "htmxchat")
    backend = make(reply)
    run = await backend.start_run(User('a "b"\nc'), None, "fail")
    await until(lambda: not backend._journal.runs)
    began, ended = [record for record in caplog.records if record.levelno == logging.INFO]
    about = f'run={run.id} conversation={run.conversation_id} user="a \\"b\\"\\nc" agent=reply resumed=false'
    assert began.getMessage() == f"Run began: {about}"
    fields = vars(ended)["htmxchat"]
    numbers = {name: fields.pop(name) for name in ("seconds", "waited", "first_event")}
    assert all(isinstance(each, float) for each in numbers.values())
    assert fields == {
        **{"event": "run-ended", "run": run.id, "conversation": run.conversation_id, "user": 'a "b"\nc'},
        **{"agent": "reply", "resumed": False, "outcome": "failed", "events": 3, "error": "ValueError"},
    }
    line = ended.getMessage()
    assert line.startswith(f"Run ended: {about} outcome=failed seconds=") and line.endswith(
        " events=3 error=ValueError"
    )
    assert "hush" not in line
