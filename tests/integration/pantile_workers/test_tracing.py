"""A job's way from submission to its end is one trace, with every attempt and stage, sent once it has ended."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pantile.catalog.courses import Mark, mark_now
from pantile.catalog.database import Database
from pantile.coordinator.dispatch import dispatch
from pantile.coordinator.submit import Submission
from pantile.coordinator.tracing import trace_ended
from pantile.domain.messages import SegmentRoi
from pantile.queue import Sender
from pantile.settings import Settings
from pantile.traces import Tracer
from pantile_workers.runtime import Runtime
from pantile_workers.segmenting import segment_roi

Submit = Callable[..., Submission]
Work = Callable[[], list[str]]
Register = Callable[..., None]
Jpeg = Callable[[int], bytes]


@pytest.fixture
def start(database: Database) -> Mark:
    with database.transaction() as connection:
        return mark_now(connection)


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(kept: InMemorySpanExporter) -> Tracer:
    return Tracer(kept)


def roots(spans: tuple[ReadableSpan, ...]) -> list[ReadableSpan]:
    return [span for span in spans if span.parent is None]


def within(spans: tuple[ReadableSpan, ...], parent: ReadableSpan) -> list[ReadableSpan]:
    found = [span for span in spans if span.parent and parent.context and span.parent.span_id == parent.context.span_id]
    return sorted(found, key=lambda span: span.start_time or 0)


def names(spans: list[ReadableSpan]) -> list[str]:
    return [span.name for span in spans]


def test_a_trace_goes_from_submission_over_every_stage_to_the_end(
    database: Database,
    start: Mark,
    tracer: Tracer,
    kept: InMemorySpanExporter,
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)}, cohort="TRACED")
    work()

    trace_ended(database, tracer, start, settled_s=0)

    spans = kept.get_finished_spans()
    (job,) = roots(spans)
    assert job.attributes is not None
    assert {key: job.attributes[key] for key in ("pantile.cohort", "pantile.segmenter", "pantile.attempts")} == {
        "pantile.cohort": "TRACED",
        "pantile.segmenter": "lung@1",
        "pantile.attempts": 1,
    }
    parts = within(spans, job)
    assert names(parts) == ["image", "dispatch", "attempt"]
    assert names(within(spans, parts[-1])) == [
        "fetch", "decode", "waiting", "preparing", "network", "stitching", "encode", "upload",
    ]  # fmt: skip
    assert job.status.is_ok
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM finished_at - r.created_at)::float8 AS lasted_s FROM jobs, rois r"
        ).fetchone()
    assert row
    assert ((job.end_time or 0) - (job.start_time or 0)) / 1e9 == pytest.approx(row["lasted_s"], abs=1e-4)


def test_a_job_asked_for_later_begins_then_and_tells_its_time_in_the_queue(
    database: Database,
    sender: Sender,
    runtime: Runtime,
    start: Mark,
    tracer: Tracer,
    kept: InMemorySpanExporter,
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)})
    work()
    register("breast")
    submit({"a.jpg": jpeg(0)})
    dispatch(database, sender, most_queued=100)
    with database.transaction() as connection:
        waiting = connection.execute("SELECT id FROM jobs WHERE state = 'waiting'").fetchone()
    assert waiting
    segment_roi(runtime, SegmentRoi(job_id=waiting["id"]))

    trace_ended(database, tracer, start, settled_s=0)

    spans = kept.get_finished_spans()
    _, job = roots(spans)
    assert names(within(spans, job)) == ["dispatch", "queue", "attempt"]


def test_a_job_that_failed_tells_why_in_each_attempt(
    database: Database,
    start: Mark,
    tracer: Tracer,
    kept: InMemorySpanExporter,
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)})
    with database.transaction() as connection:
        connection.execute("UPDATE segmenters SET checkpoint_key = 'checkpoints/gone'")
    for _ in range(2):
        work()
        with database.transaction() as connection:
            connection.execute("UPDATE jobs SET not_before = now() WHERE state = 'waiting'")

    trace_ended(database, tracer, start, settled_s=0)

    spans = kept.get_finished_spans()
    (job,) = roots(spans)
    attempts = [span for span in within(spans, job) if span.name == "attempt"]
    assert len(attempts) == 2
    assert not job.status.is_ok
    assert all("checkpoints/gone" in (span.status.description or "") for span in [job, *attempts])


def test_each_end_is_traced_once_and_the_same_end_has_the_same_ids(
    database: Database,
    start: Mark,
    tracer: Tracer,
    kept: InMemorySpanExporter,
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
) -> None:
    register("breast", "lung")
    submit({"a.jpg": jpeg(0)})
    work()

    after = trace_ended(database, tracer, start, settled_s=0)
    first = kept.get_finished_spans()
    trace_ended(database, tracer, after, settled_s=0)
    second = kept.get_finished_spans()
    trace_ended(database, tracer, start, settled_s=0)
    again = kept.get_finished_spans()[len(second) :]

    assert len(roots(first)) == 2
    assert second == first
    assert [span.context for span in again] == [span.context for span in first]
    assert len({span.context.trace_id for span in roots(first) if span.context}) == 2


def test_what_has_just_ended_waits_until_it_has_settled(
    database: Database,
    start: Mark,
    tracer: Tracer,
    kept: InMemorySpanExporter,
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
) -> None:
    register("lung")
    submit({"a.jpg": jpeg(0)})
    work()

    assert trace_ended(database, tracer, start, settled_s=3600) == start
    assert kept.get_finished_spans() == ()


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a collector that speaks OTLP over HTTP, and what it was sent."""
    taken: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", taken
    server.shutdown()
    server.server_close()
    thread.join()


def test_traces_reach_a_collector_by_otlp(
    database: Database,
    settings: Settings,
    start: Mark,
    collector: tuple[str, list[bytes]],
    register: Register,
    submit: Submit,
    work: Work,
    jpeg: Jpeg,
) -> None:
    address, taken = collector
    tracer = Tracer.from_settings(settings.model_copy(update={"traces_endpoint": address}))
    register("lung")
    submit({"a.jpg": jpeg(0)})
    work()

    after = trace_ended(database, tracer, start, settled_s=0)
    tracer.close()

    assert after != start
    (body,) = taken
    sent = ExportTraceServiceRequest.FromString(body)
    spans = sent.resource_spans[0].scope_spans[0].spans
    assert "network" in {span.name for span in spans}
    assert len({span.trace_id for span in spans}) == 1
