"""A study's outputs with their segmenters as one table each: what they were scored, and their Dice."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from pantile.catalog import scored_outputs
from pantile.catalog.study_dice import list_study_dice
from pantile.domain.csv_text import write_csv
from pantile.domain.dice import DiceProtocol
from pantile.domain.study_dice import study_dice_csv
from pantile.web.errors import problems
from pantile.web.given import GivenDatabase
from pantile.web.study_access import GivenResultsVisit

router = APIRouter(prefix="/studies/{study}", tags=["studies"])

COLUMNS = (
    *("cohort", "case", "slide", "roi_id", "roi", "roi_number", "tissue_type", "mpp", "number", "segmenter"),
    *("segmenter_version", "job_id", "class_map_sha256", "value", "scores", "is_consensus"),
)


_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get(
    "/scored.csv",
    summary="List a study's scored outputs as CSV",
    response_class=Response,
    responses={**_CSV, **problems(404)},
)
def write_scored_outputs(visit: GivenResultsVisit, database: GivenDatabase) -> Response:
    """Every output with a score: its ROI, its segmenter, and the consensus, or else the mean of its raters.

    It names segmenters, and so is for admins until the study is unblinded.
    """
    with database.transaction() as connection:
        found = scored_outputs.list_scored_outputs(connection, visit.study.id)
    return Response(write_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in found)), media_type="text/csv")


@router.get(
    "/dice.csv",
    summary="List the Dice of a study's outputs as CSV",
    response_class=Response,
    responses={**_CSV, **problems(404)},
)
def write_dice(
    visit: GivenResultsVisit,
    database: GivenDatabase,
    protocol: Annotated[DiceProtocol, Query(description="By which Dice is computed.")] = DiceProtocol.PUBLISHED_CODE,
) -> Response:
    """Every output with ground truth: its Dice, in the columns of the study's results, beside its first score.

    Dice is of the very class map that the study shows. It names segmenters, and so is for admins until the study is
    unblinded.
    """
    with database.transaction() as connection:
        found = list_study_dice(connection, visit.study.id, protocol)
    return Response(study_dice_csv(found), media_type="text/csv")
