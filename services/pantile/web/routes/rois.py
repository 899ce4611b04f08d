"""A cohort's ROIs: listed with the quality of their images."""

from typing import Annotated

from fastapi import APIRouter, Query

from pantile.catalog.cohorts import find_cohort
from pantile.catalog.roi_lists import RoiFilter, list_rois
from pantile.domain.quality import Flag
from pantile.schemas.rois import RoiPage, RoiState
from pantile.web.answers import roi_out
from pantile.web.errors import problems
from pantile.web.given import After, CohortPath, GivenDatabase

router = APIRouter(tags=["rois"])


@router.get("/cohorts/{cohort}/rois", summary="List a cohort's ROIs", responses=problems(404))
def list_of_cohort(
    cohort: CohortPath,
    database: GivenDatabase,
    state: RoiState | None = None,
    flag: Annotated[Flag | None, Query(description="Only those with this flag.")] = None,
    flagged: Annotated[bool, Query(description="Only those with any flag.")] = False,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> RoiPage:
    """ROIs by ascending id, those that fit every filter given, with the quality of their images."""
    with database.transaction() as connection:
        wanted = RoiFilter(state=state, flag=flag, flagged=flagged)
        found = list_rois(connection, find_cohort(connection, cohort).id, wanted, after=after, limit=limit + 1)
    page = found[:limit]
    return RoiPage(rois=[roi_out(row) for row in page], next=page[-1]["id"] if len(found) > limit else None)
