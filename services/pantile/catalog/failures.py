"""Failures: jobs that ended in failure, grouped by what caused it."""

from dataclasses import asdict

from pantile.catalog.database import Connection, Row
from pantile.catalog.jobs import JobFilter

_FILTERS = {
    "cohort_id": "j.id IN (SELECT job_id FROM cohort_jobs WHERE cohort_id = %(cohort_id)s)",
    "segmenter": "s.name = %(segmenter)s",
    "cause": "j.error_kind = %(cause)s",
}


def list_causes(connection: Connection, wanted: JobFilter) -> list[Row]:
    """The failed jobs that fit by cause, the most frequent first.

    Of each: how many, how many of them can be tried again, the sentence that was given most often, how many different
    ones there are, the segmenters, and when the last one failed.
    """
    values = asdict(wanted)
    given = [condition for name, condition in _FILTERS.items() if values[name] is not None]
    return connection.execute(
        f"""
        SELECT j.error_kind AS cause, count(*) AS jobs, count(*) FILTER (WHERE i.refusal IS NULL) AS retryable,
               mode() WITHIN GROUP (ORDER BY j.error) AS commonest, count(DISTINCT j.error) AS sentences,
               array_agg(DISTINCT s.name) AS segmenters, max(j.finished_at) AS last_at
        FROM jobs j JOIN images i ON i.sha256 = j.image_sha256 JOIN segmenters s ON s.id = j.segmenter_id
        WHERE {" AND ".join(["j.state = 'failed'", *given])}
        GROUP BY j.error_kind ORDER BY jobs DESC, cause
        """,  # noqa: S608 — joined from constants of this module
        values,
    ).fetchall()
