"""Spans and metrics by OpenTelemetry: `create_chat_app(backend, observer=Telemetry())`.

Needs `pip install 'htmxchat[otel]'`. It uses what the host has set up, and sets up nothing: in a process without an
OpenTelemetry SDK it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.metrics import Histogram, Meter, MeterProvider, UpDownCounter, get_meter
from opentelemetry.trace import SpanKind, StatusCode, TracerProvider, get_current_span, get_tracer

from .observing import Observer, RunBegin, RunEnd, TellEnd

__all__ = ["Telemetry"]

_NAME = "htmxchat"
_IDS = {"conversation": "gen_ai.conversation.id"}
_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Telemetry(Observer):
    """Tells OpenTelemetry of runs, streams, requests and outages.

    Args:
        tracer_provider: Makes the spans; by default the process's own.
        meter_provider: Counts; by default the process's own.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = get_meter(_NAME, meter_provider=meter_provider)
        self._live = meter.create_up_down_counter("htmxchat.runs.live", "{run}", "Runs that this process has.")
        self._waiting = meter.create_up_down_counter(
            "htmxchat.runs.waiting", "{run}", "Runs of this process that wait for their user."
        )
        self._streams = meter.create_up_down_counter("htmxchat.streams.open", "{stream}", "Streams to pages.")
        self._duration = _seconds(meter, "htmxchat.run.duration", "How long a run took, by its outcome.")
        self._first = _seconds(meter, "htmxchat.run.time_to_first_event", "From a run's start to what its agent says.")
        self._outages = meter.create_counter(
            "htmxchat.database.outages", "{outage}", "How often the database could not be used."
        )

    @contextmanager
    def run(self, begin: RunBegin) -> Iterator[TellEnd]:
        agent = {"gen_ai.agent.name": begin.agent}
        about: dict[str, str | bool] = {
            **agent,
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": begin.conversation,
            "htmxchat.run.id": begin.run,
            "htmxchat.run.resumed": begin.resumed,
        }
        spanned = self._tracer.start_as_current_span(
            f"invoke_agent {begin.agent}",
            kind=SpanKind.INTERNAL,
            attributes=about,
            record_exception=False,  # its words may be what people or agents wrote
            set_status_on_exception=False,
        )
        with _counted(self._live, agent), spanned as span:

            def tell(end: RunEnd) -> None:
                numbers = {"waited": end.waited, "time_to_first_event": end.first_event, "events": end.events}
                span.set_attribute("htmxchat.run.outcome", end.outcome)
                for each, value in numbers.items():
                    if value is not None:
                        span.set_attribute(f"htmxchat.run.{each}", value)
                if end.error is not None:
                    span.set_attribute("error.type", end.error)
                if end.outcome == "failed":
                    span.set_status(StatusCode.ERROR)
                self._duration.record(end.seconds, {**agent, "htmxchat.run.outcome": end.outcome})
                if end.first_event is not None:
                    self._first.record(end.first_event, agent)

            yield tell

    def waiting(self, agent: str) -> AbstractContextManager[None]:
        return _counted(self._waiting, {"gen_ai.agent.name": agent})

    def stream(self) -> AbstractContextManager[None]:
        return _counted(self._streams)

    def request(self, method: str, route: str, ids: Mapping[str, str]) -> None:
        """Give the span of the host's own instrumentation what it cannot know: it sees no further than the mount."""
        span = get_current_span()
        if getattr(span, "kind", None) is not SpanKind.SERVER:
            return
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
        for name, id in ids.items():
            span.set_attribute(_IDS.get(name, f"htmxchat.{name}.id"), id)

    def outage(self) -> None:
        self._outages.add(1)


@contextmanager
def _counted(counter: UpDownCounter, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
    counter.add(1, attributes)
    try:
        yield
    finally:
        counter.add(-1, attributes)


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=_SECONDS)
