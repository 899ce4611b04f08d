"""Which means hang on few: leaving one tissue source site out, leaving out what was trained on, by mpp of the slide."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pantile.analysis.scores import Mask, ScoreTable
from pantile.analysis.summaries import Floats, codes_of, sum_by

FINE_MPP = 0.35
"""Slides below were scanned at 40x, others at 20x."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInfluence:
    """One cohort and segmenter: its mean, and how far it moves when one site is left out."""

    cohort: str
    segmenter: str
    sites: int
    mean: float
    lowest: float
    lowest_without: str
    highest: float
    highest_without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsetMean:
    """The mean of part of a cohort's or segmenter's scores beside that of all."""

    group: str
    segmenter: str
    n_all: int
    mean_all: float
    n_part: int
    mean_part: float


def leave_sites_out(table: ScoreTable) -> list[SiteInfluence]:
    """Every cohort with two sites or more, every segmenter."""
    found: list[SiteInfluence] = []
    for cohort in table.cohort_names:
        part = table.where((table.cohorts == cohort) & (table.sites != ""))
        sites, codes = codes_of(part.sites)
        if len(sites) < 2:
            continue
        there = ~np.isnan(part.scores)
        n = sum_by(codes, there.astype(np.float64), len(sites))
        total = sum_by(codes, np.where(there, part.scores, 0.0), len(sites))
        found += _of_cohort(cohort, table.design.titles, sites.tolist(), n, total)
    return found


def _of_cohort(
    cohort: str, titles: tuple[str, ...], sites: list[str], n: Floats, total: Floats
) -> Iterator[SiteInfluence]:
    left = n.sum(axis=0) - n
    with np.errstate(invalid="ignore", divide="ignore"):
        without = np.where(left > 0, (total.sum(axis=0) - total) / left, np.nan)
    for place, title in enumerate(titles):
        if np.isnan(without[:, place]).any():
            continue
        low, high = int(without[:, place].argmin()), int(without[:, place].argmax())
        yield SiteInfluence(
            cohort=cohort,
            segmenter=title,
            sites=len(sites),
            mean=float(total[:, place].sum() / n[:, place].sum()),
            lowest=float(without[low, place]),
            lowest_without=sites[low],
            highest=float(without[high, place]),
            highest_without=sites[high],
        )


def leave_trained_out(table: ScoreTable, trained: Mask) -> list[SubsetMean]:
    """Each segmenter at home, with and without what it was trained on."""
    untouched = replace(table, scores=np.where(trained, np.nan, table.scores))
    found = []
    for place, segmenter in enumerate(table.design.segmenters):
        home = np.isin(table.cohorts, list(segmenter.native))
        for cohort in sorted(segmenter.native & set(table.cohort_names)):
            rows = home & (table.cohorts == cohort)
            found.append(_compare(cohort, segmenter.title, table.scores[rows, place], untouched.scores[rows, place]))
    return found


def split_by_mpp(table: ScoreTable) -> list[SubsetMean]:
    """Each segmenter on slides scanned finely (40x), beside all; nothing where all slides are alike or say nothing."""
    fine = table.mpps < FINE_MPP
    if not fine.any() or fine[~np.isnan(table.mpps)].all():
        return []
    return [
        _compare("40x", title, table.scores[:, place], table.scores[fine, place])
        for place, title in enumerate(table.design.titles)
    ]


def _compare(group: str, title: str, whole: Floats, part: Floats) -> SubsetMean:
    whole, part = whole[~np.isnan(whole)], part[~np.isnan(part)]
    return SubsetMean(
        group=group,
        segmenter=title,
        n_all=len(whole),
        mean_all=float(whole.mean()) if len(whole) else float("nan"),
        n_part=len(part),
        mean_part=float(part.mean()) if len(part) else float("nan"),
    )
