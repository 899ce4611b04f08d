"""Does it matter in which pane an output was seen, and when; and does a rater repeat their scores?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pantile.analysis.agreement import Agreement, agree
from pantile.analysis.estimates import LEVEL, Estimate
from pantile.analysis.long_files import Readings
from pantile.analysis.scores import Texts
from pantile.analysis.summaries import codes_of

PER = 100
"""The effect of position is given for this many cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneEffect:
    """How much higher scores are in one pane than in the case's others, outputs being equal."""

    pane: str
    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEffects:
    """Panes and positions, of first rounds."""

    panes: tuple[PaneEffect, ...]
    p: float
    """Of no difference between panes."""

    drift: Estimate
    """How much scores rise over 100 cases of a rater."""


def measure_order(readings: Readings) -> OrderEffects | None:
    """The effects of pane and position; None with fewer than two panes or three cases.

    The scores of a case are alike, so a case is one observation: panes are compared within cases, positions by the
    cases' means.
    """
    first = readings.rounds == 1
    rest, positions = _residuals(readings)[first], readings.positions[first].astype(np.float64)
    panes, pane_of = codes_of(readings.panes[first])
    cases, case_of = codes_of(
        np.char.add(readings.raters[first], np.char.add("\t", readings.positions[first].astype(str)))
    )
    if len(panes) < 2 or len(cases) < 3:
        return None
    size = np.bincount(case_of)
    case_means = np.bincount(case_of, weights=rest) / size
    slope = stats.linregress(np.bincount(case_of, weights=positions) / size, case_means)
    half = PER * float(stats.t.ppf(0.5 + LEVEL / 2, len(cases) - 2)) * float(slope.stderr)
    drift = PER * float(slope.slope)
    effects, p = _compare_panes(panes, pane_of, rest - case_means[case_of], len(cases))
    return OrderEffects(
        panes=effects, p=p, drift=Estimate(value=drift, low=drift - half, high=drift + half, n=len(rest))
    )


def _residuals(readings: Readings) -> NDArray[np.float64]:
    _, codes = codes_of(np.char.add(np.char.add(readings.raters, "\t"), readings.cells))
    means = np.bincount(codes, weights=readings.scores) / np.bincount(codes)
    return np.asarray(readings.scores - means[codes], dtype=np.float64)


def _compare_panes(
    panes: Texts, pane_of: NDArray[np.int64], within: NDArray[np.float64], cases: int
) -> tuple[tuple[PaneEffect, ...], float]:
    """Panes as in a two-way layout with cases as blocks."""
    n = np.bincount(pane_of)
    means = np.bincount(pane_of, weights=within) / n
    df = (len(panes) - 1, (cases - 1) * (len(panes) - 1))
    residual = float(((within - means[pane_of]) ** 2).sum()) / df[1]
    halves = stats.t.ppf(0.5 + LEVEL / 2, df[1]) * np.sqrt(residual * (1 - 1 / len(panes)) / n)
    ratio = float((n * means**2).sum()) / df[0] / residual if residual > 0 else float("nan")
    effects = tuple(
        PaneEffect(pane=str(pane), n=int(number), mean=float(mean), low=float(mean - half), high=float(mean + half))
        for pane, number, mean, half in zip(panes, n, means, halves, strict=True)
    )
    return effects, float(stats.f.sf(ratio, *df))


def measure_repeats(readings: Readings) -> dict[str, Agreement]:
    """Each rater's agreement with themselves: an output's first score against their next."""
    found: dict[str, Agreement] = {}
    for rater in np.unique(readings.raters).tolist():
        mine = readings.raters == rater
        pairs = _pairs(readings.outputs[mine], readings.rounds[mine], readings.scores[mine])
        if len(pairs) > 1:
            found[rater] = agree(pairs)
    return found


def _pairs(outputs: Texts, rounds: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.lexsort((rounds, outputs))
    outputs, scores = outputs[order], scores[order]
    starts = np.flatnonzero(np.r_[True, outputs[1:] != outputs[:-1]])
    sizes = np.diff(np.r_[starts, len(outputs)])
    first = starts[sizes > 1]
    return np.stack([scores[first], scores[first + 1]], axis=1)
