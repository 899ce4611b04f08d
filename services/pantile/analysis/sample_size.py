"""How many have to be scored twice so that an ICC is known well enough. scipy only."""

from dataclasses import dataclass
from math import ceil

from scipy import stats

from pantile.analysis.estimates import LEVEL

LARGEST = 1_000_000
"""No more than this is ever proposed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IccPlan:
    """How many to rate for an interval of ICC(C,1) of a width, and the width that so many then give."""

    rated: int
    approximate: int
    """Bonett's formula, without a look at F."""

    width: float
    """Of the interval at the expected ICC, with `rated`."""


def plan_icc(*, expected_icc: float, width: float, raters: int = 2) -> IccPlan:
    """The smallest number to rate that gives ICC(C,1) an interval no wider than `width` at its expected value.

    Bonett (2002) gives the place to look, the F distribution the number.

    Raises:
        ValueError: the ICC is not within 0 and 1, the width not positive, or there are fewer than two raters.
    """
    if not 0 <= expected_icc < 1:
        raise ValueError(f"an ICC of {expected_icc:g} cannot be planned for; it has to be at least 0 and below 1")
    if not 0 < width < 2:
        raise ValueError(f"a width of {width:g} cannot be planned for; it has to be above 0 and below 2")
    if raters < 2:
        raise ValueError("agreement takes two raters or more")
    approximate = bonett(expected_icc=expected_icc, width=width, raters=raters)
    low, high = 2, max(4, 2 * approximate)
    while icc_width(expected_icc=expected_icc, rated=high, raters=raters) > width:
        if high >= LARGEST:
            raise ValueError(f"a width of {width:g} takes more than {LARGEST:,} rated")
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if icc_width(expected_icc=expected_icc, rated=middle, raters=raters) > width:
            low = middle + 1
        else:
            high = middle
    return IccPlan(
        rated=low, approximate=approximate, width=icc_width(expected_icc=expected_icc, rated=low, raters=raters)
    )


def bonett(*, expected_icc: float, width: float, raters: int) -> int:
    """Bonett's (2002) number to rate, with his correction for two raters and an ICC of 0.7 or more."""
    z = float(stats.norm.ppf(0.5 + LEVEL / 2))
    rho, k = expected_icc, raters
    needed = 8 * z * z * (1 - rho) ** 2 * (1 + (k - 1) * rho) ** 2 / (k * (k - 1) * width * width) + 1
    if k == 2 and rho >= 0.7:
        needed += 5 * rho
    return min(LARGEST, ceil(needed))


def icc_width(*, expected_icc: float, rated: int, raters: int) -> float:
    """The width of the F-based interval of ICC(C,1) where the ICC found is the one expected."""
    k = raters
    ratio = (1 + (k - 1) * expected_icc) / (1 - expected_icc)
    df = (rated - 1, (rated - 1) * (k - 1))
    tail = 0.5 + LEVEL / 2
    low = ratio / float(stats.f.ppf(tail, *df))
    high = ratio * float(stats.f.ppf(tail, *reversed(df)))
    return (high - 1) / (high + k - 1) - (low - 1) / (low + k - 1)
