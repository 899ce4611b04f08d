"""Native against foreign, cell by cell, and segmenter against segmenter. What is compared are patients' mean scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scikit_posthocs
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from pantile.analysis.bootstrap import Draws, interval
from pantile.analysis.scores import ScoreTable
from pantile.analysis.summaries import Floats, codes_of, sum_by

DEFAULT_MARGIN = 1.0
"""Two means closer than this count as equivalent: a score has steps of one, and raters differ by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeAgainstForeign:
    """One segmenter at home and elsewhere."""

    segmenter: str
    native_patients: int
    foreign_patients: int
    native_mean: float
    """Over ROIs, as in Table 1."""

    foreign_mean: float
    difference: float
    """Native less foreign, with the interval of drawn patients."""

    low: float
    high: float
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignCell:
    """One segmenter in one foreign cohort, against itself at home."""

    cohort: str
    segmenter: str
    patients: int
    mean: float
    difference: float
    """The cohort's patients less the native ones."""

    p: float
    p_bh: float
    p_equivalence: float
    """Of two one-sided tests (Schuirmann 1987): small where the means differ by less than the margin."""

    p_equivalence_holm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentersCompared:
    """All segmenters on the same patients (Friedman), and which pairs differ (Conover, Holm)."""

    patients: int
    statistic: float
    p: float
    concordance: float
    """Kendall's W: 1 where every patient orders the segmenters alike."""

    mean_ranks: tuple[float, ...]
    """1 is the best."""

    pairs: Floats
    """(segmenters, segmenters) corrected p."""


def patient_means(table: ScoreTable) -> tuple[Floats, NDArray[np.str_]]:
    """(patients, segmenters) mean scores, and each patient's cohort. A patient in two cohorts is two."""
    keys = np.char.add(np.char.add(table.cohorts, "\t"), table.cases)
    names, codes = codes_of(keys)
    there = ~np.isnan(table.scores)
    n = sum_by(codes, there.astype(np.float64), len(names))
    total = sum_by(codes, np.where(there, table.scores, 0.0), len(names))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(n > 0, total / n, np.nan)
    return means, np.array([str(name).partition("\t")[0] for name in names], dtype=np.str_)


def compare_native(table: ScoreTable, draws: Draws) -> list[NativeAgainstForeign]:
    """Each segmenter at home against elsewhere: Welch's test on patients' means, corrected by Holm over segmenters."""
    means, cohorts = patient_means(table)
    low, high = interval(draws.native - draws.foreign)
    halves = [
        _halves(means[:, place], np.isin(cohorts, list(segmenter.native)))
        for place, segmenter in enumerate(table.design.segmenters)
    ]
    p = [_welch(native, foreign) for native, foreign in halves]
    corrected = correct(p, "holm")
    found = []
    for place, segmenter in enumerate(table.design.segmenters):
        rois = _halves(table.scores[:, place], np.isin(table.cohorts, list(segmenter.native)))
        found.append(
            NativeAgainstForeign(
                segmenter=segmenter.title,
                native_patients=len(halves[place][0]),
                foreign_patients=len(halves[place][1]),
                native_mean=_mean(rois[0]),
                foreign_mean=_mean(rois[1]),
                difference=_mean(rois[0]) - _mean(rois[1]),
                low=float(low[place]),
                high=float(high[place]),
                p=p[place],
                p_holm=corrected[place],
            )
        )
    return found


def compare_cells(table: ScoreTable, *, margin: float = DEFAULT_MARGIN) -> list[ForeignCell]:
    """Each segmenter in each foreign cohort against itself at home: does it differ, is it equivalent?

    Differences are explored (Benjamini & Hochberg 1995); equivalence is claimed, hence corrected by Holm.
    """
    means, cohorts = patient_means(table)
    found = []
    for place, segmenter in enumerate(table.design.segmenters):
        native, _ = _halves(means[:, place], np.isin(cohorts, list(segmenter.native)))
        for cohort in table.cohort_names:
            if cohort in segmenter.native:
                continue
            there, _ = _halves(means[:, place], cohorts == cohort)
            found.append((cohort, segmenter.title, there, native, _welch(there, native), _tost(there, native, margin)))
    explored = correct([p for *_, p, _ in found], "fdr_bh")
    claimed = correct([p for *_, p in found], "holm")
    return [
        ForeignCell(
            cohort=cohort,
            segmenter=title,
            patients=len(there),
            mean=_mean(there),
            difference=_mean(there) - _mean(native),
            p=p,
            p_bh=p_bh,
            p_equivalence=p_tost,
            p_equivalence_holm=p_holm,
        )
        for (cohort, title, there, native, p, p_tost), p_bh, p_holm in zip(found, explored, claimed, strict=True)
    ]


def compare_segmenters(table: ScoreTable) -> SegmentersCompared | None:
    """All segmenters on the patients that have a score for each; None for fewer than three of either."""
    means, _ = patient_means(table)
    blocks = means[~np.isnan(means).any(axis=1)]
    patients, segmenters = blocks.shape
    if patients < 3 or segmenters < 3 or np.ptp(blocks, axis=1).max() == 0:
        return None
    statistic, p = stats.friedmanchisquare(*blocks.T)
    pairs = scikit_posthocs.posthoc_conover_friedman(blocks, p_adjust="holm").to_numpy(dtype=np.float64)
    ranks = stats.rankdata(-blocks, axis=1).mean(axis=0)
    return SegmentersCompared(
        patients=patients,
        statistic=float(statistic),
        p=float(p),
        concordance=float(statistic) / (patients * (segmenters - 1)),
        mean_ranks=tuple(float(rank) for rank in ranks),
        pairs=pairs,
    )


def correct(p: Sequence[float], method: str) -> list[float]:
    """Corrected p values, NaN where there is none; the number of tests is that of the known ones."""
    values = np.asarray(p, dtype=np.float64)
    known = ~np.isnan(values)
    corrected = np.full(len(values), np.nan)
    if known.any():
        corrected[known] = multipletests(values[known], method=method)[1]
    return [float(value) for value in corrected]


def _halves(values: Floats, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    known = ~np.isnan(values)
    return values[known & inside], values[known & ~inside]


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _is_testable(first: Floats, second: Floats) -> bool:
    return min(len(first), len(second)) > 1 and bool(max(np.ptp(first), np.ptp(second)) > 0)


def _welch(first: Floats, second: Floats) -> float:
    if not _is_testable(first, second):
        return float("nan")
    return float(stats.ttest_ind(first, second, equal_var=False).pvalue)


def _tost(first: Floats, second: Floats, margin: float) -> float:
    if not _is_testable(first, second):
        return float("nan")
    return float(ttost_ind(first, second, -margin, margin, usevar="unequal")[0])
