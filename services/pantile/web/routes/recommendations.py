"""Which segmenter for a cohort's tumor type, from its scores, its Dice, or both."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from pantile.analysis.recommend import Measure, Measured, Recommended, recommend
from pantile.catalog import recommendations, segmenters
from pantile.catalog.cohorts import find_cohort
from pantile.catalog.database import Row
from pantile.domain.dice import DiceProtocol
from pantile.domain.dice_remaps import RemapOrigin, published_cohort
from pantile.domain.segmenters import Card
from pantile.schemas.recommendations import Recommendation, RecommendedOut
from pantile.web.errors import problems
from pantile.web.given import CohortPath, GivenDatabase

router = APIRouter(prefix="/cohorts/{cohort}", tags=["evaluation"])


@router.get("/recommendation", summary="Recommend a segmenter for a cohort", responses=problems(404))
def show_recommendation(
    cohort: CohortPath,
    database: GivenDatabase,
    by: Annotated[Measure | None, Query(description="None: by score where there are scores, else by Dice.")] = None,
    protocol: Annotated[DiceProtocol, Query(description="Of Dice.")] = DiceProtocol.ARTICLE,
    draws: Annotated[int, Query(ge=100, le=10_000, description="Draws of patients behind the intervals.")] = 2000,
    seed: Annotated[int, Query(ge=0, le=2**31 - 1, description="The same seed gives the same intervals.")] = 0,
) -> Recommendation:
    """Segmenters ranked by their mean over a cohort's tumor ROIs, with 95 % intervals and what is behind them.

    Scores are the consensus where one was signed, else the mean of the raters; `both` is the mean of score (by ten) and
    Dice. Patients are drawn with all their ROIs, so the intervals allow for several ROIs of one patient.
    """
    with database.transaction() as connection:
        known = find_cohort(connection, cohort)
        scored = recommendations.list_scored(connection, known.id)
        diced = recommendations.list_diced(connection, known.id, protocol)
        cards = {each.card.name: each.card for each in reversed(segmenters.list_segmenters(connection))}
    measure = by or (Measure.SCORE if scored or not diced else Measure.DICE)
    ranking = recommend(
        [_measured(row, scale=10) for row in scored],
        [_measured(row) for row in diced],
        measure,
        draws=draws,
        seed=seed,
    )
    return Recommendation(
        cohort=known.name,
        by=measure,
        protocol=protocol,
        draws=draws,
        seed=seed,
        ranking=[_recommended_out(each, cards[each.segmenter], known.name, diced) for each in ranking],
        scored_rois=len({row["roi"] for row in scored}),
        diced_rois=len({row["roi"] for row in diced}),
    )


def _measured(row: Row, *, scale: float = 1) -> Measured:
    return Measured(case=row["case"], roi=row["roi"], segmenter=row["segmenter"], value=row["value"] / scale)


def _recommended_out(each: Recommended, card: Card, cohort: str, diced: Sequence[Row]) -> RecommendedOut:
    inferred = {row["segmenter"] for row in diced if row["remap_origin"] != RemapOrigin.STATED}
    return RecommendedOut(
        segmenter=each.segmenter,
        mean=each.mean,
        low=each.low,
        high=each.high,
        first=each.first,
        excellent=each.excellent,
        score=each.means.get(Measure.SCORE),
        dice=each.means.get(Measure.DICE),
        rois=each.rois,
        cases=each.cases,
        is_native=any(published_cohort(name) == published_cohort(cohort) for name in card.training_cohorts),
        is_stated=Measure.DICE not in each.means or each.segmenter not in inferred,
    )
