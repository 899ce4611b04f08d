"""Jobs: listed, looked at, tried again, cancelled."""

from typing import Annotated

from fastapi import APIRouter, Query

from pantile.catalog import job_changes, jobs
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Connection
from pantile.catalog.jobs import JobFilter
from pantile.domain.errors import InputRefused
from pantile.domain.jobs import JobState
from pantile.schemas.jobs import JobOut, JobPage, JobsChanged, JobsWanted
from pantile.web.answers import job_listed, job_out
from pantile.web.errors import problems
from pantile.web.given import After, GivenActor, GivenDatabase, GivenObjects, GivenSettings, JobPath, Word

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("", summary="List jobs", responses=problems(404))
def list_jobs(
    database: GivenDatabase,
    cohort: Annotated[Word | None, Query(description="A cohort's name or id.")] = None,
    state: JobState | None = None,
    segmenter: Annotated[Word | None, Query(description="A segmenter's name.")] = None,
    roi: Annotated[Word | None, Query(description="An ROI's name, as jobs show it.")] = None,
    cause: Annotated[Word | None, Query(description="The `error_kind` of jobs, such as SegmenterBroken.")] = None,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JobPage:
    """Jobs by ascending id, those that fit every filter given."""
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id if cohort is not None else None
        wanted = JobFilter(cohort_id=cohort_id, state=state, segmenter=segmenter, roi=roi, cause=cause)
        found = jobs.list_jobs(connection, wanted, after=after, limit=limit + 1)
    page = found[:limit]
    return JobPage(jobs=[job_listed(row) for row in page], next=page[-1]["id"] if len(found) > limit else None)


@router.post("/retry", summary="Try failed jobs again", responses=problems(404))
def retry_jobs(wanted: JobsWanted, actor: GivenActor, database: GivenDatabase) -> JobsChanged:
    """Lets the failed jobs that fit wait again with nothing charged to them; those whose image was refused stay."""
    with database.transaction() as connection:
        return JobsChanged(jobs=job_changes.retry_jobs(connection, _chosen(connection, wanted), actor=actor))


@router.post("/cancel", summary="Cancel open jobs", responses=problems(404))
def cancel_jobs(wanted: JobsWanted, actor: GivenActor, database: GivenDatabase) -> JobsChanged:
    """Ends the waiting and running jobs that fit, in all cohorts that hold them. Cohorts have a cancel of their own."""
    with database.transaction() as connection:
        return JobsChanged(jobs=job_changes.cancel_jobs(connection, _chosen(connection, wanted), actor=actor))


def _chosen(connection: Connection, wanted: JobsWanted) -> JobFilter:
    if not wanted.model_dump(exclude_none=True):
        raise InputRefused("say which jobs: a cohort, a segmenter, an ROI or a cause")
    cohort_id = find_cohort(connection, wanted.cohort).id if wanted.cohort is not None else None
    return JobFilter(cohort_id=cohort_id, segmenter=wanted.segmenter, roi=wanted.roi, cause=wanted.cause)


@router.get("/{job_id:int}", summary="Show a job", responses=problems(404))
def show_job(job_id: JobPath, database: GivenDatabase, objects: GivenObjects, settings: GivenSettings) -> JobOut:
    """A job with its attempts and their timings, its error, its class map with areas, and links."""
    with database.transaction() as connection:
        job = jobs.get_job(connection, job_id)
    return job_out(job, objects, expires_s=settings.presign_s)


@router.post("/{job_id:int}/retry", summary="Try a job again", responses=problems(404, 409))
def retry_job(
    job_id: JobPath, actor: GivenActor, database: GivenDatabase, objects: GivenObjects, settings: GivenSettings
) -> JobOut:
    """Lets a failed or cancelled job wait again with nothing charged to it.

    A job whose image was refused cannot be tried again: submit a mended image in its place.
    """
    with database.transaction() as connection:
        job_changes.retry_job(connection, job_id, actor=actor)
        job = jobs.get_job(connection, job_id)
    return job_out(job, objects, expires_s=settings.presign_s)


@router.post("/{job_id:int}/cancel", summary="Cancel a job", responses=problems(404, 409))
def cancel_job(
    job_id: JobPath, actor: GivenActor, database: GivenDatabase, objects: GivenObjects, settings: GivenSettings
) -> JobOut:
    """Ends a waiting or running job, in all cohorts that hold it; what a worker makes of it is thrown away."""
    with database.transaction() as connection:
        job_changes.cancel_job(connection, job_id, actor=actor)
        job = jobs.get_job(connection, job_id)
    return job_out(job, objects, expires_s=settings.presign_s)
