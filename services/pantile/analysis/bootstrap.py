"""Intervals of means by drawing patients: an ROI's five scores stay together, and so do a patient's ROIs.

Within each cohort one patient fewer than there are is drawn, with replacement (Rao & Wu 1988): drawing all of them
makes the intervals of small cohorts too narrow by sqrt(1 - 1/n). What a draw strays from its cohort is widened as
Student's t is beside the normal distribution (Hesterberg 2015), for the same reason. Cohorts keep their weight, as the
study fixed them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pantile.analysis.estimates import LEVEL
from pantile.analysis.scores import ScoreTable
from pantile.analysis.summaries import Floats, codes_of, sum_by

DEFAULT_DRAWS = 2000
_FEWEST_DF = 4
"""Below, t widens so much that cohorts of a few unequal patients would weigh less than nothing."""

_FEWEST_PATIENTS = 8
"""From here on, intervals cover in 94 to 95 % of simulations."""

_CHUNK = 250
"""Draws made at once: bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """Means of resampled patients, paired over segmenters: draw by draw the same patients everywhere."""

    cohorts: tuple[str, ...]
    cells: Floats
    """(draws, cohorts, segmenters); NaN where no patient has a score."""

    rows: Floats
    """(draws, cohorts)."""

    columns: Floats
    """(draws, segmenters)."""

    native: Floats
    """(draws, segmenters) over native cohorts."""

    foreign: Floats
    """(draws, segmenters) over all others."""


def interval(draws: Floats) -> tuple[Floats, Floats]:
    """The 95 % interval along the first axis: quantiles of type 7. NaN where a quarter of the draws or more are."""
    tail = (1 - LEVEL) / 2
    unknown = np.isnan(draws).mean(axis=0) >= 0.25
    filled = np.where(unknown, 0.0, draws)
    low, high = np.nanquantile(filled, [tail, 1 - tail], axis=0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def draw_means(table: ScoreTable, *, draws: int = DEFAULT_DRAWS, seed: int = 0) -> Draws:
    """Means of `draws` resamples; the same for the same seed. Cohorts of one patient are taken as they are."""
    random = np.random.default_rng(seed)
    cohorts, segmenters = table.cohort_names, table.scores.shape[1]
    sums = np.zeros((2, draws, len(cohorts), segmenters))
    for number, cohort in enumerate(cohorts):
        part = table.where(table.cohorts == cohort)
        sums[:, :, number] = _draw_cohort(part, random, draws)
    is_home = np.array([[cohort in it.native for it in table.design.segmenters] for cohort in cohorts])
    n, total = sums
    return Draws(
        cohorts=cohorts,
        cells=_divide(total, n),
        rows=_divide(total.sum(axis=2), n.sum(axis=2)),
        columns=_divide(total.sum(axis=1), n.sum(axis=1)),
        native=_divide((total * is_home).sum(axis=1), (n * is_home).sum(axis=1)),
        foreign=_divide((total * ~is_home).sum(axis=1), (n * ~is_home).sum(axis=1)),
    )


def _draw_cohort(part: ScoreTable, random: np.random.Generator, draws: int) -> Floats:
    """(2, draws, segmenters) how many scores and their sum, of patients drawn within one cohort."""
    there = ~np.isnan(part.scores)
    names, codes = codes_of(part.cases)
    patients = len(names)
    per_patient = np.hstack(
        [
            sum_by(codes, there.astype(np.float64), patients),
            sum_by(codes, np.where(there, part.scores, 0.0), patients),
        ]
    )
    drawn = np.empty((draws, per_patient.shape[1]))
    for begin in range(0, draws, _CHUNK):
        end = min(draws, begin + _CHUNK)
        drawn[begin:end] = draw_weights(random, patients, end - begin) @ per_patient
    segmenters = part.scores.shape[1]
    return np.stack([drawn[:, :segmenters], drawn[:, segmenters:]])


def draw_weights(random: np.random.Generator, clusters: int, draws: int) -> Floats:
    """(draws, clusters) how much each cluster counts; on average 1, sometimes a little less than nothing."""
    if clusters == 1:
        return np.ones((draws, 1))
    tail = 0.5 + LEVEL / 2
    widening = float(stats.t.ppf(tail, max(_FEWEST_DF, clusters - 1)) / stats.norm.ppf(tail))
    times = random.multinomial(clusters - 1, np.full(clusters, 1 / clusters), size=draws)
    return 1 + widening * (times.astype(np.float64) * (clusters / (clusters - 1)) - 1)


def few_patients(table: ScoreTable) -> str:
    """A sentence, after a space, on cohorts of too few patients for their intervals; nothing where there is none."""
    patients = {cohort: len(np.unique(table.cases[table.cohorts == cohort])) for cohort in table.cohort_names}
    few = [f"{cohort} ({number})" for cohort, number in patients.items() if number < _FEWEST_PATIENTS]
    if not few:
        return ""
    return f" Of fewer than {_FEWEST_PATIENTS} patients, with intervals that are only a hint: {', '.join(few)}."


def _divide(total: Floats, n: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 0, total / n, np.nan)


def share_at_least(draws: Floats, bound: float) -> NDArray[np.float64]:
    """How probable a mean of at least `bound` is: the share of draws that reach it. NaN where all are."""
    with np.errstate(invalid="ignore"):
        share = (draws >= bound - 1e-12).mean(axis=0)
    return np.where(np.isnan(draws).all(axis=0), np.nan, share)


def interval_of_mean(
    values: Floats, clusters: NDArray[np.str_], *, draws: int = DEFAULT_DRAWS, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the mean of values that come in clusters."""
    names, codes = codes_of(clusters)
    if len(names) < 2:
        return float("nan"), float("nan")
    n = np.bincount(codes)
    total = np.bincount(codes, weights=values)
    weights = draw_weights(np.random.default_rng(seed), len(names), draws)
    low, high = interval((weights @ total) / (weights @ n))
    return float(low), float(high)
