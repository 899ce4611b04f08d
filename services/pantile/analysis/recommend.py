"""Which segmenter for a tumor type: a ranking by scores, Dice or both, with intervals by drawing patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.bootstrap import draw_weights, interval, share_at_least
from pantile.analysis.summaries import Floats

EXCELLENT = 0.8
"""From here on a mean is excellent: 8 of 10, as the article has it."""


class Measure(StrEnum):
    """What segmenters are ranked by; `both` is the mean of the two means, of segmenters that have both."""

    SCORE = "score"
    DICE = "dice"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One segmenter's value on one ROI, 0 to 1: a score by ten, or overall Dice."""

    case: str
    roi: int
    segmenter: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """A segmenter's place: its mean (0 to 1) with its 95 % interval, and what is behind it.

    `first` is how probable it is to be the best of those ranked, `excellent` how probable a mean of at least 0.8: the
    shares of draws. They and the interval are None where there are fewer than two patients.
    """

    segmenter: str
    mean: float
    low: float | None
    high: float | None
    first: float | None
    excellent: float | None
    rois: int
    cases: int
    means: dict[Measure, float]
    """The mean of each measure that is part of it."""


def recommend(
    scores: Sequence[Measured], dices: Sequence[Measured], measure: Measure, *, draws: int, seed: int
) -> list[Recommended]:
    """Segmenters from the best down; the same for the same seed.

    Patients are drawn, and with them all their ROIs and segmenters, so that differences between segmenters are paired.
    """
    parts = {Measure.SCORE: scores, Measure.DICE: dices}
    wanted = [Measure.SCORE, Measure.DICE] if measure is Measure.BOTH else [measure]
    named = [{each.segmenter for each in parts[part]} for part in wanted]
    segmenters = sorted(set.intersection(*named))
    if not segmenters:
        return []
    cases = sorted({each.case for part in wanted for each in parts[part] if each.segmenter in segmenters})
    sums = np.stack([_sum(parts[part], cases, segmenters) for part in wanted])
    own = _means(sums, np.ones((1, len(cases))))[0]
    ranked = np.argsort(-own, kind="stable")
    drawn = _means(sums, draw_weights(np.random.default_rng(seed), len(cases), draws)) if len(cases) > 1 else None
    means = sums[:, 0].sum(axis=1) / sums[:, 1].sum(axis=1)
    return [
        _recommended(
            segmenters[place],
            place,
            own,
            drawn,
            [each for part in wanted for each in parts[part] if each.segmenter == segmenters[place]],
            {part: float(means[number, place]) for number, part in enumerate(wanted)},
        )
        for place in ranked.tolist()
    ]


def _sum(values: Sequence[Measured], cases: Sequence[str], segmenters: Sequence[str]) -> Floats:
    """(2, cases, segmenters): the sum of the values, and how many they are."""
    places = {case: place for place, case in enumerate(cases)}
    columns = {segmenter: place for place, segmenter in enumerate(segmenters)}
    sums = np.zeros((2, len(cases), len(segmenters)))
    for each in values:
        if each.segmenter in columns:
            sums[:, places[each.case], columns[each.segmenter]] += (each.value, 1.0)
    return sums


def _means(sums: Floats, weights: Floats) -> Floats:
    """(draws, segmenters) the mean over ROIs, averaged over measures; NaN where a draw has none of a segmenter's."""
    totals = np.einsum("dc,mkcs->mkds", weights, sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(totals[:, 1] > 0, totals[:, 0] / totals[:, 1], np.nan)
    means: NDArray[np.float64] = each.mean(axis=0)
    return means


def _recommended(
    segmenter: str,
    place: int,
    own: Floats,
    drawn: Floats | None,
    values: Sequence[Measured],
    means: dict[Measure, float],
) -> Recommended:
    low = high = first = excellent = None
    if drawn is not None:
        ends = interval(drawn)
        low, high = (_known(end[place]) for end in ends)
        known = drawn[~np.isnan(drawn).any(axis=1)]
        first = float((known.argmax(axis=1) == place).mean()) if len(known) else None
        excellent = _known(share_at_least(drawn, EXCELLENT)[place])
    return Recommended(
        segmenter=segmenter,
        mean=float(own[place]),
        low=low,
        high=high,
        first=first,
        excellent=excellent,
        rois=len({each.roi for each in values}),
        cases=len({each.case for each in values}),
        means=means,
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
