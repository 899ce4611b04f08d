"""How far raters agree: intraclass correlation, bias, rank correlation, limits of agreement.

Scores of several raters are a table, (rated, raters) float64, NaN where a score is missing; what a rater left out is
left out for all, and counted. numpy and scipy only: the web service imports this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import atanh, sqrt, tanh
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pantile.analysis.chance_agreement import gwet_ac2, krippendorff_alpha, quadratic_kappa
from pantile.analysis.estimates import LEVEL, Estimate

Ratings = NDArray[np.float64]
"""(rated, raters) scores; NaN where one is missing."""

TOLERANCE = 1e-9
"""Differences that are decimal fractions are compared with this: |0.85 - 1.0| is more than 0.15 in binary."""

_NO_VARIATION = 1e-20
"""A sum of squares below this share of the total is rounding."""


class IccForm(StrEnum):
    """Which intraclass correlation, in the words of McGraw & Wong (1996); each is of single measures."""

    CONSISTENCY = "ICC(C,1)"
    AGREEMENT = "ICC(A,1)"
    ONE_WAY = "ICC(1,1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bland & Altman's limits: 95 % of the differences (second minus first) lie between, were they normal."""

    bias: Estimate
    low: Estimate
    high: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Everything that is said of two raters' whole scores, 0 to 10, of the same class maps."""

    n: int
    dropped: int
    icc_c1: Estimate
    icc_a1: Estimate
    bias: Estimate
    limits: Limits
    spearman: Estimate
    within_one: Estimate
    kappa: Estimate
    alpha: Estimate
    ac2: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variance:
    """Mean squares of a two-way table without repeats, and their degrees of freedom."""

    n: int
    k: int
    rows: float
    columns: float
    residual: float
    within: float
    df_rows: int
    is_constant: bool
    is_perfect: bool


def icc(ratings: Ratings, form: IccForm = IccForm.CONSISTENCY, *, groups: Sequence[object] | None = None) -> Estimate:
    """Intraclass correlation of single measures with its F-based interval (McGraw & Wong 1996; Shrout & Fleiss 1979).

    With `groups` (one a row) the scores are centred per group first, and the degrees of freedom counted accordingly:
    what is left of the agreement once the groups' means are known.
    """
    table, dropped = complete(ratings)
    n, k = table.shape
    if n < 2 or k < 2:
        return Estimate.unknown("fewer than two rated or two raters", n=n, dropped=dropped)
    lost = 0
    if groups is not None:
        kept = [groups[int(row)] for row in np.flatnonzero(~np.isnan(ratings).any(axis=1))]
        table, lost = centre(table, kept), len(set(kept)) - 1
    if n - 1 - lost < 1:
        return Estimate.unknown("no group has two rated", n=n, dropped=dropped)
    variance = _analyse(table, lost)
    if variance.is_constant:
        return Estimate.unknown("the scores do not vary", n=n, dropped=dropped)
    value, low, high, reason = _FORMS[form](variance)
    return Estimate(value=value, low=low, high=high, n=n, dropped=dropped, reason=reason)


def complete(ratings: Ratings) -> tuple[Ratings, int]:
    """The rows that every rater scored, and how many are left out."""
    whole = ~np.isnan(ratings).any(axis=1)
    return ratings[whole].astype(np.float64), int((~whole).sum())


def centre(ratings: Ratings, groups: Sequence[object]) -> Ratings:
    """The scores less their group's mean over all raters, so that a rater's strictness stays to be seen."""
    labels = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    codes = np.array([labels[group] for group in groups], dtype=np.int64)
    means = np.bincount(codes, weights=ratings.mean(axis=1)) / np.bincount(codes)
    return ratings - means[codes][:, None]


def _analyse(table: Ratings, lost: int) -> _Variance:
    n, k = table.shape
    grand = table.mean()
    total = float(((table - grand) ** 2).sum())
    rows = k * float(((table.mean(axis=1) - grand) ** 2).sum())
    columns = n * float(((table.mean(axis=0) - grand) ** 2).sum())
    effects = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + grand
    residual = float((effects**2).sum())
    if residual <= _NO_VARIATION * total:
        residual = 0.0
    if columns <= _NO_VARIATION * total:
        columns = 0.0
    df_rows = n - 1 - lost
    return _Variance(
        n=n,
        k=k,
        rows=rows / df_rows,
        columns=columns / (k - 1),
        residual=residual / ((n - 1) * (k - 1)),
        within=(columns + residual) / (n * (k - 1)),
        df_rows=df_rows,
        is_constant=bool(np.ptp(table) == 0.0) or rows + residual <= _NO_VARIATION * max(total, 1e-300),
        is_perfect=residual == 0.0 and columns == 0.0,
    )


_Interval = tuple[float, float, float, str]
_PERFECT: _Interval = (1.0, float("nan"), float("nan"), "perfect agreement has no interval")


def _consistency(it: _Variance) -> _Interval:
    if it.residual == 0.0:
        reason = _PERFECT[3] if it.is_perfect else "the raters differ by a constant alone, which has no interval"
        return 1.0, float("nan"), float("nan"), reason
    value = (it.rows - it.residual) / (it.rows + (it.k - 1) * it.residual)
    return value, *_ratio_interval(it.rows / it.residual, it.df_rows, (it.n - 1) * (it.k - 1), it.k), ""


def _one_way(it: _Variance) -> _Interval:
    if it.within == 0.0:
        return _PERFECT
    value = (it.rows - it.within) / (it.rows + (it.k - 1) * it.within)
    return value, *_ratio_interval(it.rows / it.within, it.df_rows, it.n * (it.k - 1), it.k), ""


