"""Cohorts: made and enlarged by submission, cancelled, closed by counting; and their progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pantile.catalog import leases
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row
from pantile.domain.cohorts import CohortState
from pantile.domain.errors import CohortNotFound
from pantile.domain.segmenters import EngineSettings, settings_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """A cohort's own row."""

    id: int
    name: str
    state: CohortState
    created_at: datetime
    closed_at: datetime | None
    pause_reason: str | None


_FEW_COUNTS = 100
"""Rows of counts that a cohort may have without their being folded."""

COHORT_COLUMNS = "id, name, state, created_at, closed_at, pause_reason"


def open_cohort(connection: Connection, name: str) -> Cohort:
    """The cohort of that name, made or opened again unless it is paused; its row stays locked."""
    row = connection.execute(
        f"""
        INSERT INTO cohorts (name) VALUES (%s)
        ON CONFLICT (name) DO UPDATE SET
            state = CASE cohorts.state WHEN 'paused' THEN 'paused' ELSE 'open' END, closed_at = NULL
        RETURNING {COHORT_COLUMNS}
        """,  # noqa: S608 — a constant of this module
        [name],
    ).fetchone()
    assert row is not None  # noqa: S101 — an upsert gives its row
    return cohort_of(row)


def add_segmenters(connection: Connection, cohort_id: int, settings_digests: Mapping[int, str]) -> int:
    """Adds segmenters, by id with the digest of their engine settings, to a cohort; gives how many it did not have."""
    return connection.execute(
        """
        INSERT INTO cohort_segmenters (cohort_id, segmenter_id, settings_digest)
        SELECT %s, unnest(%s::int[]), unnest(%s::text[]) ON CONFLICT DO NOTHING
        """,
        [cohort_id, list(settings_digests), list(settings_digests.values())],
    ).rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortSegmenter:
    """A segmenter that a cohort asks for, with the engine settings."""

    segmenter_id: int
    name: str
    version: str
    settings: EngineSettings


def list_segmenters(connection: Connection, cohort_id: int) -> list[CohortSegmenter]:
    """What a cohort asks for; a segmenter is there once for each of its engine settings."""
    rows = connection.execute(
        """
        SELECT s.id, s.name, s.version, e.document FROM cohort_segmenters cs
        JOIN segmenters s ON s.id = cs.segmenter_id JOIN engine_settings e ON e.digest = cs.settings_digest
        WHERE cs.cohort_id = %s ORDER BY s.name, s.id, cs.settings_digest
        """,
        [cohort_id],
    )
    return [
        CohortSegmenter(
            segmenter_id=row["id"],
            name=row["name"],
            version=row["version"],
            settings=settings_from(row["document"]),
        )
        for row in rows
    ]


def find_cohort(connection: Connection, cohort: str) -> Cohort:
    """The cohort of that name, or else of that id; raises `CohortNotFound`."""
    number = int(cohort) if cohort.isascii() and cohort.isdigit() and len(cohort) < 19 else None
    row = connection.execute(
        f"""
        SELECT {COHORT_COLUMNS} FROM cohorts
        WHERE name = %(name)s OR id = %(id)s ORDER BY name <> %(name)s LIMIT 1
        """,  # noqa: S608 — a constant of this module
        {"name": cohort, "id": number},
    ).fetchone()
    if row is None:
        raise CohortNotFound(cohort)
    return cohort_of(row)


def list_cohorts(connection: Connection, *, after: int = 0, limit: int = 100) -> list[Cohort]:
    """Cohorts by ascending id, from the one after `after`."""
    statement = f"SELECT {COHORT_COLUMNS} FROM cohorts WHERE id > %s ORDER BY id LIMIT %s"  # noqa: S608 — a constant
    rows = connection.execute(statement, [after, limit])
    return [cohort_of(row) for row in rows]


def cancel_cohort(connection: Connection, cohort_id: int, *, actor: str) -> int:
    """Cancels a cohort and its open jobs that no other live cohort holds; gives how many jobs. Audited."""
    connection.execute(
        """
        UPDATE cohorts SET state = 'cancelled', pause_reason = NULL, closed_at = clock_timestamp()
        WHERE id = %s AND state <> 'cancelled'
        """,
        [cohort_id],
    )
    own = connection.execute(
        """
        SELECT j.id FROM jobs j
        WHERE j.state IN ('waiting', 'running')
          AND EXISTS (SELECT 1 FROM cohort_jobs cj WHERE cj.job_id = j.id AND cj.cohort_id = %(cohort_id)s)
          AND NOT EXISTS (
            SELECT 1 FROM cohort_jobs cj JOIN cohorts c ON c.id = cj.cohort_id
            WHERE cj.job_id = j.id AND c.state <> 'cancelled')
        """,
        {"cohort_id": cohort_id},
    )
    jobs = leases.cancel(connection, "jobs", [row["id"] for row in own])
    of_rois = connection.execute(
        "SELECT c.id FROM chores c JOIN rois r ON r.id = c.roi_id WHERE r.cohort_id = %s", [cohort_id]
    )
    leases.cancel(connection, "chores", [row["id"] for row in of_rois])
    record_action(connection, actor=actor, action="cancel", subject=f"cohort {cohort_id}", details={"jobs": jobs})
    return jobs


