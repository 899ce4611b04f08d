"""Scores with known truth, drawn so that the article's Table 1 comes out as printed. They are not the study's data.

The article prints no number of ROIs per cohort, but its column means are weighted by them. They are chosen here, as
equal as they can be under the printed means and standard deviations of the columns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from pantile.analysis.article import HALF_DIGIT, Article

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_SCORES = np.arange(11)
_FEWEST_ROIS = 40
_SAFE = 0.02
"""How far inside a printed digit's range a column's mean and SD are kept, so that whole scores do not push them out."""

# The row means of BRCA and THCA are printed lower than the mean of their rounded cells: the cells have to be lower.
_ROW_SHIFT = {"BRCA": -0.035, "THCA": -0.035}

# Two of the cells that are printed as 8.0, and count as below 8 in the article's text (11 of 19, 4 of 20).
_JUST_BELOW_8 = (("KIRP", 2), ("LIHC", 0))
_JUST_BELOW = -0.03

PATIENT_SHARE, ROI_SHARE = 0.3, 0.25
"""How much of the variation within a cell comes from the patient and from the ROI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedCohort:
    """The generated scores of one cohort: (rois, segmenters), and each ROI's patient by number."""

    name: str
    scores: Counts
    patients: Counts


def plan_rois(article: Article) -> Counts:
    """(cohorts,) how many ROIs each cohort has, all of the article's together."""
    mean, sd = article.cells[..., 0], article.cells[..., 1]
    total, cohorts = article.tumor_rois, len(article.cohorts)
    slack = HALF_DIGIT - _SAFE
    rows: list[Floats] = []
    low: list[float] = []
    high: list[float] = []
    for place, (column_mean, column_sd) in enumerate(article.columns):
        # The variance, linear in the shares where the squared mean is, around the printed mean.
        square = sd[:, place] ** 2 + (mean[:, place] - column_mean) ** 2
        rows += [mean[:, place], square]
        low += [column_mean - slack, (column_sd - slack) ** 2]
        high += [column_mean + slack, (column_sd + slack) ** 2]

    def inequality(shares: Floats) -> float:
        return float(((shares * cohorts - 1) ** 2).sum())

    found = optimize.minimize(
        inequality,
        np.full(cohorts, 1 / cohorts),
        method="SLSQP",
        bounds=optimize.Bounds(_FEWEST_ROIS / total, 1.0),
        constraints=(
            optimize.LinearConstraint(np.ones((1, cohorts)), 1.0, 1.0),
            optimize.LinearConstraint(np.stack(rows), np.array(low), np.array(high)),
        ),
    )
    return _round_to_sum(found.x * total, total)


def _round_to_sum(values: Floats, total: int) -> Counts:
    """Whole numbers near the values that add up: the largest remainders go up."""
    whole = np.floor(values).astype(np.int64)
    up = np.argsort(whole - values, kind="stable")[: total - int(whole.sum())]
    whole[up] += 1
    return whole


def generate_scores(article: Article, *, seed: int) -> list[GeneratedCohort]:
    """Every cohort's scores; each cell's mean and SD round to the printed ones."""
    random = np.random.default_rng(seed)
    return [_generate_cohort(article, row, int(rois), random) for row, rois in enumerate(plan_rois(article))]


def _generate_cohort(article: Article, row: int, rois: int, random: np.random.Generator) -> GeneratedCohort:
    name = article.cohorts[row]
    patients = np.cumsum(random.random(rois) > 0.08) - 1
    patients -= patients[0]
    shared = np.sqrt(PATIENT_SHARE) * random.normal(size=patients[-1] + 1)[patients]
    shared += np.sqrt(ROI_SHARE) * random.normal(size=rois)
    scores = np.empty((rois, article.cells.shape[1]), dtype=np.int64)
    for place, (mean, sd) in enumerate(article.cells[row]):
        wanted = mean + _ROW_SHIFT.get(name, 0.0) + (_JUST_BELOW if (name, place) in _JUST_BELOW_8 else 0.0)
        liking = shared + np.sqrt(1 - PATIENT_SHARE - ROI_SHARE) * random.normal(size=rois)
        ladder = np.repeat(_SCORES, spread_scores(rois, wanted, float(sd)))
        scores[np.argsort(liking), place] = ladder
    return GeneratedCohort(name=name, scores=scores, patients=patients.astype(np.int64))


def spread_scores(n: int, mean: float, sd: float) -> Counts:
    """(11,) how many of n scores are 0, 1, … 10, so that their mean and SD (n - 1) are nearest to those wanted."""
    counts = _round_to_sum(n * _likely(mean, sd), n)
    error = _distance(counts, mean, sd)
    while True:
        best, move = error, None
        for source in np.flatnonzero(counts):
            for target in np.delete(_SCORES, source):
                moved = counts.copy()
                moved[source] -= 1
                moved[target] += 1
                if (distance := _distance(moved, mean, sd)) < best - 1e-12:
                    best, move = distance, moved
        if move is None:
            return counts
        counts, error = move, best


def _likely(mean: float, sd: float) -> Floats:
    """The distribution over 0 to 10 of largest entropy with that mean and SD: exp(a k + b k²), normed."""
    centred = (_SCORES - 5) / 5
    wanted = np.array([(mean - 5) / 5, (sd / 5) ** 2 + ((mean - 5) / 5) ** 2])
    features = np.stack([centred, centred**2])

    def dual(weights: Floats) -> tuple[float, Floats]:
        exponent = weights @ features
        highest = exponent.max()
        odds = np.exp(exponent - highest)
        return float(highest + np.log(odds.sum()) - weights @ wanted), features @ (odds / odds.sum()) - wanted

    weights = optimize.minimize(dual, np.zeros(2), jac=True, method="BFGS").x
    odds = np.exp(weights @ features - (weights @ features).max())
    return np.asarray(odds / odds.sum(), dtype=np.float64)


def _distance(counts: Counts, mean: float, sd: float) -> float:
    n = counts.sum()
    found = float(counts @ _SCORES / n)
    spread = float(np.sqrt(counts @ (_SCORES - found) ** 2 / (n - 1)))
    return abs(found - mean) + abs(spread - sd)
