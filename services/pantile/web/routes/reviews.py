"""The readers' review of a cohort: its ROIs in an order, as pages or one table, and the comparisons that it needs."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pantile.catalog import reviews
from pantile.catalog.cohorts import find_cohort
from pantile.domain.review import ReviewOrder
from pantile.schemas.reviews import ComparisonsAsked, ReviewPage
from pantile.web.answers import review_table, reviewed_roi
from pantile.web.errors import problems
from pantile.web.given import CohortPath, GivenActor, GivenDatabase

router = APIRouter(prefix="/cohorts/{cohort}", tags=["review"])

_NUMBER = r"-?[0-9]{1,3}(\.[0-9]{1,20})?(e-[0-9]{1,3})?"

Order = Annotated[ReviewOrder, Query(description="Most disagreement first, or least confidence first.")]
Cursor = Annotated[
    str, Query(pattern=rf"^{_NUMBER}:[0-9]{{1,18}}$", description="The `next` of the page before, as it is.")
]

_START = ":".join(map(str, reviews.START))


@router.get("/review", summary="List a cohort's ROIs for review", responses=problems(404))
def list_review(
    cohort: CohortPath,
    database: GivenDatabase,
    order: Order = ReviewOrder.DISAGREEMENT,
    after: Cursor = _START,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> ReviewPage:
    """ROIs by how far their segmenters disagree, or by how unsure they are; those of which it is not known come last.

    Confidence is known of jobs that were submitted with `confidence`, disagreement of ROIs that were compared: ask for
    that by `POST /v1/cohorts/{cohort}/comparisons`.
    """
    rank, roi_id = after.split(":")
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        found = reviews.list_reviewed(connection, cohort_id, order, after=(float(rank), int(roi_id)), limit=limit + 1)
        counts = reviews.count_reviewed(connection, cohort_id)
    page = found[:limit]
    return ReviewPage(
        rois=[reviewed_roi(row) for row in page],
        comparisons=counts.comparisons,
        rois_with_confidence=counts.rois_with_confidence,
        next=f"{page[-1]['rank']}:{page[-1]['id']}" if len(found) > limit else None,
    )


@router.get(
    "/review.csv",
    summary="List a cohort's ROIs for review as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(404)},
)
def write_review(cohort: CohortPath, database: GivenDatabase, order: Order = ReviewOrder.DISAGREEMENT) -> Response:
    """All of a cohort's ROIs in one table, in the order of the pages; what is not known is empty."""
    with database.transaction() as connection:
        found = reviews.list_reviewed(connection, find_cohort(connection, cohort).id, order)
    return Response(review_table(found), media_type="text/csv")


@router.post("/comparisons", status_code=202, summary="Compare the segmenters on a cohort", responses=problems(404))
def ask_comparisons(cohort: CohortPath, actor: GivenActor, database: GivenDatabase) -> ComparisonsAsked:
    """Has the segmenters compared on each ROI all of whose jobs have ended.

    ROIs whose class maps are still those that were compared are passed over; comparisons that failed are tried again.
    """
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        return ComparisonsAsked(asked=reviews.ask_comparisons(connection, cohort_id, actor=actor))
