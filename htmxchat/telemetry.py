"""Spans and metrics for OpenTelemetry: `create_chat_app(backend, observer=Telemetry())`.

Needs `pip install 'htmxchat[otel]'`. It uses the host's OpenTelemetry SDK and configures nothing. Without an SDK, it
has no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.metrics import Histogram, Meter, MeterProvider, UpDownCounter, get_meter
from opentelemetry.trace import SpanKind, StatusCode, TracerProvider, get_current_span, get_tracer

from .observing import Observer, OnEnd, RunBegin, RunEnd

__all__ = ["Telemetry"]

_NAME = "htmxchat"
_IDS = {"conversation": "gen_ai.conversation.id"}
_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class Telemetry(Observer):
    """Reports runs, streams, requests, feedback and outages to OpenTelemetry.

    Args:
        tracer_provider: For spans; by default the global one.
        meter_provider: For metrics; by default the global one.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = get_meter(_NAME, meter_provider=meter_provider)
        self._live = meter.create_up_down_counter("htmxchat.runs.live", "{run}", "Active runs of this process.")
        self._waiting = meter.create_up_down_counter(
            "htmxchat.runs.waiting", "{run}", "Active runs that wait for their user."
        )
        self._streams = meter.create_up_down_counter("htmxchat.streams.open", "{stream}", "Open streams to pages.")
        self._duration = _seconds(meter, "htmxchat.run.duration", "Duration of runs, by outcome.")
        self._first = _seconds(
            meter, "htmxchat.run.time_to_first_event", "From a run's start to its agent's first event."
        )
        self._feedback = meter.create_counter("htmxchat.feedback", "{change}", "Changes of feedback, by rating.")
        self._outages = meter.create_counter("htmxchat.database.outages", "{outage}", "Outages of the database.")

    def feedback(self, rating: str) -> None:
        self._feedback.add(1, {"htmxchat.feedback.rating": rating})

    @contextmanager
    def run(self, begin: RunBegin) -> Iterator[OnEnd]:
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
            record_exception=False,  # its message may contain texts of users or agents
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
        """Add the route and ids to the host's server span, whose instrumentation only knows the mount."""
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
