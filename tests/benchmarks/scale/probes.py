"""Probes beside a run: how long the API takes to answer, and what the processes take of memory and processor."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own
from redis import Redis

_PAUSE_S = 0.1
_MEMORY_EVERY_S = 0.5
_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long one kind of request took, in milliseconds."""

    request: str
    asked: int
    p50_ms: float
    p95_ms: float
    max_ms: float


@dataclass(slots=True, kw_only=True)
class Answers:
    """What the requests of a run took, in seconds, by kind."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def latencies(self) -> list[Latency]:
        """A line for each kind of request."""
        return [_latency(request, sorted(seconds)) for request, seconds in self.seconds.items()]


def _latency(request: str, seconds: list[float]) -> Latency:
    def at(share: float) -> float:
        return 1000 * seconds[min(len(seconds) - 1, int(share * len(seconds)))]

    return Latency(request=request, asked=len(seconds), p50_ms=at(0.5), p95_ms=at(0.95), max_ms=at(1.0))


@contextmanager
def asking(http: httpx.Client, cohort: str, *, newest_job: int) -> Iterator[Answers]:
    """Asks the API, one request after another with short pauses, about a cohort as people and scripts do."""
    answers = Answers()
    requests: dict[str, Callable[[], str]] = {
        "GET /v1/cohorts/{id}": lambda: f"/v1/cohorts/{cohort}",
        "GET /v1/jobs": lambda: "/v1/jobs",
        "GET /v1/jobs?cohort": lambda: f"/v1/jobs?cohort={cohort}",
        "GET /v1/jobs?cohort&after": lambda: f"/v1/jobs?cohort={cohort}&after={random.randrange(newest_job)}",
        "GET /v1/jobs?cohort&state=running": lambda: f"/v1/jobs?cohort={cohort}&state=running",
        "GET /v1/jobs?cohort&state=failed": lambda: f"/v1/jobs?cohort={cohort}&state=failed",
        "GET /v1/jobs?cohort&segmenter": lambda: f"/v1/jobs?cohort={cohort}&segmenter=lung",
        "GET /v1/jobs?roi": lambda: "/v1/jobs?roi=TCGA-A2-0000007_tumor",
    }

    def ask(stop: threading.Event) -> None:
        for request, address in requests.items():
            started = time.perf_counter()
            http.get(address()).raise_for_status()
            answers.seconds.setdefault(request, []).append(time.perf_counter() - started)
            stop.wait(_PAUSE_S)

    with _repeating(ask):
        yield answers


@dataclass(slots=True, kw_only=True)
class Memory:
    """What a server or process took, in MiB, at times along a run."""

    mib: dict[str, list[float]] = field(default_factory=dict)


@contextmanager
def weighing(redis: Redis, pids: Mapping[str, int]) -> Iterator[Memory]:
    """Looks at Redis's own count of its memory, and at the resident memory of processes."""
    memory = Memory()

    def look(stop: threading.Event) -> None:
        memory.mib.setdefault("redis", []).append(int(redis.info("memory")["used_memory"]) / _MIB)
        for name, pid in pids.items():
            memory.mib.setdefault(name, []).append(psutil.Process(pid).memory_info().rss / _MIB)
        stop.wait(_MEMORY_EVERY_S)

    with _repeating(look):
        yield memory


def processor_s(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of processor that each process has taken so far, with its children, those that ended included."""
    return {name: sum(_times(process) for process in _family(pid)) for name, pid in pids.items()}


def _family(pid: int) -> list[psutil.Process]:
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def _times(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def _repeating(look: Callable[[threading.Event], None]) -> Iterator[None]:
    """Calls `look` again and again beside the block; what it raises is raised at the block's end."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.is_set():
            look(stop)

    with ThreadPoolExecutor(1) as pool:
        repeated = pool.submit(repeat)
        try:
            yield
        finally:
            stop.set()
        repeated.result()