def _ratio_interval(ratio: float, df_above: int, df_below: int, k: int) -> tuple[float, float]:
    tail = 0.5 + LEVEL / 2
    low = ratio / float(stats.f.ppf(tail, df_above, df_below))
    high = ratio * float(stats.f.ppf(tail, df_below, df_above))
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _agreement(it: _Variance) -> _Interval:
    """ICC(A,1); its interval takes Satterthwaite's degrees of freedom (McGraw & Wong 1996, table 7)."""
    if it.is_perfect:
        return _PERFECT
    n, k = it.n, it.k
    value = (it.rows - it.residual) / (it.rows + (k - 1) * it.residual + k * (it.columns - it.residual) / n)
    of_columns = k * value * it.columns
    of_residual = (n * (1 + (k - 1) * value) - k * value) * it.residual
    spread = (of_columns**2 + of_residual**2 / (n - 1)) / (k - 1)
    if spread == 0.0:
        return value, float("nan"), float("nan"), "without bias and residual there is no interval"
    df = (of_columns + of_residual) ** 2 / spread
    tail = 0.5 + LEVEL / 2
    above = float(stats.f.ppf(tail, it.df_rows, df))
    below = float(stats.f.ppf(tail, df, it.df_rows))
    noise = k * it.columns + (k * n - k - n) * it.residual
    low = n * (it.rows - above * it.residual) / (above * noise + n * it.rows)
    high = n * (below * it.rows - it.residual) / (noise + n * below * it.rows)
    return value, low, high, ""


_FORMS = {IccForm.CONSISTENCY: _consistency, IccForm.AGREEMENT: _agreement, IccForm.ONE_WAY: _one_way}


def bias(ratings: Ratings) -> Estimate:
    """The mean difference, second rater minus first, with its t interval: who is stricter, and by how much."""
    table, dropped = complete(ratings)
    differences = table[:, 1] - table[:, 0]
    n = len(differences)
    if n == 0:
        return Estimate.unknown("nothing was scored by both", n=0, dropped=dropped)
    value = float(differences.mean())
    if n == 1:
        return Estimate(value=value, n=1, dropped=dropped, reason="one difference has no interval")
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * float(differences.std(ddof=1)) / sqrt(n)
    return Estimate(value=value, low=value - half, high=value + half, n=n, dropped=dropped)


def limits_of_agreement(ratings: Ratings) -> Limits:
    """Bland & Altman's limits, each with its approximate interval (Bland & Altman 1999, section 2.1)."""
    middle = bias(ratings)
    table, dropped = complete(ratings)
    n = len(table)
    if n < 2:
        nothing = Estimate.unknown("fewer than two scored by both", n=n, dropped=dropped)
        return Limits(bias=middle, low=nothing, high=nothing)
    spread = float((table[:, 1] - table[:, 0]).std(ddof=1))
    z = float(stats.norm.ppf(0.5 + LEVEL / 2))
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1)) * spread * sqrt(1 / n + z * z / (2 * (n - 1)))
    ends = (middle.value - z * spread, middle.value + z * spread)
    low, high = (Estimate(value=end, low=end - half, high=end + half, n=n, dropped=dropped) for end in ends)
    return Limits(bias=middle, low=low, high=high)


def spearman(ratings: Ratings) -> Estimate:
    """Spearman's rho with average ranks; its interval is Fisher's with the variance of Bonett & Wright (2000)."""
    table, dropped = complete(ratings)
    n = len(table)
    if n < 2:
        return Estimate.unknown("fewer than two scored by both", n=n, dropped=dropped)
    if np.ptp(table, axis=0).min() == 0.0:
        return Estimate.unknown("a rater's scores do not vary", n=n, dropped=dropped)
    ranks = stats.rankdata(table, axis=0)
    value = float(np.corrcoef(ranks[:, 0], ranks[:, 1])[0, 1])
    if n < 4 or 1 - abs(value) < TOLERANCE:
        return Estimate(value=value, n=n, dropped=dropped, reason="too few, or a perfect order, for an interval")
    half = float(stats.norm.ppf(0.5 + LEVEL / 2)) * sqrt((1 + value * value / 2) / (n - 3))
    return Estimate(value=value, low=tanh(atanh(value) - half), high=tanh(atanh(value) + half), n=n, dropped=dropped)


def share_within(ratings: Ratings, delta: float = 1.0) -> Estimate:
    """The share of differences of at most `delta`, with Wilson's interval."""
    table, dropped = complete(ratings)
    n = len(table)
    if n == 0:
        return Estimate.unknown("nothing was scored by both", n=0, dropped=dropped)
    hits = int((np.abs(table[:, 1] - table[:, 0]) <= delta + TOLERANCE).sum())
    low, high = wilson(hits, n)
    return Estimate(value=hits / n, low=low, high=high, n=n, dropped=dropped)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927)."""
    found = stats.binomtest(hits, n).proportion_ci(LEVEL, method="wilson")
    return cast(float, found.low), cast(float, found.high)


def agree(ratings: Ratings) -> Agreement:
    """Everything that is said of two raters' whole scores, 0 to 10."""
    table, dropped = complete(ratings)
    return Agreement(
        n=len(table),
        dropped=dropped,
        icc_c1=icc(ratings, IccForm.CONSISTENCY),
        icc_a1=icc(ratings, IccForm.AGREEMENT),
        bias=bias(ratings),
        limits=limits_of_agreement(ratings),
        spearman=spearman(ratings),
        within_one=share_within(ratings),
        kappa=quadratic_kappa(ratings),
        alpha=krippendorff_alpha(ratings),
        ac2=gwet_ac2(ratings),
    )
