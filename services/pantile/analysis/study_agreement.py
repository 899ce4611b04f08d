"""Agreement of two readings of a study: over all, by segmenter and by cohort.

Segmenters differ in how good they are, and by that alone pooled scores correlate; so the figure within segmenters comes
first, the pooled one second (the article gives the pooled one).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pantile.analysis.agreement import Agreement, IccForm, Ratings, agree, icc
from pantile.analysis.estimates import Estimate

Label = TypeVar("Label", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedScores:
    """Scores of outputs by a first and a second reading: (outputs, 2) float64, with each output's segmenter, cohort."""

    ratings: Ratings
    segmenters: Sequence[int]
    cohorts: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAgreement:
    """Agreement on some outputs: within segmenters, and pooled as if all were one segmenter's."""

    within: Estimate
    pooled: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAgreement:
    """Agreement on all outputs, and on each segmenter's and each cohort's."""

    overall: GroupAgreement
    by_segmenter: dict[int, Agreement]
    by_cohort: dict[str, GroupAgreement]


def compare_readings(pairs: PairedScores, *, segmenters: bool = True, cohorts: bool = True) -> StudyAgreement:
    """The agreement of two readings; what is not asked for is left out."""
    return StudyAgreement(
        overall=_of_group(pairs.ratings, pairs.segmenters),
        by_segmenter={
            number: agree(pairs.ratings[rows]) for number, rows in _rows_by(pairs.segmenters if segmenters else [])
        },
        by_cohort={
            cohort: _of_group(pairs.ratings[rows], [pairs.segmenters[int(row)] for row in rows])
            for cohort, rows in _rows_by(pairs.cohorts if cohorts else [])
        },
    )


def _of_group(ratings: Ratings, segmenters: Sequence[int]) -> GroupAgreement:
    return GroupAgreement(within=icc(ratings, IccForm.CONSISTENCY, groups=segmenters), pooled=agree(ratings))


def _rows_by(labels: Sequence[Label]) -> list[tuple[Label, np.ndarray[tuple[int], np.dtype[np.int64]]]]:
    rows: dict[Label, list[int]] = {}
    for number, label in enumerate(labels):
        rows.setdefault(label, []).append(number)
    return [(label, np.array(rows[label], dtype=np.int64)) for label in sorted(rows, key=str)]
