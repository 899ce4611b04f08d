"""Pauses: a cohort of which too many jobs fail waits for somebody to look at it, instead of being ground through."""

from dataclasses import dataclass

from pantile.catalog.audit import record_action
from pantile.catalog.cohorts import Cohort
from pantile.catalog.database import Connection, announce_work
from pantile.domain.errors import CohortNotPaused

NOT_PAUSED = """
    NOT EXISTS (
        SELECT 1 FROM cohort_jobs pj JOIN cohorts p ON p.id = pj.cohort_id
        WHERE pj.job_id = j.id AND p.state = 'paused' AND NOT EXISTS (
            SELECT 1 FROM cohort_jobs oj JOIN cohorts o ON o.id = oj.cohort_id
            WHERE oj.job_id = j.id AND o.state = 'open'))
"""
"""Of a job `j`: that no paused cohort holds it, or an open one does as well."""


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
    rows = connection.execute(
        """
        SELECT c.id AS cohort_id, c.name AS cohort,
               count(*) FILTER (WHERE j.state IN ('succeeded', 'failed') AND j.finished_at > c.failures_count_from)
                   AS ended,
               count(*) FILTER (WHERE j.state = 'failed' AND j.finished_at > c.failures_count_from) AS failed,
               mode() WITHIN GROUP (ORDER BY j.error) FILTER (WHERE j.state = 'failed') AS commonest
        FROM cohorts c
        JOIN (SELECT DISTINCT cohort_id, job_id FROM cohort_jobs) cj ON cj.cohort_id = c.id
        JOIN jobs j ON j.id = cj.job_id
        WHERE c.state = 'open'
        GROUP BY c.id
        HAVING bool_or(j.state = 'failed') AND bool_or(j.state = 'waiting')
        ORDER BY c.id
        """
    )
    return [Failures(**row) for row in rows]


def pause_cohort(connection: Connection, cohort_id: int, *, reason: str) -> bool:
    """Pauses an open cohort: none of its jobs is begun that no open cohort holds as well. Audited."""
    paused = connection.execute(
        "UPDATE cohorts SET state = 'paused', pause_reason = %s WHERE id = %s AND state = 'open'", [reason, cohort_id]
    ).rowcount
    if paused:
        record_action(
            connection, actor="coordinator", action="pause", subject=f"cohort {cohort_id}", details={"reason": reason}
        )
    return bool(paused)


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
