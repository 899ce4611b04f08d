"""Jobs: planned from a cohort's ROIs and segmenters, claimed ROI by ROI, finished with a class map, tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from pantile.catalog.database import Connection, Row, announce_work
from pantile.catalog.leases import Lease, succeed
from pantile.catalog.pauses import NOT_PAUSED
from pantile.domain.errors import JobNotFound
from pantile.domain.jobs import JobState
from pantile.domain.segmenters import Card, EngineSettings, card_from, settings_from
from pantile.domain.whole_slides import IMAGE_FORMAT

# The (ROI, segmenter) pairs that a cohort asks for: all of them, or those of one ROI.
_PAIRS = """
    SELECT r.cohort_id, r.id AS roi_id, r.image_sha256, r.mpp AS roi_mpp, i.refusal_kind, i.refusal,
           cs.segmenter_id, cs.settings_digest
    FROM rois r
    JOIN images i ON i.sha256 = r.image_sha256
    JOIN cohort_segmenters cs ON cs.cohort_id = r.cohort_id
    JOIN cohorts c ON c.id = r.cohort_id AND c.state <> 'cancelled'
    WHERE r.cohort_id = %(cohort_id)s AND r.state <> 'withdrawn'
      AND (%(roi_id)s::bigint IS NULL OR r.id = %(roi_id)s)
"""
_JOB_KEY = "image_sha256, roi_mpp, segmenter_id, settings_digest"


def plan_jobs(connection: Connection, cohort_id: int, *, roi_id: int | None = None, max_attempts: int) -> int:
    """Makes and links the jobs that a cohort (or one ROI of it) lacks; gives how many are new to it, or wait again.

    Jobs of an image that was refused are made as failed, with the refusal's sentence. Cancelled jobs that this cohort
    wants wait again.
    """
    scope = {"cohort_id": cohort_id, "roi_id": roi_id, "max_attempts": max_attempts}
    # By the jobs' own key, so that cohorts of the same images that are planned at once lock rows in one order. All that
    # are there already are locked by this, so that none changes its state while it is linked and counted.
    made = connection.execute(
        f"""
        INSERT INTO jobs ({_JOB_KEY}, max_attempts, state, error_kind, error, finished_at)
        SELECT DISTINCT {_JOB_KEY}, %(max_attempts)s, CASE WHEN refusal IS NULL THEN 'waiting' ELSE 'failed' END,
               refusal_kind, refusal, CASE WHEN refusal IS NOT NULL THEN now() END
        FROM ({_PAIRS}) pairs
        ORDER BY {_JOB_KEY}
        ON CONFLICT ({_JOB_KEY}) DO UPDATE SET
            state = 'waiting', not_before = now(), published_at = NULL, finished_at = NULL
            WHERE jobs.state = 'cancelled'
        RETURNING id
        """,  # noqa: S608 — joined from constants of this module
        scope,
    ).fetchall()
    linked = connection.execute(
        f"""
        WITH linked AS (
            INSERT INTO cohort_jobs (cohort_id, roi_id, job_id)
            SELECT cohort_id, roi_id, j.id FROM ({_PAIRS}) pairs JOIN jobs j USING ({_JOB_KEY})
            ON CONFLICT DO NOTHING RETURNING job_id
        ), counted AS (
            INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
            SELECT %(cohort_id)s, j.segmenter_id, j.state, count(*), '-infinity'
            FROM (SELECT DISTINCT job_id FROM linked) l JOIN jobs j ON j.id = l.job_id
            -- As it was before this statement: a job that another ROI of the cohort has is counted already.
            WHERE NOT EXISTS (SELECT 1 FROM cohort_jobs cj WHERE cj.cohort_id = %(cohort_id)s AND cj.job_id = j.id)
            GROUP BY j.segmenter_id, j.state
        )
        SELECT job_id FROM linked
        """,  # noqa: S608 — joined from constants of this module
        scope,
    ).fetchall()
    announce_work(connection)
    return len({row["id"] for row in made} | {row["job_id"] for row in linked})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job that a worker holds, with all it needs to be done."""

    lease: Lease
    attempt: int
    segmenter_id: int
    card: Card
    checkpoint_key: str
    settings: EngineSettings
    roi_mpp: float
    image_sha256: str
    image_key: str | None

    @property
    def job_id(self) -> int:
        """The job's id."""
        return self.lease.row_id

    @property
    def is_of_whole_slide(self) -> bool:
        """Whether its image is a whole slide, whose pixels are in the slide's file and not in the bucket."""
        return self.image_key is None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClaim:
    """What came of asking for a job: the jobs now held, or why there are none."""

    jobs: tuple[ClaimedJob, ...] = ()
    needs_solitude: bool = False
    """The job is a suspect: ask again with `alone`, while holding nothing else."""


