"""Pantile itself under measurement: a real segment worker on real servers, from waiting jobs to stored class maps."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np

from pantile.catalog import cohorts, jobs, rois
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Database, Row
from pantile.catalog.holdings import incoming_key
from pantile.catalog.jobs import JobFilter
from pantile.coordinator.registry import register_segmenter
from pantile.coordinator.submit import submit_cohort
from pantile.domain.cohorts import read_rows
from pantile.domain.errors import StackError
from pantile.domain.jobs import JobState
from pantile.domain.settings_asked import SettingsAsked
from pantile.local.children import Child, end_process
from pantile.local.processes import our_processes
from pantile.local.stack import Stack
from pantile.objects import ObjectStore, sha256_of
from pantile_workers.benchmark.memory import peak_bytes, processor_s
from pantile_workers.benchmark.subject import STUDY_MPP, Standing, write_copies
from pantile_workers.gpus import read_gpu

WARM_UP_ROIS = 1
EARLY_ROIS = 5
"""The worker's memory after these many ROIs is compared with that at the end."""

_COHORT = "BENCH"
_ACTOR = "bench"
_POLL_S = 0.2
_GRACE_S = 20.0
_BESIDE = ("coordinator", "imaging")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputMeasure:
    """What a segment worker did once warm: seconds a ROI by the clock, seconds an output by stage, and its memory.

    `processor_s` are the seconds an output that it took of the processor's cores, all of its threads together.
    `early_peak_bytes` is None where no more than `EARLY_ROIS` ROIs were segmented. `gpu_busy` is the share of the time
    in which the GPU computed anything at all, as its driver tells it; None without one.
    """

    rois: int
    segmenters: int
    seconds_per_roi: float
    processor_s: float
    stages: Mapping[str, float]
    patches: int
    arithmetic: str
    device: str
    peak_bytes: int
    early_peak_bytes: int | None
    gpu_busy: float | None

    @property
    def seconds_per_output(self) -> float:
        """Seconds an output: an ROI's by its segmenters."""
        return self.seconds_per_roi / self.segmenters

    @property
    def patches_per_second(self) -> float:
        """Patches a second, end to end."""
        return self.patches / self.seconds_per_output


def measure_throughput(
    home: Path,
    image: Path,
    standing: Standing,
    *,
    segmenters: int,
    rois_wanted: int,
    gpu: str,
    on_roi: Callable[[], None],
) -> ThroughputMeasure:
    """Segments copies of the image with so many segmenters, by one worker; the first ROI is not counted.

    The images are ingested before the worker starts, so that nothing else runs beside it. `gpu` is the UUID of the
    one that the worker will use, empty for none.

    Raises:
        StackError: the embedded stack does not start, or a job failed.
    """
    beside = [process for process in our_processes() if process.name in _BESIDE]
    with Stack(home, processes=beside) as stack:
        settings = stack.settings()
        with closing(Database.from_settings(settings, application="pantile bench")) as database:
            objects = ObjectStore.from_settings(settings)
            copies = write_copies(image, home, WARM_UP_ROIS + rois_wanted)
            cohort = _submit(database, objects, standing, copies, segmenters=segmenters)
            expected = segmenters * len(copies)
            _wait(lambda: len(_jobs(database, cohort)) == expected)
            with _segment_worker(stack) as worker:
                seen = _watch(
                    database, cohort, worker, segmenters=segmenters, expected=expected, gpu=gpu, on_roi=on_roi
                )
            return _measure(database, cohort, segmenters=segmenters, seen=seen)


def _submit(
    database: Database, objects: ObjectStore, standing: Standing, copies: Sequence[Path], *, segmenters: int
) -> Cohort:
    checkpoint = standing.checkpoint.read_bytes()
    objects.put(incoming_key(sha256_of(checkpoint)), checkpoint, media_type="application/octet-stream")
    for number in range(1, segmenters + 1):
        register_segmenter(database, objects, standing.named(number), sha256=sha256_of(checkpoint), actor=_ACTOR)
    rows = read_rows(
        [(copy.name, {"path": copy.name}) for copy in copies], columns=["path"], cohort=_COHORT, mpp=STUDY_MPP
    )
    contents = [copy.read_bytes() for copy in copies]
    submitted = [
        rois.SubmittedRoi(row=row, sha256=sha256_of(content), bytes=len(content))
        for row, content in zip(rows, contents, strict=True)
    ]
    for roi, content in zip(submitted, contents, strict=True):
        objects.put(incoming_key(roi.sha256 or ""), content, media_type="image/jpeg")
    submission = submit_cohort(
        database, _COHORT, submitted, segmenter_names=[], settings=SettingsAsked(), max_attempts=1, actor=_ACTOR
    )
    with database.transaction() as connection:
        awaited = rois.list_awaited(connection, submission.cohort_id)
        rois.mark_uploaded(connection, submission.cohort_id, [row["id"] for row in awaited], actor=_ACTOR)
        return cohorts.find_cohort(connection, _COHORT)


