"""Jobs: listed, looked at, tried again."""

from typing import Annotated

from fastapi import APIRouter, Query

from pantile.catalog import jobs
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.jobs import JobFilter
from pantile.domain.jobs import JobState
from pantile.schemas import JobOut, JobPage
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
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JobPage:
    """Jobs by ascending id, those that fit every filter given."""
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id if cohort is not None else None
        wanted = JobFilter(cohort_id=cohort_id, state=state, segmenter=segmenter, roi=roi)
        found = jobs.list_jobs(connection, wanted, after=after, limit=limit + 1)
    page = found[:limit]
    return JobPage(jobs=[job_listed(row) for row in page], next=page[-1]["id"] if len(found) > limit else None)


@router.get("/{job_id}", summary="Show a job", responses=problems(404))
def show_job(job_id: JobPath, database: GivenDatabase, objects: GivenObjects, settings: GivenSettings) -> JobOut:
    """A job with its attempts and their timings, its error, its class map with areas, and links."""
    with database.transaction() as connection:
        job = jobs.get_job(connection, job_id)
    return job_out(job, objects, expires_s=settings.presign_s)


@router.post("/{job_id}/retry", summary="Try a job again", responses=problems(404, 409))
def retry_job(
    job_id: JobPath, actor: GivenActor, database: GivenDatabase, objects: GivenObjects, settings: GivenSettings
) -> JobOut:
    """Lets a failed or cancelled job wait again with nothing charged to it.

    A job whose image was refused cannot be tried again: submit a mended image in its place.
    """
    with database.transaction() as connection:
        jobs.retry_job(connection, job_id, actor=actor)
        job = jobs.get_job(connection, job_id)
    return job_out(job, objects, expires_s=settings.presign_s)
