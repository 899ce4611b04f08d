"""Table 1: mean and standard deviation of scores per cohort and segmenter, per cohort, per segmenter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.design import Category
from pantile.analysis.scores import ScoreTable, Texts

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Number, mean and standard deviation (n - 1) of scores; NaN where there are too few."""

    n: Counts
    mean: Floats
    sd: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The article's Table 1. Rows and columns pool their scores: a column is weighted by ROIs, not by cohorts."""

    cohorts: tuple[str, ...]
    rois: Counts
    """(cohorts,) ROIs with a score."""

    cells: Moments
    """(cohorts, segmenters)."""

    rows: Moments
    """(cohorts,) over all segmenters."""

    columns: Moments
    """(segmenters,) over all cohorts."""

    overall: Moments
    """() over everything."""


def summarise(table: ScoreTable) -> Summary:
    """Table 1 of the ROIs given."""
    cohorts = table.cohort_names
    codes = np.searchsorted(np.array(cohorts, dtype=np.str_), table.cohorts)
    n, total, squares = (sum_by(codes, part, len(cohorts)) for part in _powers(table.scores))
    return Summary(
        cohorts=cohorts,
        rois=np.bincount(codes, minlength=len(cohorts)),
        cells=_moments(n, total, squares),
        rows=_moments(n.sum(axis=1), total.sum(axis=1), squares.sum(axis=1)),
        columns=_moments(n.sum(axis=0), total.sum(axis=0), squares.sum(axis=0)),
        overall=_moments(n.sum(), total.sum(), squares.sum()),
    )


def _powers(values: Floats) -> tuple[Floats, Floats, Floats]:
    there = ~np.isnan(values)
    filled = np.where(there, values, 0.0)
    return there.astype(np.float64), filled, filled**2


def sum_by(codes: NDArray[np.int64], values: Floats, groups: int) -> Floats:
    """(groups, columns) the sums of rows by group."""
    sums = np.zeros((groups, values.shape[1]))
    for column in range(values.shape[1]):
        sums[:, column] = np.bincount(codes, weights=values[:, column], minlength=groups)
    return sums


def _moments(n: Floats, total: Floats, squares: Floats) -> Moments:
    """Scores are whole numbers: the sums are exact."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, total / n, np.nan)
        variance = np.where(n > 1, (squares - total * total / n) / (n - 1), np.nan)
    return Moments(n=np.asarray(n, dtype=np.int64), mean=mean, sd=np.sqrt(np.maximum(variance, 0.0)))


def count_categories(table: ScoreTable, categories: tuple[Category, ...]) -> Counts:
    """(cohorts, segmenters, categories) how many scores fall into each."""
    cohorts = table.cohort_names
    codes = np.searchsorted(np.array(cohorts, dtype=np.str_), table.cohorts)
    counts = np.zeros((len(cohorts), table.scores.shape[1], len(categories)), dtype=np.int64)
    for number, category in enumerate(categories):
        inside = (table.scores >= category.low) & (table.scores < category.high)
        counts[:, :, number] = sum_by(codes, inside.astype(np.float64), len(cohorts)).astype(np.int64)
    return counts


def order_by_mean(summary: Summary) -> list[int]:
    """The cohorts, highest mean over all segmenters first."""
    return sorted(range(len(summary.cohorts)), key=lambda row: (-float(summary.rows.mean[row]), summary.cohorts[row]))


def codes_of(names: Texts) -> tuple[Texts, NDArray[np.int64]]:
    """The names that are there, sorted, and which of them each is."""
    unique, codes = np.unique(names, return_inverse=True)
    return unique, codes.astype(np.int64)
