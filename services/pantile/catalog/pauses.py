"""Pauses: a cohort of which too many jobs fail, or that somebody wants to stop for a while, waits to be resumed."""

from dataclasses import dataclass

from pantile.catalog.audit import record_action
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, announce_work
from pantile.domain.errors import CohortNotOpen, CohortNotPaused

NOT_PAUSED = """
    (NOT EXISTS (SELECT 1 FROM cohorts WHERE state = 'paused') OR NOT EXISTS (
        SELECT 1 FROM cohort_jobs pj JOIN cohorts p ON p.id = pj.cohort_id
        WHERE pj.job_id = j.id AND p.state = 'paused' AND NOT EXISTS (
            SELECT 1 FROM cohort_jobs oj JOIN cohorts o ON o.id = oj.cohort_id
            WHERE oj.job_id = j.id AND o.state = 'open')))
"""
"""Of a job `j`: that no paused cohort holds it, or an open one does as well.

Whether any cohort is paused at all is asked first, and once: it seldom is, and then no job's cohorts are looked up.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How an open cohort's jobs have ended so far, and the sentence that was given most often."""

    cohort_id: int
    cohort: str
    ended: int
    failed: int
    commonest: str


def count_failures(connection: Connection) -> list[Failures]:
    """The failures of the open cohorts that have some, and jobs that wait."""
    # Failed jobs first: there are few. All that have ended are looked at only of cohorts that were resumed.
    rows = connection.execute(
        """
        WITH failed AS MATERIALIZED (
            SELECT DISTINCT cj.cohort_id, j.id, j.error, j.finished_at
            FROM jobs j JOIN cohort_jobs cj ON cj.job_id = j.id WHERE j.state = 'failed'
        ), failing AS MATERIALIZED (
            SELECT c.id, c.name, c.failures_count_from AS since, mode() WITHIN GROUP (ORDER BY f.error) AS commonest,
                   count(*) FILTER (WHERE f.finished_at > c.failures_count_from) AS failed
            FROM cohorts c JOIN failed f ON f.cohort_id = c.id WHERE c.state = 'open' GROUP BY c.id
        )
        SELECT c.id AS cohort_id, c.name AS cohort, c.failed, c.commonest,
               CASE WHEN c.since = '-infinity' THEN (
                   SELECT sum(jobs)::bigint FROM job_counts
                   WHERE cohort_id = c.id AND state IN ('succeeded', 'failed')
               ) ELSE (
                   SELECT count(DISTINCT j.id) FROM cohort_jobs cj JOIN jobs j ON j.id = cj.job_id
                   WHERE cj.cohort_id = c.id AND j.state IN ('succeeded', 'failed') AND j.finished_at > c.since
               ) END AS ended
        FROM failing c
        WHERE (SELECT sum(jobs) FROM job_counts WHERE cohort_id = c.id AND state = 'waiting') > 0
        ORDER BY c.id
        """
    )
    return [Failures(**row) for row in rows]


def pause_if_open(connection: Connection, cohort_id: int, *, reason: str, actor: str) -> bool:
    """Pauses an open cohort: none of its jobs is begun that no open cohort holds as well; what runs ends. Audited."""
    paused = connection.execute(
        "UPDATE cohorts SET state = 'paused', pause_reason = %s WHERE id = %s AND state = 'open'", [reason, cohort_id]
    ).rowcount
    if paused:
        record_action(
            connection, actor=actor, action="pause", subject=f"cohort {cohort_id}", details={"reason": reason}
        )
    return bool(paused)


def pause_cohort(connection: Connection, cohort: Cohort, *, reason: str, actor: str) -> None:
    """Pauses a cohort because somebody asks for it; raises `CohortNotOpen`."""
    if not pause_if_open(connection, cohort.id, reason=reason, actor=actor):
        raise CohortNotOpen(f"{cohort.name} is {cohort.state}")


def resume_cohort(connection: Connection, cohort: Cohort, *, actor: str) -> int:
    """Lets a paused cohort go on, its failures counted anew from here; gives how many jobs wait. Audited.

    Raises:
        CohortNotPaused: it is not.
    """
    resumed = connection.execute(
        """
        UPDATE cohorts SET state = 'open', pause_reason = NULL, failures_count_from = clock_timestamp()
        WHERE id = %s AND state = 'paused'
        """,
        [cohort.id],
    ).rowcount
    if not resumed:
        raise CohortNotPaused(f"{cohort.name} is {cohort.state}")
    # Messages that came meanwhile found nothing to do and are gone.
    waiting = connection.execute(
        """
        UPDATE jobs SET published_at = NULL
        WHERE state = 'waiting' AND id IN (SELECT job_id FROM cohort_jobs WHERE cohort_id = %s)
        """,
        [cohort.id],
    ).rowcount
    record_action(connection, actor=actor, action="resume", subject=f"cohort {cohort.id}", details={"jobs": waiting})
    announce_work(connection)
    return waiting