def close_cohorts(connection: Connection) -> list[Cohort]:
    """Closes the cohorts that have nothing left to do, and gives them."""
    rows = connection.execute(
        """
        UPDATE cohorts c SET state = 'complete', pause_reason = NULL, closed_at = clock_timestamp()
        WHERE c.state IN ('open', 'paused')
          AND NOT EXISTS (SELECT 1 FROM rois r WHERE r.cohort_id = c.id AND r.state IN ('awaiting', 'arriving'))
          -- The counts first: of a cohort that is not done nothing else is read.
          AND (SELECT coalesce(sum(jobs), 0) FROM job_counts
               WHERE cohort_id = c.id AND state IN ('waiting', 'running')) = 0
          AND NOT EXISTS (
            SELECT 1 FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id
            WHERE cj.cohort_id = c.id AND j.state IN ('waiting', 'running'))
        RETURNING c.id, c.name, c.state, c.created_at, c.closed_at, c.pause_reason
        """
    )
    return [cohort_of(row) for row in rows]


def count_rois(connection: Connection, cohort_id: int) -> dict[str, int]:
    """A cohort's ROIs by state."""
    rows = connection.execute(
        "SELECT state, count(*) AS rois FROM rois WHERE cohort_id = %s GROUP BY state", [cohort_id]
    )
    return {row["state"]: row["rois"] for row in rows}


def count_jobs(connection: Connection, cohort_id: int) -> list[Row]:
    """A cohort's jobs by segmenter and state, with those that succeeded in the last minute."""
    return connection.execute(
        """
        SELECT s.name AS segmenter, s.version, counted.state, counted.jobs::bigint, counted.recent::bigint
        FROM (
            SELECT segmenter_id, state, sum(jobs) AS jobs,
                   coalesce(sum(jobs) FILTER (WHERE state = 'succeeded' AND at > now() - interval '1 min'), 0) AS recent
            FROM job_counts WHERE cohort_id = %s GROUP BY segmenter_id, state
        ) counted
        JOIN segmenters s ON s.id = counted.segmenter_id
        WHERE counted.jobs > 0
        ORDER BY s.name, s.version, counted.state
        """,
        [cohort_id],
    ).fetchall()


def fold_counts(connection: Connection) -> None:
    """Makes one row of the many by which a cohort's jobs were counted; of the last minute, one for each 5 s."""
    connection.execute(
        """
        WITH taken AS (
            DELETE FROM job_counts WHERE cohort_id IN (
                SELECT cohort_id FROM job_counts GROUP BY cohort_id HAVING count(*) > %s)
            RETURNING cohort_id, segmenter_id, state, jobs,
                CASE WHEN at > now() - interval '1 min' THEN date_bin('5 s', at, 'epoch') ELSE '-infinity' END AS at
        )
        INSERT INTO job_counts (cohort_id, segmenter_id, state, jobs, at)
        SELECT cohort_id, segmenter_id, state, sum(jobs), at FROM taken
        GROUP BY cohort_id, segmenter_id, state, at HAVING sum(jobs) <> 0
        """,
        [_FEW_COUNTS],
    )


def count_expected_jobs(connection: Connection, cohort_id: int) -> int:
    """How many (ROI, segmenter) pairs a cohort asks for, jobs that are yet to be made included."""
    row = connection.execute(
        """
        SELECT (SELECT count(*) FROM rois WHERE cohort_id = %(id)s AND state <> 'withdrawn')
             * (SELECT count(*) FROM cohort_segmenters WHERE cohort_id = %(id)s) AS pairs
        """,
        {"id": cohort_id},
    ).fetchone()
    return int(row["pairs"]) if row else 0


def cohort_of(row: Row) -> Cohort:
    """The cohort of a row with `COHORT_COLUMNS`."""
    return Cohort(
        id=row["id"],
        name=row["name"],
        state=CohortState(row["state"]),
        created_at=row["created_at"],
        closed_at=row["closed_at"],
        pause_reason=row["pause_reason"],
    )
