"""Agreement beyond chance: weighted kappa, Krippendorff's alpha, Gwet's AC2. numpy and scipy only."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pantile.analysis.estimates import LEVEL, Estimate

Ratings = NDArray[np.float64]
"""(rated, raters) scores; NaN where one is missing."""

SCORES = tuple(range(11))
"""Every score that there is, given or not: chance depends on it."""


_ROUNDING = 1e-12


def quadratic_weights(labels: Sequence[float]) -> NDArray[np.float64]:
    """(labels, labels) how far two scores agree: 1 on the diagonal, 0 between the ends."""
    values = np.asarray(labels, dtype=np.float64)
    return 1 - ((values[:, None] - values[None, :]) / np.ptp(values)) ** 2


def quadratic_kappa(ratings: Ratings, labels: Sequence[float] = SCORES) -> Estimate:
    """Cohen's kappa of two raters with quadratic weights (Cohen 1968), and its interval (Fleiss, Cohen & Everitt 1969).

    Raises:
        ValueError: a score is not one of the labels.
    """
    whole = ~np.isnan(ratings).any(axis=1)
    n, dropped = int(whole.sum()), int((~whole).sum())
    if n == 0:
        return Estimate.unknown("nothing was scored by both", n=0, dropped=dropped)
    first, second = _codes(ratings[whole], labels).T
    joint = np.zeros((len(labels), len(labels)))
    np.add.at(joint, (first, second), 1 / n)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    weights = quadratic_weights(labels)
    chance = float(rows @ weights @ columns)
    if 1 - chance < _ROUNDING:
        return Estimate.unknown("the scores do not vary", n=n, dropped=dropped)
    value = (float((weights * joint).sum()) - chance) / (1 - chance)
    mean = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    moment = float((joint * (weights - mean * (1 - value)) ** 2).sum())
    error = sqrt(max(0.0, moment - (value - chance * (1 - value)) ** 2) / n) / (1 - chance)
    return _with_normal_interval(value, error, n=n, dropped=dropped)


def _with_normal_interval(value: float, error: float, *, n: int, dropped: int) -> Estimate:
    if error < _ROUNDING:
        return Estimate(value=value, n=n, dropped=dropped, reason="perfect agreement has no interval")
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * error
    return Estimate(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), n=n, dropped=dropped)


def _codes(table: Ratings, labels: Sequence[float]) -> NDArray[np.int64]:
    values = np.asarray(labels, dtype=np.float64)
    codes = np.searchsorted(values, table).clip(max=len(values) - 1)
    strangers = table[values[codes] != table]
    if strangers.size:
        raise ValueError(f"{strangers[0]:g} is not one of the scores {labels[0]:g} to {labels[-1]:g}")
    return codes.astype(np.int64)


def krippendorff_alpha(ratings: Ratings) -> Estimate:
    """Krippendorff's alpha for intervals, any number of raters, scores missing or not (Krippendorff 2011).

    `n` counts what two raters or more scored; the rest is dropped, as it pairs with nothing.
    """
    counts = (~np.isnan(ratings)).sum(axis=1)
    table, raters = ratings[counts > 1], counts[counts > 1]
    n, dropped = len(table), int((counts < 2).sum())
    if n == 0:
        return Estimate.unknown("nothing was scored twice", n=0, dropped=dropped)
    values = table[~np.isnan(table)]
    expected = float(values.var(ddof=1))
    if expected == 0.0:
        return Estimate.unknown("the scores do not vary", n=n, dropped=dropped)
    squares = ((table - np.nanmean(table, axis=1, keepdims=True)) ** 2).ravel()
    per_unit = np.nansum(squares.reshape(table.shape), axis=1) * raters / (raters - 1)
    observed = float(per_unit.sum()) / len(values)
    return Estimate(value=1 - observed / expected, n=n, dropped=dropped, reason="no interval is computed")


def gwet_ac2(
    ratings: Ratings, labels: Sequence[float] = SCORES, weights: NDArray[np.float64] | None = None
) -> Estimate:
    """Gwet's AC2 with quadratic weights (or others: the identity gives AC1), scores missing or not.

    The interval takes the raters as given and what they rated as a sample (Gwet 2014, chapters 4 and 5).

    Raises:
        ValueError: a score is not one of the labels.
    """
    scored = ratings[~np.isnan(ratings).all(axis=1)]
    counts = (~np.isnan(scored)).sum(axis=1)
    pairs = counts >= 2
    n, dropped = int(pairs.sum()), int((~pairs).sum() + len(ratings) - len(scored))
    if n == 0:
        return Estimate.unknown("nothing was scored twice", n=0, dropped=dropped)
    weights = quadratic_weights(labels) if weights is None else weights
    table = _count_labels(scored, labels)
    chance_of = weights.sum() / (len(labels) * (len(labels) - 1))
    shares = (table / counts[:, None]).mean(axis=0)
    chance = float(chance_of * (shares * (1 - shares)).sum())
    agreed = (table * (table @ weights - 1)).sum(axis=1) / np.where(pairs, counts * (counts - 1), 1)
    agreed = np.where(pairs, agreed, 0.0)
    value = (float(agreed.sum()) / n - chance) / (1 - chance)
    of_chance = chance_of * (table @ (1 - shares)) / counts
    own = len(scored) / n * (agreed - chance * pairs) / (1 - chance)
    own -= 2 * (1 - value) * (of_chance - chance) / (1 - chance)
    error = sqrt(float(((own - value) ** 2).sum()) / (len(scored) * max(1, len(scored) - 1)))
    return _with_t_interval(value, error, df=len(scored) - 1, n=n, dropped=dropped)


def _count_labels(scored: Ratings, labels: Sequence[float]) -> NDArray[np.float64]:
    """(rated, labels) how often each score was given."""
    rows, columns = np.nonzero(~np.isnan(scored))
    table = np.zeros((len(scored), len(labels)))
    np.add.at(table, (rows, _codes(scored[rows, columns], labels)), 1.0)
    return table


def _with_t_interval(value: float, error: float, *, df: int, n: int, dropped: int) -> Estimate:
    if df < 1 or error < _ROUNDING:
        return Estimate(value=value, n=n, dropped=dropped, reason="one rated, or perfect agreement, has no interval")
    half = float(stats.t.ppf(0.5 + LEVEL / 2, df)) * error
    return Estimate(value=value, low=max(-1.0, value - half), high=min(1.0, value + half), n=n, dropped=dropped)
