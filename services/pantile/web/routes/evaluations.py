"""Evaluations of a cohort: class maps against ground truth, as pages and as tables."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response

from pantile.catalog import evaluations
from pantile.catalog.cohorts import find_cohort
from pantile.domain.dice import DiceProtocol
from pantile.schemas.evaluations import EvaluationPage
from pantile.web.errors import problems
from pantile.web.evaluation_answers import (
    counts_out,
    detailed_table,
    evaluation_out,
    long_table,
    totals_out,
    wide_table,
)
from pantile.web.given import CohortPath, GivenDatabase, Word

router = APIRouter(prefix="/cohorts/{cohort}", tags=["evaluation"])

Cursor = Annotated[
    str, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,18}$", description="The `next` of the page before, as it is.")
]
SegmenterQuery = Annotated[Word | None, Query(description="Only this segmenter's, by name.")]


class EvaluationTable(StrEnum):
    """What a table of evaluations is like: the study's own columns, one column a segmenter, or every figure."""

    DETAILED = "detailed"
    WIDE = "wide"
    LONG = "long"


@router.get("/evaluations", summary="List a cohort's evaluations", responses=problems(404))
def list_evaluations(
    cohort: CohortPath,
    database: GivenDatabase,
    segmenter: SegmenterQuery = None,
    after: Cursor = "0-0",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> EvaluationPage:
    """Class maps against ground truth by ROI and job, under both protocols, and means over the whole cohort."""
    roi_id, job_id = (int(part) for part in after.split("-"))
    with database.transaction() as connection:
        known = find_cohort(connection, cohort)
        found = evaluations.list_evaluations(
            connection, known.id, segmenter=segmenter, after=(roi_id, job_id), limit=limit + 1
        )
        totals = evaluations.total_evaluations(connection, known.id)
        counts = evaluations.count_evaluated(connection, known.id)
    page = found[:limit]
    return EvaluationPage(
        evaluations=[evaluation_out(row, known.name) for row in page],
        totals=totals_out(totals),
        counts=counts_out(counts),
        next=f"{page[-1]['roi_id']}-{page[-1]['job_id']}" if len(found) > limit else None,
    )


@router.get(
    "/evaluations.csv",
    summary="List a cohort's evaluations as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(404)},
)
def write_evaluations(
    cohort: CohortPath,
    database: GivenDatabase,
    form: Annotated[
        EvaluationTable,
        Query(
            description="`detailed`: the columns of the study's detailed_dice_results.csv, after cohort and model "
            "unless a segmenter is named; `wide`: one column a segmenter; `long`: every figure."
        ),
    ] = EvaluationTable.DETAILED,
    protocol: Annotated[DiceProtocol, Query(description="For `detailed` and `wide`.")] = DiceProtocol.PUBLISHED_CODE,
    segmenter: SegmenterQuery = None,
) -> Response:
    """All of a cohort's evaluations in one table."""
    with database.transaction() as connection:
        known = find_cohort(connection, cohort)
        found = evaluations.list_evaluations(connection, known.id, segmenter=segmenter)
    match form:
        case EvaluationTable.DETAILED:
            table = detailed_table(found, protocol, cohort=known.name, names_segmenter=segmenter is None)
        case EvaluationTable.WIDE:
            table = wide_table(found, protocol, cohort=known.name)
        case EvaluationTable.LONG:
            table = long_table(found, cohort=known.name)
    return Response(table, media_type="text/csv")
