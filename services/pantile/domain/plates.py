"""Plates: which outputs of a study are shown as examples, chosen by lot from a seed so that nobody picks them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from pantile.domain.rois import TissueType

SHOWN_SCORES = (10, 8, 6, 4, 2, 0)
"""The scores of which the article's Figure 2 shows examples."""

TOP_COHORTS = 5
"""Foreign cohorts that the article's Figure 5 shows for a segmenter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredOutput:
    """An output with its score, which may be a mean of raters."""

    cohort: str
    roi_id: int
    roi: str
    segmenter: str
    job_id: int
    tissue_type: TissueType
    mpp: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateRow:
    """A row of a plate: what it shows, and its examples."""

    title: str
    outputs: tuple[ScoredOutput, ...]


def choose_by_score(outputs: Sequence[ScoredOutput], *, examples: int, seed: int) -> list[PlateRow]:
    """Of tumor ROIs, a row of examples for each of the scores 10, 8, … 0 that was given, each of another ROI."""
    random = Random(seed)  # noqa: S311 — a draw of examples, not a secret
    rows, shown = [], set[int]()
    for score in SHOWN_SCORES:
        chosen = _draw([each for each in _tumor(outputs) if each.value == score], shown, examples, random)
        if chosen:
            rows.append(PlateRow(title=f"Score {score}", outputs=chosen))
    return rows


def choose_foreign(
    outputs: Sequence[ScoredOutput], segmenter: str, *, native: Collection[str], examples: int, seed: int
) -> list[PlateRow]:
    """A row for each of the five cohorts, none of them native, on which a segmenter's mean score is best.

    Examples are drawn from those that are scored at least as well as the cohort's mean: what the segmenter does there
    when it does what it is listed for.
    """
    random = Random(seed)  # noqa: S311 — as above
    own: dict[str, list[ScoredOutput]] = {}
    for each in _tumor(outputs):
        if each.segmenter == segmenter and each.cohort not in native:
            own.setdefault(each.cohort, []).append(each)
    means = {cohort: fmean(each.value for each in group) for cohort, group in own.items()}
    best = sorted(means, key=lambda cohort: (-means[cohort], cohort))[:TOP_COHORTS]
    return [
        PlateRow(
            title=f"{cohort}, mean {means[cohort]:.1f} (n = {len(own[cohort])})",
            outputs=_draw([each for each in own[cohort] if each.value >= means[cohort]], set(), examples, random),
        )
        for cohort in best
    ]


def _tumor(outputs: Sequence[ScoredOutput]) -> list[ScoredOutput]:
    return [each for each in outputs if each.tissue_type is TissueType.TUMOR]


def _draw(
    candidates: Sequence[ScoredOutput], shown: set[int], examples: int, random: Random
) -> tuple[ScoredOutput, ...]:
    """Some of the candidates, of ROIs that are not shown yet; notes their ROIs as shown."""
    chosen: list[ScoredOutput] = []
    for each in random.sample(candidates, len(candidates)):
        if each.roi_id not in shown and len(chosen) < examples:
            chosen.append(each)
            shown.add(each.roi_id)
    return tuple(chosen)


_NICE_UM = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def scale_bar_um(width_um: float) -> int:
    """The length of a scale bar for a picture of that width: a round number, at most a quarter of it."""
    return max((length for length in _NICE_UM if length <= width_um / 4), default=_NICE_UM[0])
