"""Courses: how jobs went from the submission of their ROI to their end, for traces."""

from dataclasses import dataclass
from datetime import datetime

from pantile.catalog.database import Connection, Row

# One select a state: each has an index of its own.
_ENDED = """
    SELECT id, finished_at FROM jobs
    WHERE state = '{state}' AND (finished_at, id) > (%(at)s, %(id)s)
      AND finished_at <= clock_timestamp() - make_interval(secs => %(settled_s)s)
    ORDER BY finished_at, id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The last job whose course was read; those that ended after it come next."""

    at: datetime
    id: int = 0


def mark_now(connection: Connection) -> Mark:
    """The mark behind which is what ends from now on."""
    row = connection.execute("SELECT clock_timestamp() AS at").fetchone()
    assert row is not None  # noqa: S101 — a select of a value gives its row
    return Mark(at=row["at"])


def list_courses(connection: Connection, after: Mark, *, settled_s: float, limit: int) -> list[Row]:
    """Jobs that ended after a mark, by their end, with ROI and `attempts`; none of the last `settled_s` seconds.

    An end has its time before it is committed, so that what has just ended may be seen in another order than it ended.
    """
    rows = connection.execute(
        f"""
        WITH ended AS (({_ENDED.format(state="succeeded")}) UNION ALL ({_ENDED.format(state="failed")}))
        SELECT j.id, j.state, j.attempt, j.error, j.created_at, j.published_at, j.finished_at,
               s.name AS segmenter, s.version, c.name AS cohort, r.name AS roi,
               r.created_at AS submitted_at, r.stored_at
        FROM ended JOIN jobs j ON j.id = ended.id JOIN segmenters s ON s.id = j.segmenter_id
        CROSS JOIN LATERAL (
            SELECT r.* FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id WHERE cj.job_id = j.id
            ORDER BY cj.roi_id LIMIT 1
        ) r
        JOIN cohorts c ON c.id = r.cohort_id
        ORDER BY j.finished_at, j.id LIMIT %(limit)s
        """,  # noqa: S608 — joined from constants of this module
        {"at": after.at, "id": after.id, "settled_s": settled_s, "limit": limit},
    ).fetchall()
    attempts: dict[int, list[Row]] = {row["id"]: [] for row in rows}
    for attempt in connection.execute(
        """
        SELECT job_id, attempt, worker, started_at, ended_at, outcome, error, timings
        FROM job_attempts WHERE job_id = ANY(%s) ORDER BY job_id, attempt
        """,
        [list(attempts)],
    ):
        attempts[attempt["job_id"]].append(attempt)
    return [{**row, "attempts": attempts[row["id"]]} for row in rows]