@contextmanager
def _segment_worker(stack: Stack) -> Iterator[Child]:
    (process,) = (process for process in our_processes() if process.name == "segment-1")
    # The stack has claimed no port at which a process that it does not run could show metrics.
    child = replace(process, has_metrics=False).start(stack.state)
    try:
        yield child
    finally:
        end_process(child.identity, process.stop_signal, _GRACE_S)


class _Seen(NamedTuple):
    """What was seen of the worker from outside; `processor` has what it had computed for by some times."""

    peak_bytes: int
    early_peak_bytes: int | None
    processor: list[tuple[float, float]]
    gpu_busy: float | None

    def processor_s(self, begun: datetime) -> float:
        """Seconds of the processor since a time, which mostly lies between two looks."""
        times, computed_s = zip(*self.processor, strict=True)
        return float(computed_s[-1] - np.interp(begun.timestamp(), times, computed_s))


def _watch(
    database: Database,
    cohort: Cohort,
    worker: Child,
    *,
    segmenters: int,
    expected: int,
    gpu: str,
    on_roi: Callable[[], None],
) -> _Seen:
    """Waits for all jobs, with an eye on the worker."""
    pid = worker.identity.pid
    early, seen = None, 0
    busy: list[float] = []
    processor: list[tuple[float, float]] = []
    while seen * segmenters < expected:
        processor.append((time.time(), processor_s(pid)))
        if worker.has_ended():
            raise StackError(f"the segment worker ended: {worker.last_words()}")
        found = _jobs(database, cohort)
        failed = [job for job in found if job["state"] == JobState.FAILED]
        if failed:
            raise StackError(f"a job failed: {failed[0]['error']}")
        done = sum(job["state"] == JobState.SUCCEEDED for job in found) // segmenters
        for _ in range(done - seen):
            on_roi()
        seen = done
        fares = read_gpu(gpu) if WARM_UP_ROIS <= seen < expected // segmenters else None
        if fares is not None and fares.busy is not None:
            busy.append(fares.busy)
        if early is None and EARLY_ROIS <= seen < expected // segmenters:
            early = peak_bytes(pid)
        time.sleep(_POLL_S)
    processor.append((time.time(), processor_s(pid)))
    return _Seen(peak_bytes(pid), early, processor, mean(busy) if busy else None)


def _wait(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(_POLL_S)


def _jobs(database: Database, cohort: Cohort) -> list[Row]:
    with database.transaction() as connection:
        return jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id), limit=100_000)


def _measure(database: Database, cohort: Cohort, *, segmenters: int, seen: _Seen) -> ThroughputMeasure:
    found = _jobs(database, cohort)
    with database.transaction() as connection:
        done = [jobs.get_job(connection, job["id"]) for job in found]
    ends = sorted(job["finished_at"] for job in done)
    begun = ends[segmenters * WARM_UP_ROIS - 1]
    counted = sum(end > begun for end in ends)
    warm_up = min(done, key=lambda job: job["finished_at"])["roi_id"]
    timings = [job["attempts"][-1]["timings"] for job in done if job["roi_id"] != warm_up]
    provenance = done[0]["class_map"]["provenance"]
    return ThroughputMeasure(
        rois=counted // segmenters,
        segmenters=segmenters,
        seconds_per_roi=(ends[-1] - begun).total_seconds() / (counted / segmenters),
        processor_s=seen.processor_s(begun) / counted,
        stages={stage: sum(each.get(stage, 0.0) for each in timings) / len(timings) for stage in _stages(timings)},
        patches=provenance["patches"],
        arithmetic=provenance["arithmetic"],
        device=provenance["device"],
        peak_bytes=seen.peak_bytes,
        early_peak_bytes=seen.early_peak_bytes,
        gpu_busy=seen.gpu_busy,
    )


def _stages(timings: Sequence[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(stage for each in timings for stage in each))