# The asked-for job and its waiting siblings, with an attempt for each and all that is needed to do them.
_CLAIM = f"""
    WITH picked AS MATERIALIZED (
        SELECT id FROM jobs j
        WHERE image_sha256 = %(image_sha256)s AND roi_mpp = %(roi_mpp)s AND state = 'waiting'
          AND (id = %(job_id)s OR (NOT %(alone)s AND NOT suspect AND not_before <= clock_timestamp() AND {NOT_PAUSED}))
        ORDER BY id <> %(job_id)s, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE jobs j SET state = 'running', attempt = attempt + 1, lease_token = %(token)s,
            lease_owner = %(worker)s, lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s),
            started_at = clock_timestamp()
        FROM picked WHERE j.id = picked.id
        RETURNING j.id, j.attempt, j.segmenter_id, j.settings_digest, j.roi_mpp, j.image_sha256
    ), attempts AS (
        INSERT INTO job_attempts (job_id, attempt, lease_token, worker)
        SELECT id, attempt, %(token)s, %(worker)s FROM claimed
    )
    SELECT c.*, s.card, s.checkpoint_key, e.document AS settings, i.object_key AS image_key
    FROM claimed c
    JOIN segmenters s ON s.id = c.segmenter_id
    JOIN engine_settings e ON e.digest = c.settings_digest
    JOIN images i ON i.sha256 = c.image_sha256
    ORDER BY c.id
"""  # noqa: S608 — joined from constants


def claim_jobs(
    connection: Connection,
    job_id: int,
    *,
    worker: str,
    token: UUID,
    lease_s: float,
    siblings: int = 16,
    alone: bool = False,
) -> JobClaim:
    """Claims a waiting job and up to `siblings` waiting jobs of the same ROI; nothing when it is not there to take.

    A suspect is claimed only with `alone`, by itself, by a worker that holds no other job. Of a whole slide one job is
    claimed at a time: it takes long, and its siblings may have workers of their own.
    """
    # A claim lost in a crash of the server makes its finish miss: harmless, as tokens are random.
    connection.execute("SET LOCAL synchronous_commit = off")
    # The asked-for row is waited for and siblings are not: its lock is held for moments, by the publisher of this very
    # message or by another claim; skipping it would lose the hint.
    asked = connection.execute(
        f"""
        SELECT image_sha256, roi_mpp, suspect, i.format AS image_format
        FROM jobs j JOIN images i ON i.sha256 = j.image_sha256
        WHERE id = %s AND state = 'waiting' AND not_before <= clock_timestamp() AND {NOT_PAUSED} FOR UPDATE OF j
        """,  # noqa: S608 — joined from constants
        [job_id],
    ).fetchone()
    if asked is None or (alone and _holds_jobs(connection, worker)):
        return JobClaim()
    if asked["suspect"] and not alone:
        return JobClaim(needs_solitude=True)
    rows = connection.execute(
        _CLAIM,
        {**asked, "job_id": job_id, "alone": alone, "token": token, "worker": worker, "lease_s": lease_s,
         "limit": 1 if alone or asked["image_format"] == IMAGE_FORMAT else 1 + siblings},
    )  # fmt: skip
    return JobClaim(jobs=tuple(_claimed_job(row, token) for row in rows))


def _holds_jobs(connection: Connection, worker: str) -> bool:
    row = connection.execute("SELECT 1 FROM jobs WHERE state = 'running' AND lease_owner = %s LIMIT 1", [worker])
    return row.fetchone() is not None


