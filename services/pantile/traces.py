"""Traces, for whoever keeps them: OpenTelemetry spans of what has ended, with the times at which it happened.

The only home of OpenTelemetry, which comes with the extra `tracing`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span as OpenSpan
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from pantile import __version__
from pantile.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time with a name, and those within it; `problem` says what went wrong in it."""

    name: str
    begun_at: datetime
    ended_at: datetime
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    problem: str = ""
    within: Sequence["Span"] = ()


class Tracer:
    """Sends spans to whoever keeps them."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._ids = _DerivedIds()
        self._made = _Made()
        provider = TracerProvider(
            resource=Resource({SERVICE_NAME: "pantile", SERVICE_VERSION: __version__}),
            # All, whatever OTEL_TRACES_SAMPLER says: what is wanted of them is chosen by who keeps them.
            sampler=ALWAYS_ON,
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._made)
        self._tracer = provider.get_tracer("pantile", __version__)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Tracer":
        """Sends by OTLP over HTTP to the address of the settings."""
        return cls(OTLPSpanExporter(endpoint=settings.traces_endpoint, timeout=10))

    def send(self, traces: Mapping[str, Span]) -> bool:
        """Sends whole traces by their keys; False where they did not arrive. The same key again is the same trace."""
        for key, span in traces.items():
            self._ids.derive_from(key)
            self._make(span, parent=None)
        return self._exporter.export(self._made.take()) is SpanExportResult.SUCCESS

    def close(self) -> None:
        """Ends the connections."""
        self._exporter.shutdown()

    def _make(self, span: Span, *, parent: OpenSpan | None) -> None:
        context = set_span_in_context(parent) if parent is not None else None
        made = self._tracer.start_span(
            span.name, context=context, attributes=span.attributes, start_time=_nanoseconds(span.begun_at)
        )
        if span.problem:
            made.set_status(Status(StatusCode.ERROR, span.problem))
        for each in span.within:
            self._make(each, parent=made)
        made.end(_nanoseconds(span.ended_at))


class _DerivedIds(IdGenerator):
    """Ids that follow from a trace's key, so that a trace that is sent twice is kept once."""

    def __init__(self) -> None:
        self._key = ""
        self._spans = 0

    def derive_from(self, key: str) -> None:
        """Begins the next trace."""
        self._key, self._spans = key, 0

    def generate_trace_id(self) -> int:
        """The trace's id, 16 bytes."""
        return self._digest("trace", 16)

    def generate_span_id(self) -> int:
        """The next span's id, 8 bytes."""
        self._spans += 1
        return self._digest(f"span {self._spans}", 8)

    def _digest(self, what: str, size: int) -> int:
        return int.from_bytes(hashlib.sha256(f"{self._key}/{what}".encode()).digest()[:size]) or 1


class _Made(SpanProcessor):
    """Holds spans until they are taken."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Holds a span that has ended."""
        self._spans.append(span)

    def take(self) -> list[ReadableSpan]:
        """All that are held, which are not held any longer."""
        spans, self._spans = self._spans, []
        return spans


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
