"""What a process counts and times while it runs, shown at an address of its own for Prometheus to read.

Each service is one process and each process has one registry, so nothing has to be added up across processes here:
Prometheus reads every process, and adds up. A label has few values: states, kinds, segmenters, routes, and at most 200
cohorts; never an id of a job or an ROI, and of a rater the account's number only (docs/metrics.md).

The only home of the Prometheus client.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from pantile import __version__
from pantile.domain.errors import SettingRefused
from pantile.logs import log
from pantile.settings import Settings

REGISTRY = CollectorRegistry(auto_describe=True)
"""All that this process shows."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_WORK_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_ANSWER_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"pantile_{name}", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"pantile_{name}", text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str, buckets: Sequence[float] = _SECONDS) -> Histogram:
    return Histogram(f"pantile_{name}", text, labels, buckets=buckets, registry=REGISTRY)


# Every process

BUILD = _gauge("build", "1, with the version and the service of this process.", "version", "service")
S3_SECONDS = _histogram("s3_seconds", "Requests to the object store, until the last byte.", "operation")
SQL_SECONDS = _histogram("sql_seconds", "Transactions, from asking for a connection until they were committed.")
BROKER_SECONDS = _histogram("broker_seconds", "Asking Redis for counts, and sending messages.", "operation")
SERVER_ERRORS = _counter("server_errors", "Times that a server did not answer, retries by libraries apart.", "server")

# Web

REQUESTS = _counter("http_requests", "Answers by route and status.",
                    "method", "route", "status")  # fmt: skip
ANSWER_SECONDS = _histogram(
    "http_answer_seconds", "From a request until its answer began.", "route", buckets=_ANSWER_SECONDS
)
REQUESTS_OPEN = _gauge("http_requests_open", "Requests under way, streams of progress among them.")

# Coordinator

ROUND_SECONDS = _histogram("round_seconds", "A step of the coordinator's round.", "step")
ROUND_AT = _gauge("round_timestamp_seconds", "When the coordinator ended its last whole round.")
MESSAGES_SENT = _counter("messages_sent", "Messages sent for waiting rows.", "work")
MESSAGES_LOST = _counter("messages_lost", "Messages that the queue had lost, sent again.")
LEASES_ENDED = _counter("leases_ended", "Leases whose worker died or went silent.", "work")

# Workers

TASK_SECONDS = _histogram("task_seconds", "A message's work, waiting for solitude included.", "task",
                          buckets=_WORK_SECONDS)  # fmt: skip
TASKS = _counter("tasks", "Messages worked off; what was not done waits again, or failed.", "task", "result")
STAGE_SECONDS = _histogram("stage_seconds", "The stages of segmenting.", "stage", buckets=_WORK_SECONDS)
JOBS_DONE = _counter("jobs_done", "Jobs whose class map was stored.", "segmenter")
PATCHES = _counter("patches", "Patches that went through a network.", "segmenter")
ROIS_FETCHED = _counter("rois_fetched", "ROIs fetched, once for all jobs of a claim.")
ROIS_DECODED = _counter("rois_decoded", "ROIs decoded and placed on the device.")
ROIS_REUSED = _counter("rois_reused", "Jobs that found their ROI decoded and placed for a job before.")
NOT_DONE = _counter("not_done", "Work that ended badly: failed, given back, suspected, or lost to another worker.",
                    "work", "outcome", "reason")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A gauge that is measured together with others."""

    name: str
    text: str
    labels: tuple[str, ...] = ()


Values = Mapping[Measure, Mapping[tuple[str, ...], float]]
"""Of each measure, its value for each of its labels' values."""


class Measurement(Collector):
    """Gauges that are measured, and shown, together: what is gone is not shown any longer, and no moment is mixed."""

    def __init__(self, *measures: Measure) -> None:
        self._measures = measures
        self._guard = Lock()
        self._values: Values = {}
        self._ask: Callable[[], Values] | None = None
        REGISTRY.register(self)

    def show(self, values: Values) -> None:
        """Shows these values from now on, and no others."""
        with self._guard:
            self._values = values

    def ask(self, measure: Callable[[], Values]) -> None:
        """Shows what this gives, asked anew each time that somebody looks."""
        self._ask = measure

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The measures without values: their names, for the registry."""
        for measure in self._measures:
            yield GaugeMetricFamily(measure.name, measure.text, labels=measure.labels)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The measures with their values of now."""
        with self._guard:
            values = self._ask() if self._ask else self._values
        for measure in self._measures:
            family = GaugeMetricFamily(measure.name, measure.text, labels=measure.labels)
            for labels, value in values.get(measure, {}).items():
                family.add_metric(labels, value)
            yield family