def _claimed_job(row: Row, token: UUID) -> ClaimedJob:
    return ClaimedJob(
        lease=Lease(table="jobs", row_id=row["id"], token=token),
        attempt=row["attempt"],
        segmenter_id=row["segmenter_id"],
        card=card_from(row["card"]),
        checkpoint_key=row["checkpoint_key"],
        settings=settings_from(row["settings"]),
        roi_mpp=row["roi_mpp"],
        image_sha256=row["image_sha256"],
        image_key=row["image_key"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceRow:
    """A stored confidence map, of the size of its class map, and its mean over the tissue, 0 to 1."""

    object_key: str
    sha256: str
    bytes: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMapRow:
    """A stored class map: where it is, what it covers, and how it came about.

    The extent is the map's width and height in pixels of the ROI's image, of which it may cover a fraction more.
    """

    object_key: str
    sha256: str
    bytes: int
    width_px: int
    height_px: int
    map_mpp: float
    extent_width_px: float
    extent_height_px: float
    class_pixels: Sequence[int]
    provenance: Mapping[str, Any]
    confidence: ConfidenceRow | None = None


def finish_job(connection: Connection, lease: Lease, class_map: ClassMapRow, *, timings: Mapping[str, float]) -> bool:
    """Ends a held job with its class map; False, and nothing changed, when the lease was lost."""
    if not succeed(connection, lease):
        return False
    confidence = class_map.confidence
    values = {
        "job_id": lease.row_id,
        "token": lease.token,
        "timings": Jsonb(dict(timings)),
        "object_key": class_map.object_key,
        "sha256": class_map.sha256,
        "bytes": class_map.bytes,
        "width_px": class_map.width_px,
        "height_px": class_map.height_px,
        "map_mpp": class_map.map_mpp,
        "extent_width_px": class_map.extent_width_px,
        "extent_height_px": class_map.extent_height_px,
        "class_pixels": list(class_map.class_pixels),
        "provenance": Jsonb(dict(class_map.provenance)),
        "confidence_key": confidence and confidence.object_key,
        "confidence_sha256": confidence and confidence.sha256,
        "confidence_bytes": confidence and confidence.bytes,
        "mean_confidence": confidence and confidence.mean,
    }
    connection.execute(
        "UPDATE job_attempts SET timings = %(timings)s WHERE job_id = %(job_id)s AND lease_token = %(token)s", values
    )
    connection.execute(
        """
        INSERT INTO class_maps (job_id, object_key, sha256, bytes, width_px, height_px, map_mpp,
                                extent_width_px, extent_height_px, class_pixels, provenance,
                                confidence_key, confidence_sha256, confidence_bytes, mean_confidence)
        VALUES (%(job_id)s, %(object_key)s, %(sha256)s, %(bytes)s, %(width_px)s, %(height_px)s, %(map_mpp)s,
                %(extent_width_px)s, %(extent_height_px)s, %(class_pixels)s, %(provenance)s,
                %(confidence_key)s, %(confidence_sha256)s, %(confidence_bytes)s, %(mean_confidence)s)
        """,
        values,
    )
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list; None means any."""

    cohort_id: int | None = None
    state: JobState | None = None
    segmenter: str | None = None
    roi: str | None = None
    cause: str | None = None


_JOB_ROW = """
    SELECT j.id, j.state, j.attempt, j.charged_attempts, j.max_attempts, j.suspect, j.error_kind, j.error,
           j.created_at, j.started_at, j.finished_at, j.published_at, j.not_before, j.roi_mpp, j.image_sha256,
           j.lease_owner, j.lease_until, j.settings_digest, s.name AS segmenter, s.version AS segmenter_version,
           r.name AS roi, r.id AS roi_id, r.cohort_id, r.slide, r.case_id, r.tissue_type
"""

_LINK_FILTERS = {
    "cohort_id": "cohort_id = %(cohort_id)s",
    "roi": "roi_id IN (SELECT id FROM rois WHERE name = %(roi)s)",
}
_FEW_HAVE = frozenset({JobState.RUNNING, JobState.FAILED})
"""States that few jobs have at a time, so that these are found first, and then whose they are."""

_JOB_FILTERS = {
    "state": "j.state = %(state)s",
    "segmenter": "s.name = %(segmenter)s",
    "cause": "j.error_kind = %(cause)s",
}


def list_jobs(connection: Connection, wanted: JobFilter, *, after: int = 0, limit: int = 100) -> list[Row]:
    """Jobs by ascending id, from the one after `after`; of a job's ROIs that fit, the first one's name is shown."""
    values = asdict(wanted)
    given = [condition for name, condition in _JOB_FILTERS.items() if values[name] is not None]
    links = [condition for name, condition in _LINK_FILTERS.items() if values[name] is not None]
    if wanted.state in _FEW_HAVE:
        links.append("job_id IN (SELECT id FROM jobs WHERE state = %(state)s AND id > %(after)s)")
    # Only conditions that are asked for: each has an index, which a condition that may be empty would keep from use.
    return connection.execute(
        f"""
        {_JOB_ROW}
        FROM (
            SELECT DISTINCT ON (job_id) job_id, roi_id FROM cohort_jobs
            WHERE {" AND ".join(["job_id > %(after)s", *links])}
            ORDER BY job_id, roi_id
        ) cj
        JOIN jobs j ON j.id = cj.job_id
        JOIN segmenters s ON s.id = j.segmenter_id
        JOIN rois r ON r.id = cj.roi_id
        WHERE {" AND ".join(["j.id > %(after)s", *given])}
        ORDER BY j.id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {**values, "after": after, "limit": limit},
    ).fetchall()


def get_job(connection: Connection, job_id: int) -> Row:
    """One job with its cohorts, attempts, class map and overlay; raises `JobNotFound`."""
    job = connection.execute(
        f"""
        {_JOB_ROW}, to_jsonb(cm) AS class_map, to_jsonb(o) AS overlay, s.card, e.document AS settings,
            i.refusal AS image_refusal, NOT {NOT_PAUSED} AS is_paused,
            (SELECT array_agg(DISTINCT c.name ORDER BY c.name) FROM cohort_jobs cj JOIN cohorts c ON c.id = cj.cohort_id
             WHERE cj.job_id = j.id) AS cohorts
        FROM jobs j
        JOIN segmenters s ON s.id = j.segmenter_id
        JOIN engine_settings e ON e.digest = j.settings_digest
        JOIN images i ON i.sha256 = j.image_sha256
        CROSS JOIN LATERAL (
            SELECT r.* FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id WHERE cj.job_id = j.id
            ORDER BY cj.roi_id LIMIT 1
        ) r
        LEFT JOIN class_maps cm ON cm.job_id = j.id
        LEFT JOIN overlays o ON o.job_id = j.id
        WHERE j.id = %s
        """,  # noqa: S608 — joined from constants of this module
        [job_id],
    ).fetchone()
    if job is None:
        raise JobNotFound(str(job_id))
    attempts = connection.execute(
        """
        SELECT attempt, worker, started_at, ended_at, outcome, error, timings
        FROM job_attempts WHERE job_id = %s ORDER BY attempt
        """,
        [job_id],
    ).fetchall()
    return {**job, "attempts": attempts}


def list_results(
    connection: Connection, cohort_id: int, *, after: tuple[int, int] = (0, 0), limit: int = 200
) -> list[Row]:
    """A cohort's class maps with ROI, segmenter and overlay, by (ROI id, job id), from the one after `after`."""
    return connection.execute(
        """
        SELECT r.id AS roi_id, r.name AS roi, r.slide, r.case_id, r.tissue_type, r.roi_number,
               r.mpp AS roi_mpp, r.source, j.id AS job_id, s.name AS segmenter, s.version AS segmenter_version, s.card,
               e.document->>'mode' AS mode, e.document->>'stitching' AS stitching,
               e.document->>'precision' AS precision,
               cm.object_key, cm.sha256, cm.width_px, cm.height_px, cm.map_mpp,
               cm.extent_width_px, cm.extent_height_px, cm.class_pixels, cm.provenance,
               cm.confidence_key, cm.confidence_sha256, cm.mean_confidence,
               o.object_key AS overlay_key, ch.state AS overlay_state, ch.error AS overlay_error,
               to_jsonb(i) AS image
        FROM cohort_jobs cj
        JOIN rois r ON r.id = cj.roi_id
        JOIN jobs j ON j.id = cj.job_id
        JOIN segmenters s ON s.id = j.segmenter_id
        JOIN engine_settings e ON e.digest = j.settings_digest
        JOIN images i ON i.sha256 = j.image_sha256
        JOIN class_maps cm ON cm.job_id = j.id
        LEFT JOIN overlays o ON o.job_id = j.id
        LEFT JOIN chores ch ON ch.job_id = j.id AND ch.kind = 'overlay'
        WHERE cj.cohort_id = %(cohort_id)s AND (r.id, j.id) > (%(roi)s, %(job)s)
        ORDER BY r.id, j.id LIMIT %(limit)s
        """,
        {"cohort_id": cohort_id, "roi": after[0], "job": after[1], "limit": limit},
    ).fetchall()
