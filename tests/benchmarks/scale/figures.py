"""What one run measures."""

from dataclasses import dataclass

from tests.benchmarks.scale.probes import Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A submission through the API, from the request to the last message."""

    rois: int
    jobs: int
    answered_s: float
    queued_s: float
    messages_per_s: float
    redis_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """A cohort whose jobs took no time, done by one worker.

    `wall_ms` is from the first claim to the last finish, over the jobs; `processor_ms` is what each process took of the
    cores for one job; `tenths_ms` is `wall_ms` of each tenth of the jobs.
    """

    jobs: int
    threads: int
    wall_ms: float
    tenths_ms: tuple[float, ...]
    processor_ms: dict[str, float]
    wal_bytes_per_job: float
    catalog_bytes_per_job: float
    latencies: tuple[Latency, ...]
    memory_mib: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """So many workers on jobs of `sleep_s`; `busy` is the share of the machine's cores that was in use, by anybody."""

    workers: int
    threads: int
    sleep_s: float
    jobs_per_s: float
    busy: float

    @property
    def linear_per_s(self) -> float:
        """What they would do if nothing but the sleep took time."""
        return self.workers * self.threads / self.sleep_s

    @property
    def efficiency(self) -> float:
        """The share of that which they did."""
        return self.jobs_per_s / self.linear_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of a run; `load_before` is the machine's load average before it."""

    machine: str
    load_before: float
    submitted: Submitted
    drained: tuple[Drained, ...]
    scaled: tuple[Scaled, ...]
