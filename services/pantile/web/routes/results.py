"""Results: a cohort's class maps, and the overlays made of them on request."""

from typing import Annotated

from fastapi import APIRouter, Query

from pantile.catalog import chores, jobs
from pantile.catalog.cohorts import find_cohort
from pantile.schemas.results import OverlaysAsked, ResultPage
from pantile.web.answers import result_out
from pantile.web.errors import problems
from pantile.web.given import CohortPath, GivenActor, GivenDatabase, GivenObjects, GivenSettings

router = APIRouter(prefix="/cohorts/{cohort}", tags=["results"])

Cursor = Annotated[
    str, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,18}$", description="The `next` of the page before, as it is.")
]


@router.get("/results", summary="List a cohort's class maps", responses=problems(404))
def list_results(
    cohort: CohortPath,
    database: GivenDatabase,
    objects: GivenObjects,
    settings: GivenSettings,
    after: Cursor = "0-0",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> ResultPage:
    """Class maps by ROI and segmenter, with areas by class, the tumor-stroma ratio and addresses to download from."""
    roi_id, job_id = (int(part) for part in after.split("-"))
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        found = jobs.list_results(connection, cohort_id, after=(roi_id, job_id), limit=limit + 1)
    page = found[:limit]
    return ResultPage(
        results=[result_out(row, objects, expires_s=settings.presign_s) for row in page],
        next=f"{page[-1]['roi_id']}-{page[-1]['job_id']}" if len(found) > limit else None,
    )


@router.post("/overlays", status_code=202, summary="Ask for a cohort's overlays", responses=problems(404))
def ask_overlays(cohort: CohortPath, actor: GivenActor, database: GivenDatabase) -> OverlaysAsked:
    """Has an overlay drawn for each class map that has none; those that failed are tried once more."""
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        return OverlaysAsked(asked=chores.ask_overlays(connection, cohort_id, actor=actor))
