"""Class maps handed out to be corrected, and what their correction took."""

from typing import Annotated

from fastapi import APIRouter, Query

from pantile.catalog import corrections
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Row
from pantile.coordinator.corrections import preannotate, take_corrections
from pantile.schemas.corrections import (
    CorrectionOut,
    CorrectionPage,
    CorrectionsIn,
    CorrectionsTaken,
    PreannotationIn,
    PreannotationOut,
)
from pantile.web.errors import problems
from pantile.web.given import After, CohortPath, GivenActor, GivenDatabase, GivenObjects, GivenSettings

router = APIRouter(prefix="/cohorts/{cohort}", tags=["evaluation"])


@router.post("/preannotations", summary="Hand out class maps to be corrected", responses=problems(404))
def hand_out(
    cohort: CohortPath, wanted: PreannotationIn, actor: GivenActor, database: GivenDatabase, settings: GivenSettings
) -> PreannotationOut:
    """Has the cohort segmented by a segmenter, if it is not, and notes that the class maps there are go out.

    From then on the time of their correction counts. Asked again once more class maps are there, it hands out these;
    what went out before keeps its time.
    """
    done = preannotate(database, cohort, wanted.segmenter, max_attempts=settings.max_attempts, actor=actor)
    return PreannotationOut(segmenter=wanted.segmenter, ready=done.ready, new=done.new, waiting=done.waiting)


@router.post("/corrections", summary="Compare corrections with what was handed out", responses=problems(404))
def compare(
    cohort: CohortPath, given: CorrectionsIn, actor: GivenActor, database: GivenDatabase, objects: GivenObjects
) -> CorrectionsTaken:
    """Compares the ground truth of ROIs with the class maps that were handed out of them, and keeps what changed."""
    done = take_corrections(database, objects, cohort, list(dict.fromkeys(given.rois)), actor=actor)
    return CorrectionsTaken(compared=list(done.compared), unknown=list(done.unknown))


@router.get("/corrections", summary="List what was handed out and what came back", responses=problems(404))
def list_corrections(
    cohort: CohortPath,
    database: GivenDatabase,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> CorrectionPage:
    """Pre-annotations by ROI, with the pixels that their correction changed."""
    with database.transaction() as connection:
        cohort_id = find_cohort(connection, cohort).id
        found = corrections.list_corrections(connection, cohort_id, after=after, limit=limit + 1)
    page = found[:limit]
    return CorrectionPage(
        corrections=[_correction(row) for row in page],
        next=page[-1]["roi_id"] if len(found) > limit else None,
    )


def _correction(row: Row) -> CorrectionOut:
    return CorrectionOut(case=row["case_id"], **{name: row[name] for name in CorrectionOut.model_fields if name in row})
