"""What operators change of jobs: failed and cancelled ones are tried again, open ones cancelled; all of it audited."""

from dataclasses import asdict

from pantile.catalog import leases
from pantile.catalog.audit import record_action
from pantile.catalog.database import Connection, Row, announce_work
from pantile.catalog.jobs import JobFilter
from pantile.domain.errors import JobNotCancellable, JobNotFound, JobNotRetryable
from pantile.domain.jobs import TERMINAL, JobState


def retry_job(connection: Connection, job_id: int, *, actor: str) -> None:
    """Lets a failed or cancelled job wait again with nothing charged to it.

    Raises:
        JobNotFound: no such job.
        JobNotRetryable: it is waiting, running or has succeeded, or its image itself was refused.
    """
    job = _lock(connection, job_id)
    if job["state"] not in {JobState.FAILED, JobState.CANCELLED}:
        raise JobNotRetryable(f"job {job_id} is {job['state']}")
    if job["refusal"] is not None:
        raise JobNotRetryable(f"the image of job {job_id} was refused; submit a mended image in its place")
    _let_wait(connection, [job_id])
    record_action(connection, actor=actor, action="retry", subject=f"job {job_id}", details={"was": job["state"]})


def retry_jobs(connection: Connection, wanted: JobFilter, *, actor: str) -> int:
    """Lets all failed jobs that fit wait again; gives how many. Those whose image was refused are left out."""
    ids = _find(connection, wanted, "j.state = 'failed' AND i.refusal IS NULL")
    _let_wait(connection, ids)
    _record(connection, wanted, ids, action="retry", actor=actor)
    return len(ids)


def cancel_job(connection: Connection, job_id: int, *, actor: str) -> None:
    """Ends a waiting or running job, whichever cohorts hold it; a worker that has it in hand finishes in vain.

    Raises:
        JobNotFound: no such job.
        JobNotCancellable: it has ended.
    """
    job = _lock(connection, job_id)
    if job["state"] in TERMINAL:
        raise JobNotCancellable(f"job {job_id} is {job['state']}")
    leases.cancel(connection, "jobs", [job_id])
    record_action(connection, actor=actor, action="cancel", subject=f"job {job_id}", details={"was": job["state"]})


def cancel_jobs(connection: Connection, wanted: JobFilter, *, actor: str) -> int:
    """Ends all waiting and running jobs that fit; gives how many."""
    ids = _find(connection, wanted, "j.state IN ('waiting', 'running')")
    leases.cancel(connection, "jobs", ids)
    _record(connection, wanted, ids, action="cancel", actor=actor)
    return len(ids)


_WANTED = {
    "cohort_id": "j.id IN (SELECT job_id FROM cohort_jobs WHERE cohort_id = %(cohort_id)s)",
    "segmenter": "j.segmenter_id IN (SELECT id FROM segmenters WHERE name = %(segmenter)s)",
    "roi": "j.id IN (SELECT cj.job_id FROM cohort_jobs cj JOIN rois r ON r.id = cj.roi_id WHERE r.name = %(roi)s)",
    "state": "j.state = %(state)s",
    "cause": "j.error_kind = %(cause)s",
}


def _find(connection: Connection, wanted: JobFilter, condition: str) -> list[int]:
    """The ids of the jobs that fit, which are locked in their order."""
    values = asdict(wanted)
    given = [part for name, part in _WANTED.items() if values[name] is not None]
    rows = connection.execute(
        f"""
        SELECT j.id FROM jobs j JOIN images i ON i.sha256 = j.image_sha256
        WHERE {" AND ".join([condition, *given])} ORDER BY j.id FOR UPDATE OF j
        """,  # noqa: S608 — joined from constants of this module
        values,
    )
    return [row["id"] for row in rows]


def _record(connection: Connection, wanted: JobFilter, ids: list[int], *, action: str, actor: str) -> None:
    asked = {name: value for name, value in asdict(wanted).items() if value is not None}
    record_action(connection, actor=actor, action=action, subject="jobs", details={**asked, "jobs": len(ids)})


def _let_wait(connection: Connection, job_ids: list[int]) -> None:
    connection.execute(
        """
        UPDATE jobs SET state = 'waiting', charged_attempts = 0, suspect = false, not_before = now(),
            published_at = NULL, finished_at = NULL, error_kind = NULL, error = NULL
        WHERE id = ANY(%s)
        """,
        [job_ids],
    )
    connection.execute(
        """
        UPDATE cohorts SET state = 'open', closed_at = NULL
        WHERE state = 'complete' AND id IN (SELECT cohort_id FROM cohort_jobs WHERE job_id = ANY(%s))
        """,
        [job_ids],
    )
    announce_work(connection)


def _lock(connection: Connection, job_id: int) -> Row:
    job = connection.execute(
        """
        SELECT j.state, i.refusal FROM jobs j JOIN images i ON i.sha256 = j.image_sha256
        WHERE j.id = %s FOR UPDATE OF j
        """,
        [job_id],
    ).fetchone()
    if job is None:
        raise JobNotFound(str(job_id))
    return job
