"""Does a score say what Dice says? Per cohort and segmenter, beside what chance alone would give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pantile.analysis.agreement import TOLERANCE, Limits, icc, limits_of_agreement, share_within
from pantile.analysis.dice_files import DiceTable
from pantile.analysis.estimates import Estimate

Floats = NDArray[np.float64]

DELTA = 0.15
"""Dice and a tenth of the score agree where they are no further apart (the article's measure)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the share of agreement would be if the scores were dealt out anew among the same ROIs."""

    expected: float
    """The mean over all ways of dealing."""

    low: float
    high: float
    """Where 95 % of the shares drawn lie."""

    p: float
    """How often a dealing agrees as well as the scores do (Phipson & Smyth 2010)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiceAgreement:
    """One segmenter on one cohort: scores (tenths) against Dice."""

    cohort: str
    segmenter: str
    place: int
    is_home: bool
    within: Estimate
    baseline: Baseline | None
    icc_c1: Estimate
    limits: Limits


def compare_dice(table: DiceTable, *, draws: int = 2000, seed: int = 0) -> list[DiceAgreement]:
    """Every cohort and segmenter that has Dice with scores."""
    random = np.random.default_rng(seed)
    found = []
    for cohort in table.cohort_names:
        part = table.where(table.cohorts == cohort)
        for place, title in enumerate(table.design.titles):
            pairs = np.stack([part.dice[:, place], part.scores[:, place] / 10], axis=1)
            within = share_within(pairs, DELTA)
            if not within.n:
                continue
            found.append(
                DiceAgreement(
                    cohort=cohort,
                    segmenter=title,
                    place=place,
                    is_home=table.is_home(cohort, place),
                    within=within,
                    baseline=deal_anew(pairs, random, draws=draws),
                    icc_c1=icc(pairs),
                    limits=limits_of_agreement(pairs),
                )
            )
    return found


def deal_anew(pairs: Floats, random: np.random.Generator, *, draws: int = 2000) -> Baseline | None:
    """The permutation baseline of (rois, 2) Dice and tenths of scores; None for fewer than two.

    ROIs whose Dice is near the same scores are alike, and so are equal scores: a dealing is how many ROIs of each kind
    get each score, drawn from the hypergeometric distribution, which takes no longer for many ROIs than for few.
    """
    known = pairs[~np.isnan(pairs).any(axis=1)]
    n = len(known)
    if n < 2:
        return None
    scores, given = np.unique(known[:, 1], return_counts=True)
    near = np.abs(known[:, 0][:, None] - scores[None, :]) <= DELTA + TOLERANCE
    kinds, sizes = np.unique(near, axis=0, return_counts=True)
    shares = _deal(kinds, sizes, given, random, draws=draws) / n
    low, high = np.quantile(shares, [0.025, 0.975])
    observed = float((np.abs(known[:, 0] - known[:, 1]) <= DELTA + TOLERANCE).mean())
    reached = int((shares >= observed - TOLERANCE).sum())
    expected = float((near @ given).sum()) / n**2
    return Baseline(expected=expected, low=float(low), high=float(high), p=(1 + reached) / (1 + draws))


def _deal(
    kinds: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    given: NDArray[np.int64],
    random: np.random.Generator,
    *,
    draws: int,
) -> NDArray[np.int64]:
    """(draws,) how many ROIs get a score that is near, when (kinds,) ROIs are dealt (scores,) of each score."""
    left = np.tile(sizes, (draws, 1))
    hits = np.zeros(draws, dtype=np.int64)
    for place, number in enumerate(given):
        wanted = np.full(draws, number)
        others = left.sum(axis=1)
        for kind in range(len(sizes)):
            others -= left[:, kind]
            taken = random.hypergeometric(left[:, kind], others, wanted)
            left[:, kind] -= taken
            wanted -= taken
            hits += taken * kinds[kind, place]
    return hits