# What the coordinator measures in the catalog and the queue

COHORT_STATE = Measure(name="pantile_cohort_state", text="1 for the state of each cohort.", labels=("cohort", "state"))
COHORT_ROIS = Measure(
    name="pantile_cohort_rois", text="ROIs of open and paused cohorts by state.", labels=("cohort", "state")
)
COHORT_JOBS = Measure(
    name="pantile_cohort_jobs",
    text="Jobs by cohort, segmenter and state; one that two cohorts share is in both.",
    labels=("cohort", "segmenter", "state"),
)
COHORT_JOBS_LEFT = Measure(
    name="pantile_cohort_jobs_left",
    text="Jobs of open and paused cohorts that are yet to end, those of images on their way included.",
    labels=("cohort",),
)
WORK = Measure(name="pantile_work", text="Jobs, chores and trainings that wait or run.", labels=("work", "state"))
WORK_OLDEST = Measure(
    name="pantile_work_oldest_seconds",
    text="For how long the first that waits could have been done; paused cohorts apart.",
    labels=("work",),
)
QUEUE_MESSAGES = Measure(name="pantile_queue_messages", text="Messages in Redis.", labels=("queue",))
QUEUE_UNACKNOWLEDGED = Measure(
    name="pantile_queue_unacknowledged", text="Messages that workers have and have not ended."
)
SCORES_LAST_DAY = Measure(
    name="pantile_scores_last_day", text="Scores given or changed in the last 24 h, by account.", labels=("account",)
)
MEASURED_AT = Measure(name="pantile_measured_timestamp_seconds", text="When the coordinator measured.")

CATALOG = Measurement(
    COHORT_STATE,
    COHORT_ROIS,
    COHORT_JOBS,
    COHORT_JOBS_LEFT,
    WORK,
    WORK_OLDEST,
    QUEUE_MESSAGES,
    QUEUE_UNACKNOWLEDGED,
    SCORES_LAST_DAY,
    MEASURED_AT,
)
"""What the coordinator measures."""

# What a worker measures of itself

LEASES_HELD = Measure(name="pantile_leases_held", text="Rows that this worker holds.")
LONGEST_WORK = Measure(
    name="pantile_longest_work_seconds", text="How long the work that began first of all under way takes so far."
)
GPU_BUSY = Measure(
    name="pantile_gpu_busy_ratio", text="Share of the last moment in which the GPU computed.", labels=("gpu",)
)
GPU_MEMORY = Measure(name="pantile_gpu_memory_bytes", text="Memory of the GPU.", labels=("gpu", "kind"))
GPU_WATTS = Measure(name="pantile_gpu_watts", text="What the GPU draws.", labels=("gpu",))
GPU_CELSIUS = Measure(name="pantile_gpu_celsius", text="Temperature of the GPU.", labels=("gpu",))

WORKER = Measurement(LEASES_HELD, LONGEST_WORK, GPU_BUSY, GPU_MEMORY, GPU_WATTS, GPU_CELSIUS)
"""What a worker measures when it is asked."""


def serve_metrics(settings: Settings, *, service: str) -> None:
    """Shows this process's metrics at the host and port of the settings until it ends; nowhere where the port is 0.

    Raises:
        SettingRefused: nothing can listen there.
    """
    if not settings.metrics_port:
        return
    host, port = settings.metrics_host, settings.metrics_port
    ProcessCollector(registry=REGISTRY)
    GCCollector(registry=REGISTRY)
    BUILD.labels(version=__version__, service=service).set(1)
    try:
        start_http_server(port, host, REGISTRY)
    except OSError as error:
        raise SettingRefused(f"PANTILE_METRICS_PORT, nothing can listen at {host}:{port}: {error.strerror}") from error
    log.info("metrics shown", host=host, port=port)
