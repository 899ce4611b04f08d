"""The measurements: a submission, jobs without work by one worker, jobs that sleep by more and more workers."""

import time
from itertools import pairwise

import psutil  # type: ignore[import-untyped, unused-ignore]  # stubs are a package of their own

from pantile.catalog.database import Row
from tests.benchmarks.scale.figures import Drained, Scaled, Submitted
from tests.benchmarks.scale.installation import Installation
from tests.benchmarks.scale.probes import asking, processor_s, weighing
from tests.benchmarks.scale.study import GeneratedCohort, know_images, submit

_MIB = 2**20
_TENTHS = 10
_ROUNDS = 10


def measure_submission(installation: Installation, cohort: GeneratedCohort) -> Submitted:
    """Submits a cohort through the API while no worker runs, and waits until a message is out for each of its jobs."""
    know_images(installation.database, cohort)
    started = time.perf_counter()
    submit(installation.api, cohort)
    answered_s = time.perf_counter() - started
    installation.wait_until(lambda: _unsent(installation) == 0)
    queued_s = time.perf_counter() - started
    return Submitted(
        rois=cohort.rois,
        jobs=cohort.jobs,
        answered_s=answered_s,
        queued_s=queued_s,
        messages_per_s=cohort.jobs / (queued_s - answered_s),
        redis_mib=int(installation.redis.info("memory")["used_memory"]) / _MIB,
    )


def measure_drain(installation: Installation, cohort: GeneratedCohort, *, threads: int) -> Drained:
    """Has one worker do a cohort that was submitted, each job without any work, and asks the API meanwhile."""
    servers = {name: installation.pids[name] for name in ("postgres", "redis", "coordinator", "web")}
    newest = installation.query("SELECT max(id) AS id FROM jobs")["id"]
    before = _bytes(installation)
    with installation.worker(threads=threads) as worker:
        pids = {**servers, "worker": worker}
        spent = processor_s(pids)
        weighed = {name: pids[name] for name in ("coordinator", "web", "worker")}
        with (
            weighing(installation.redis, weighed) as memory,
            asking(installation.http, cohort.name, newest_job=newest) as answers,
        ):
            installation.wait_until(lambda: _is_settled(installation, cohort))
        spent = {name: seconds - spent[name] for name, seconds in processor_s(pids).items()}
    after = _bytes(installation)
    begun, finishes = _times(installation, cohort)
    marks = [begun, *(finishes[len(finishes) * tenth // _TENTHS - 1] for tenth in range(1, _TENTHS + 1))]
    return Drained(
        jobs=cohort.jobs,
        threads=threads,
        wall_ms=1000 * (finishes[-1] - begun) / cohort.jobs,
        tenths_ms=tuple(1000 * _TENTHS * (end - start) / cohort.jobs for start, end in pairwise(marks)),
        processor_ms={name: 1000 * seconds / cohort.jobs for name, seconds in spent.items()},
        wal_bytes_per_job=float(after["wal"] - before["wal"]) / cohort.jobs,
        catalog_bytes_per_job=after["catalog"] / newest,
        latencies=tuple(answers.latencies()),
        memory_mib={name: tuple(mib) for name, mib in memory.mib.items()},
    )


def measure_scaling(
    installation: Installation, cohort: GeneratedCohort, *, workers: int, threads: int, sleep_s: float
) -> Scaled:
    """Has workers that are running do a cohort of three ROIs for each of their threads; each job sleeps.

    What counts is the time from the end of one round of jobs, one for each thread, to that of the tenth after it. At
    the start the threads come by their ROIs, and at the end there are not enough left for all.
    """
    know_images(installation.database, cohort)
    submit(installation.api, cohort)
    psutil.cpu_percent()
    installation.wait_until(lambda: _is_settled(installation, cohort))
    busy = psutil.cpu_percent() / 100
    _, finishes = _times(installation, cohort)
    at_once = workers * threads
    took_s = finishes[at_once * (1 + _ROUNDS) - 1] - finishes[at_once - 1]
    return Scaled(workers=workers, threads=threads, sleep_s=sleep_s, jobs_per_s=at_once * _ROUNDS / took_s, busy=busy)


def _unsent(installation: Installation) -> int:
    return int(installation.query("SELECT count(*) AS jobs FROM jobs WHERE published_at IS NULL")["jobs"])


def _is_settled(installation: Installation, cohort: GeneratedCohort) -> bool:
    # By the indexes of what is due and leased: counting would cost more than what is measured.
    row = installation.query(
        """
        SELECT c.state, EXISTS (SELECT FROM jobs WHERE state = 'waiting') OR
            EXISTS (SELECT FROM jobs WHERE state = 'running') AS is_busy
        FROM cohorts c WHERE c.name = %s
        """,
        cohort.name,
    )
    assert row["state"] != "paused", "jobs fail; see the worker's log"
    return not row["is_busy"]


def _times(installation: Installation, cohort: GeneratedCohort) -> tuple[float, list[float]]:
    """When the first job was claimed, and when each succeeded, in seconds, ascending; all have succeeded."""
    row = installation.query(
        """
        SELECT extract(epoch FROM min(a.started_at))::float8 AS begun,
               array_agg(extract(epoch FROM j.finished_at)::float8 ORDER BY j.finished_at) AS finishes
        FROM cohort_jobs cj JOIN cohorts c ON c.id = cj.cohort_id JOIN jobs j ON j.id = cj.job_id
        JOIN job_attempts a ON a.job_id = j.id
        WHERE c.name = %s AND j.state = 'succeeded' AND j.attempt = 1
        """,
        cohort.name,
    )
    assert len(row["finishes"]) == cohort.jobs
    return row["begun"], row["finishes"]


def _bytes(installation: Installation) -> Row:
    return installation.query(
        "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS wal, pg_database_size(current_database()) AS catalog"
    )
