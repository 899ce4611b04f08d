"""A catalog many times as large as the study's, in the middle of its work, and what PostgreSQL takes to answer.

The rows are written by SQL and not by submissions: cohorts of 100,000 ROIs, of which somewhat less than half are
done. Nothing else runs beside.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from pantile.catalog import cohorts, holdings, jobs, leases, outbox, pauses, segmenters
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, Database
from pantile.catalog.jobs import ClassMapRow, JobFilter
from pantile.coordinator.progress import measure_progress
from pantile.domain.jobs import JobState
from pantile.domain.segmenters import EngineSettings
from tests.benchmarks.scale.study import SEGMENTERS, register_segmenters

_ROIS_A_COHORT = 100_000
_TIMES = 20
_PAGE = 100
_UNSENT = 5_000
"""Jobs whose message is not out yet: what a submission leaves to dispatch."""

_FILL = (
    """
    INSERT INTO cohorts (name, state)
    SELECT 'LARGE-' || n, CASE WHEN n * %(a_cohort)s <= %(done)s THEN 'complete' ELSE 'open' END
    FROM generate_series(1, %(cohorts)s::bigint) n
    """,
    "INSERT INTO cohort_segmenters SELECT c.id, s.id, %(settings)s FROM cohorts c CROSS JOIN segmenters s",
    """
    INSERT INTO images (sha256, bytes, object_key, width_px, height_px, format)
    SELECT digest, 20000000, 'rois/' || digest || '.jpg', 12500, 10000, 'jpeg'
    FROM (SELECT n, encode(sha256(n::text::bytea), 'hex') AS digest FROM generate_series(1, %(rois)s::bigint) n) numbers
    """,
    """
    INSERT INTO rois (cohort_id, case_id, slide, tissue_type, name, mpp, source, is_remote, expected_sha256,
                      image_sha256, state, stored_at)
    SELECT 1 + (n - 1) / %(a_cohort)s, 'TCGA-' || n, 'TCGA-' || n, 'tumor', 'TCGA-' || n || '_tumor', 0.25,
           'TCGA-' || n || '.jpg', false, digest, digest, 'stored', now()
    FROM (SELECT n, encode(sha256(n::text::bytea), 'hex') AS digest FROM generate_series(1, %(rois)s::bigint) n) numbers
    ORDER BY n
    """,
    # Of those that are done a thousandth failed; the newest have no message yet.
    """
    INSERT INTO jobs (image_sha256, roi_mpp, segmenter_id, settings_digest, state, attempt, error_kind, error,
                      started_at, finished_at, published_at)
    SELECT r.image_sha256, 0.25, s.id, %(settings)s,
           CASE WHEN r.id > %(done)s THEN 'waiting' WHEN r.id %% 1000 = 0 THEN 'failed' ELSE 'succeeded' END,
           (r.id <= %(done)s)::int,
           CASE WHEN r.id <= %(done)s AND r.id %% 1000 = 0 THEN 'ImageUnreadable' END,
           CASE WHEN r.id <= %(done)s AND r.id %% 1000 = 0 THEN 'It cannot be read.' END,
           CASE WHEN r.id <= %(done)s THEN now() - interval '1 hour' END,
           CASE WHEN r.id <= %(done)s THEN now() - interval '1 hour' END,
           CASE WHEN r.id <= %(rois)s - %(unsent_rois)s THEN now() END
    FROM rois r CROSS JOIN segmenters s ORDER BY r.id, s.id
    """,
    """
    INSERT INTO cohort_jobs SELECT r.cohort_id, r.id, j.id FROM jobs j JOIN rois r ON r.image_sha256 = j.image_sha256
    """,
    """
    INSERT INTO job_attempts (job_id, attempt, lease_token, worker, ended_at, outcome, timings)
    SELECT id, 1, gen_random_uuid(), 'segment-1-ab12@machine', now(), state,
           '{"fetch": 0.1, "decode": 0.5, "network": 0.2, "encode": 0.05, "upload": 0.01}'
    FROM jobs WHERE state IN ('succeeded', 'failed')
    """,
    """
    INSERT INTO class_maps (job_id, object_key, sha256, bytes, width_px, height_px, map_mpp, extent_width_px,
                            extent_height_px, class_pixels, provenance)
    SELECT id, 'class-maps/' || digest || '.png', digest, 200000, 3125, 2500, 1.0, 12500, 10000, '{1,2,3,4,5,6,7}',
           jsonb_build_object('image_sha256', image_sha256, 'roi_mpp', 0.25, 'segmenter', 'breast', 'worker',
               'segment-1-ab12@machine', 'checkpoint_sha256', digest, 'settings', jsonb_build_object('mode', 'fast',
               'stitching', 'centre', 'precision', 'mixed', 'stride_px', 384, 'margin_px', 64), 'libraries',
               jsonb_build_object('torch', '2.15.0', 'numpy', '2.2.0', 'pyvips-binary', '8.17.0', 'timm', '1.0.20'))
    FROM (SELECT id, image_sha256, encode(sha256(id::text::bytea), 'hex') AS digest FROM jobs
          WHERE state = 'succeeded') j
    """,
    """
    INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
    SELECT cj.cohort_id, j.segmenter_id, j.state, count(*), '-infinity'
    FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id GROUP BY 1, 2, 3
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that is asked of PostgreSQL, by whom and how often, and how long it took, in milliseconds."""

    what: str
    by: str
    p50_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeCatalog:
    """How large the catalog is, and what it answered."""

    rois: int
    jobs: int
    filled_s: float
    gib: float
    asked: tuple[Asked, ...]


def measure_large(database: Database, *, rois: int) -> LargeCatalog:
    """Fills an empty catalog with so many ROIs and their jobs, and asks."""
    register_segmenters(database)
    started = time.perf_counter()
    _fill(database, rois)
    filled_s = time.perf_counter() - started
    with database.transaction() as connection:
        size = connection.execute("SELECT pg_database_size(current_database()) AS bytes").fetchone()
    assert size is not None
    asked = tuple(_time(database, what, by, ask) for what, by, ask in _questions(database, rois))
    return LargeCatalog(
        rois=rois, jobs=rois * len(SEGMENTERS), filled_s=filled_s, gib=int(size["bytes"]) / 2**30, asked=asked
    )


def _fill(database: Database, rois: int) -> None:
    with database.transaction() as connection:
        settings = segmenters.keep_settings(connection, EngineSettings())
    values = {
        "settings": settings,
        "rois": rois,
        "cohorts": -(-rois // _ROIS_A_COHORT),
        "a_cohort": _ROIS_A_COHORT,
        "done": _done(rois),
        "unsent_rois": _UNSENT // len(SEGMENTERS),
    }
    for statement in _FILL:
        with database.transaction() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            # The rows fit together; looking each reference up would take longer than writing them.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(statement, values)
    with database.transaction() as connection:
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("ANALYZE")


def _done(rois: int) -> int:
    """How many of the ROIs are done."""
    return rois * 9 // 20


def _questions(database: Database, rois: int) -> list[tuple[str, str, Callable[[Connection], object]]]:
    with database.transaction() as connection:
        everyone = cohorts.list_cohorts(connection)
        keys = [
            row["object_key"]
            for row in connection.execute("SELECT object_key FROM class_maps ORDER BY sha256 LIMIT 1000")
        ]
    busy = next(each for each in everyone if each.state == "open")
    page, done = _PAGE, _done(rois) * len(SEGMENTERS)
    waiting = itertools.count(done + 1, len(SEGMENTERS))
    return [
        ("claim of five jobs, and their finishes", "worker, each ROI", lambda c: _do_roi(c, next(waiting))),
        ("GET /v1/cohorts/{id}", "web", lambda c: measure_progress(c, busy)),
        ("GET /v1/jobs", "web", lambda c: jobs.list_jobs(c, JobFilter(), limit=page)),
        ("GET /v1/jobs?cohort", "web", lambda c: jobs.list_jobs(c, JobFilter(cohort_id=busy.id), limit=page)),
        ("GET /v1/jobs?cohort&state=running", "web", lambda c: _list(c, busy, JobState.RUNNING)),
        ("GET /v1/jobs?cohort&state=failed", "web", lambda c: _list(c, busy, JobState.FAILED)),
        ("GET /v1/jobs?roi", "web", lambda c: jobs.list_jobs(c, JobFilter(roi=f"TCGA-{rois - 1}_tumor"), limit=page)),
        ("due jobs", "coordinator, each 500 messages", lambda c: outbox.due_jobs(c, limit=500)),
        ("ended leases", "coordinator, every 15 s", lambda c: leases.expire(c, "jobs")),
        ("lost messages", "coordinator, every 15 s",
         lambda c: outbox.forget_published(c, "jobs", queued=rois * len(SEGMENTERS), older_s=300)),
        ("failures of open cohorts", "coordinator, every 15 s", pauses.count_failures),
        ("cohorts that are done", "coordinator, every 15 s", cohorts.close_cohorts),
        ("folding of counts", "coordinator, every 15 s", cohorts.fold_counts),
        ("1,000 objects without a row", "sweeper, each lot, hourly", lambda c: holdings.find_unknown(c, keys)),
    ]  # fmt: skip


def _list(connection: Connection, cohort: Cohort, state: JobState) -> object:
    return jobs.list_jobs(connection, JobFilter(cohort_id=cohort.id, state=state), limit=_PAGE)


def _do_roi(connection: Connection, job_id: int) -> None:
    claim = jobs.claim_jobs(connection, job_id, worker="large", token=uuid4(), lease_s=60)
    assert len(claim.jobs) == len(SEGMENTERS)
    for job in claim.jobs:
        row = ClassMapRow(
            object_key="k", sha256="0" * 64, bytes=1, width_px=1, height_px=1, map_mpp=1.0, extent_width_px=1.0,
            extent_height_px=1.0, class_pixels=[1], provenance={},
        )  # fmt: skip
        jobs.finish_job(connection, job.lease, row, timings={"network": 0.2})


def _time(database: Database, what: str, by: str, ask: Callable[[Connection], object]) -> Asked:
    took_ms = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        with database.transaction() as connection:
            ask(connection)
        took_ms.append(1000 * (time.perf_counter() - started))
    return Asked(what=what, by=by, p50_ms=sorted(took_ms)[_TIMES // 2], max_ms=max(took_ms))
